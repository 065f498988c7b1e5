# SPDX-License-Identifier: MIT
"""The distribution's package client with a state of its own, for one architecture.

Nothing of the host's is written and nothing of its installed packages is looked at: lists, cache and an
empty status are in a folder of the build, so neither root nor a foreign architecture in dpkg is needed. Of
the host's configuration only how to reach an archive is kept (the group ``Acquire``: proxies, certificates,
checks); its hooks and pins are not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import program
from .errors import DebError
from .record import Package, Request, sha256

MAX_PACKAGES = 2000
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
UPDATE_SECONDS = 600
DOWNLOAD_SECONDS = 1800
_PRINTED_URI = re.compile(r"'[^']*' (?P<file>[^ ]+_[^ ]+_[^ ]+\.deb) [0-9]+ ?.*")


@dataclass(frozen=True)
class Apt:
    """``sources`` is the text of a deb822 sources file; ``proxies`` are environment variables."""

    folder: Path
    architecture: str
    sources: str
    proxies: Mapping[str, str]

    def update(self) -> None:
        """Fetch the lists again. Raises DebError with the client's own words."""
        self._stamp.unlink(missing_ok=True)
        self._prepare()
        self._call(["apt-get", "-q", "update"], seconds=UPDATE_SECONDS)
        self._stamp.write_text(self.sources)

    def is_updated(self) -> bool:
        """Whether the lists of these very sources exist."""
        return self._stamp.exists() and self._stamp.read_text() == self.sources

    @property
    def _stamp(self) -> Path:
        return self.folder / "updated"

    def known(self, alternatives: Sequence[str]) -> str:
        """The first of ``alternatives`` that the archive has."""
        for name in alternatives:
            if "Package:" in self._call(["apt-cache", "-q", "show", name], check=False):
                return name
        raise DebError(
            f'the archive has no package "{"|".join(alternatives)}" for {self.architecture}',
            hint="correct DEB_PACKAGES, or set DEB_SOURCES to a sources file that has it",
        )

    def closure(self, request: Request) -> list[tuple[str, str]]:
        """Name and version of every package that ``request`` needs and wants, sorted."""
        names = [self.known(word.split("|")) for word in request.names]
        text = self._call(["apt-get", "-qq", "--yes", "--print-uris", "install", *names])
        files = [match["file"] for line in text.splitlines() if (match := _PRINTED_URI.fullmatch(line))]
        if not files or len(files) > MAX_PACKAGES:
            raise DebError(
                f"{len(files)} packages answer {' '.join(names)}; 1 to {MAX_PACKAGES} are expected"
            )
        pairs = [tuple(name.replace("%3a", ":") for name in file.split("_")[:2]) for file in files]
        return sorted((name, version) for name, version in pairs if request.wants(name))

    def download(self, pairs: Iterable[tuple[str, str]], folder: Path) -> list[Package]:
        """The packages' files in ``folder``, checked against the signed lists by the client and here."""
        wanted = [f"{name}={version}" for name, version in pairs]
        digests = _digests(self._call(["apt-cache", "-q", "--no-all-versions", "show", *wanted]))
        self._call(["apt-get", "-q", "download", *wanted], folder=folder, seconds=DOWNLOAD_SECONDS)
        return [_package(path, digests) for path in sorted(folder.glob("*.deb"))]

    def _prepare(self) -> None:
        for name in ("lists/partial", "archives/partial", "cache", "sources.list.d"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").write_text("")
        (self.folder / "sources.list.d" / "own.sources").write_text(self.sources)
        (self.folder / "apt.conf").write_text(render_config(self.folder, self.architecture, _host_config()))

    def _call(
        self, argv: Sequence[str], *, folder: Path | None = None, check: bool = True, seconds: int = 120
    ) -> str:
        environment = {
            "PATH": SYSTEM_PATH,
            "LC_ALL": "C.UTF-8",
            "APT_CONFIG": str(self.folder / "apt.conf"),
        }
        environment.update(self.proxies)
        where = folder or self.folder
        result = program.run(argv, folder=where, environment=environment, seconds=seconds, check=False)
        if check and result.returncode:
            errors = result.stderr.decode("utf-8", "replace")
            named = "\n".join(line for line in errors.splitlines() if line.startswith(("E:", "W:")))
            raise DebError(
                f"'{' '.join(argv)}' failed for {self.architecture}:\n{named or errors[-2000:]}",
                hint="set DEB_SOURCES to a sources file of the distribution's own archive",
            )
        return result.stdout.decode("utf-8", "replace")


def render_config(folder: Path, architecture: str, acquire: Iterable[str]) -> str:
    """An apt.conf that keeps everything below ``folder``;
    ``acquire``: lines of the host's group Acquire.
    """
    own = {
        "APT::Architecture": architecture,
        "APT::Install-Recommends": "0",
        "APT::Install-Suggests": "0",
        # Downloads run as the caller: the client's own user may not enter the build's folders.
        "APT::Sandbox::User": "",
        # A list that cannot be had is an error, not a reason to go on without it.
        "APT::Update::Error-Mode": "any",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Debug::NoLocking": "1",
        "Dir::Etc::parts": "/dev/null",
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": f"{folder}/sources.list.d",
        "Dir::Etc::trusted": "/dev/null",
        "Dir::Etc::trustedparts": "/dev/null",
        "Dir::State": str(folder),
        "Dir::State::lists": f"{folder}/lists",
        "Dir::State::status": f"{folder}/status",
        "Dir::Cache": f"{folder}/cache",
        "Dir::Cache::archives": f"{folder}/archives",
    }
    lines = [*acquire, "#clear APT::Architectures;", f'APT::Architectures {{ "{architecture}"; }};']
    return "\n".join([*lines, *(f'{name} "{value}";' for name, value in own.items())]) + "\n"


def _host_config() -> list[str]:
    environment = {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8"}
    text = program.run(["apt-config", "dump"], environment=environment).stdout.decode("utf-8", "replace")
    return [line for line in text.splitlines() if is_kept(line)]


def is_kept(line: str) -> bool:
    """Whether a line of ``apt-config dump`` sets how to reach an archive."""
    return line.startswith("Acquire::") and not line.startswith(
        ("Acquire::IndexTargets", "Acquire::Languages")
    )


def _digests(text: str) -> dict[tuple[str, str], set[str]]:
    """sha256 by name and version from the paragraphs of ``apt-cache show``."""
    found: dict[tuple[str, str], set[str]] = {}
    for paragraph in text.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|SHA256): (\S+)$", paragraph, re.MULTILINE))
        if len(fields) == 3:
            found.setdefault((fields["Package"], fields["Version"]), set()).add(fields["SHA256"])
    return found


def _package(path: Path, digests: Mapping[tuple[str, str], set[str]]) -> Package:
    name, version, architecture = path.name[: -len(".deb")].replace("%3a", ":").split("_")
    found = sha256(path)
    if found not in digests.get((name, version), set()):
        raise DebError(f"{path.name} has sha256 {found}, which is not in the archive's list")
    return Package(name, version, architecture, found, path.name)


def environment_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """The proxy settings among the caller's variables."""
    names = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    return {name: environment[name] for name in names if environment.get(name)}


def move_into(packages: Iterable[Package], source: Path, target: Path) -> None:
    """Rename the files of ``packages`` from one folder into another of the same file system."""
    for package in packages:
        os.replace(source / package.file, target / package.file)
