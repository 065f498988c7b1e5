# SPDX-License-Identifier: MIT
"""Root file systems from the distribution's own packages, fetched where this machine fetches its packages.

A root file system of a foreign architecture is unpacked, never run: no emulation is needed.
"""

from __future__ import annotations

import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .failure import NOT_INSTALLED, Failure, run

EPOCH = 1767225600
NOT_NEEDED = tuple(f"/usr/share/{name}/*" for name in ("doc", "man", "info", "locale", "lintian"))
# Packages that are unpacked only never ran the script that makes /etc/passwd.
USERS_HOOK = (
    'cp "$1/usr/share/base-passwd/passwd.master" "$1/etc/passwd" && '
    'cp "$1/usr/share/base-passwd/group.master" "$1/etc/group" && '
    'cd "$1/usr/share" && rm -rf doc man lintian locale perl5'
)
TEMPORARY = ("/var/tmp", "/tmp")
# Ubuntu keeps these apart from the other architectures; mmdebstrap knows where.
UBUNTU_MAIN_ARCHITECTURES = ("amd64", "i386")
TARGET_FORMAT = "$(ORIGIN)|$(CODENAME)|$(SUITE)|$(REPO_URI)|$(COMPONENT)"


@dataclass(frozen=True)
class Distribution:
    """What this machine installs its packages from."""

    architecture: str
    origin: str
    codename: str
    sources: tuple[str, ...]
    apt_options: tuple[str, ...]

    @classmethod
    def of_this_machine(cls) -> Distribution:
        """Ask apt and dpkg."""
        release = _os_release()
        origin, codename = release.get("ID", "").capitalize(), release.get("VERSION_CODENAME", "")
        if origin not in ("Debian", "Ubuntu") or not codename:
            raise Failure("this machine runs neither Debian nor Ubuntu", "use a container of one of them")
        return cls(
            architecture=_output("dpkg", "--print-architecture").strip(),
            origin=origin,
            codename=codename,
            sources=_sources(origin, codename),
            apt_options=tuple(
                _output("apt-config", "dump", "Acquire::http", "Acquire::https").splitlines()
            ),
        )

    def mirrors(self, architecture: str) -> tuple[str, ...]:
        """Source lines for one architecture; none means the distribution's default."""
        main = UBUNTU_MAIN_ARCHITECTURES
        apart = self.origin == "Ubuntu" and (architecture in main) != (self.architecture in main)
        return () if apart else self.sources


def installed(distribution: Distribution, tar: Path, *, include: Sequence[str], log: Path) -> None:
    """A small installed system of this machine's architecture."""
    excludes = [f"--dpkgopt=path-exclude={pattern}" for pattern in NOT_NEEDED]
    if any(source.split()[1].startswith("https:") for source in distribution.sources):
        include = [*include, "ca-certificates"]
    # apt: Ubuntu does not count it among the required.
    _mmdebstrap(
        distribution, distribution.architecture, tar, ["--variant=minbase", *excludes], [*include, "apt"],
        log,
    )  # fmt: skip


def unpacked(
    distribution: Distribution,
    architecture: str,
    tar: Path,
    *,
    include: Sequence[str],
    log: Path,
    users: bool = False,
) -> None:
    """Packages and what they depend on, unpacked and not configured."""
    options = ["--variant=extract"]
    if users:
        options.append(f"--customize-hook={USERS_HOOK}")
        include = [*include, "base-passwd"]
    _mmdebstrap(distribution, architecture, tar, options, include, log)


def take_file(tar: Path, names: Sequence[str], destination: Path) -> None:
    """Take the first of these members that exists out of a tar."""
    with tarfile.open(tar) as archive:
        for member in archive:
            wanted = member.isreg() and member.name.lstrip("./") in names
            stream = archive.extractfile(member) if wanted else None
            if stream is not None:
                destination.write_bytes(stream.read())
                destination.chmod(0o755)
                return
    raise Failure(f"{tar.name} holds none of {', '.join(names)}")


def _mmdebstrap(
    distribution: Distribution,
    architecture: str,
    tar: Path,
    options: Sequence[str],
    include: Sequence[str],
    log: Path,
) -> None:
    tar.parent.mkdir(parents=True, exist_ok=True)
    # No files: an ordinary user's mmdebstrap works as other users, who may not enter a private home.
    argv = ["mmdebstrap", f"--architectures={architecture}"]
    argv += [f"--aptopt={option}" for option in distribution.apt_options]
    argv += [f"--include={','.join(include)}", *options]
    argv += [distribution.codename, str(tar), *distribution.mirrors(architecture)]
    # The same packages make the same archive.
    env = {"SOURCE_DATE_EPOCH": str(EPOCH), "TMPDIR": _temporary()}
    hint = f"see the whole log, {log}; where packages are not found, run: apt-get update"
    run(argv, log=log, env=env, hint=hint)


def _temporary() -> str:
    """A directory for temporary files that all users may enter."""
    for place in (tempfile.gettempdir(), *TEMPORARY):
        way = Path(place).resolve()
        if all(step.stat().st_mode & stat.S_IXOTH for step in (way, *way.parents)):
            return place
    raise Failure(f"other users may not enter {TEMPORARY[-1]}", f"run: chmod 1777 {TEMPORARY[-1]}")


def _sources(origin: str, codename: str) -> tuple[str, ...]:
    lines = set()
    targets = _output("apt-get", "indextargets", "--format", TARGET_FORMAT, "Created-By: Packages")
    for line in targets.splitlines():
        source_origin, source_codename, suite, uri, component = line.split("|")
        wanted = (codename, f"{codename}-security", f"{codename}-updates")
        # Ubuntu gives every pocket the release's code name; its suite distinguishes them.
        name = suite if origin == "Ubuntu" else source_codename
        if source_origin == origin and name in wanted:
            lines.add(f"deb {uri} {name} {component}")
    if not lines:
        raise Failure("apt has no package lists of the distribution", "run: apt-get update")
    return tuple(sorted(lines))


def _os_release() -> dict[str, str]:
    pairs = (line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return {name: value.strip('"') for name, value in pairs}


def _output(*argv: str) -> str:
    try:
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    except (*NOT_INSTALLED, subprocess.CalledProcessError) as error:
        raise Failure(f"{argv[0]} does not work here: {error}", "use Debian or Ubuntu") from None
