# SPDX-License-Identifier: MIT
"""The initramfs: PID 1, the libraries it needs, the modules it loads first, its configuration and what it
trusts.
"""

from __future__ import annotations

import io
import os
import re
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import cpio, elf, kmod, program
from .errors import DebError

MODULE_LIST = "etc/pantavisor/modules"
MAX_MODULES_BYTES = 2 * 1024 * 1024 * 1024
# Packages put their files into either of each pair; one of them is enough.
MERGED = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}


@dataclass(frozen=True)
class Content:
    """``programs`` are paths in ``sysroot``, ``strip`` is the target's strip with its options.

    ``files`` maps places in the initramfs to files, ``links`` to targets.
    """

    sysroot: Path
    programs: tuple[str, ...]
    strip: tuple[str, ...]
    modules: Path
    module_names: tuple[str, ...]
    optional_module_names: tuple[str, ...]
    files: Mapping[str, Path]
    folders: tuple[str, ...]
    links: Mapping[str, str]


def build(path: Path, content: Content, *, level: int, epoch: int) -> None:
    """Write the compressed archive. The number of threads is fixed: it shows in the bytes."""
    archive = io.BytesIO()
    cpio.write(archive, entries(content), epoch=epoch)
    command = ["zstd", f"-{level}", "--ultra", "-T1", "-q", "--no-check", "--force", "-", "-o", str(path)]
    program.run(command, data=archive.getvalue())


def entries(content: Content) -> dict[str, cpio.Entry]:
    """Everything in the archive by its path."""
    found: dict[str, cpio.Entry] = {
        # The kernel opens it for PID 1 before anything is mounted.
        "dev/console": cpio.character_device(5, 1),
        **{place: cpio.link(target) for place, target in MERGED.items()},
        **{target: cpio.folder() for target in MERGED.values()},
    }
    for place in content.folders:
        found[_plain(place)] = cpio.folder()
    for place, target in content.links.items():
        found[_plain(place)] = cpio.link(target)
    found.update(_programs(content))
    for place, source in content.files.items():
        found[_plain(place)] = cpio.file(_bytes(source, place))
    found.update(_modules(content))
    return found


def _programs(content: Content) -> dict[str, cpio.Entry]:
    files = {
        _plain(place): content.sysroot / elf.resolve(content.sysroot, place) for place in content.programs
    }
    for place, source in files.items():
        if not source.is_file():
            raise DebError(
                f"{place} is not in {content.sysroot}", hint="add the recipe that has it to DEPENDS"
            )
    files.update(elf.closure(content.sysroot, content.programs))
    return _linked(files, content.strip)


def _linked(files: Mapping[str, Path], strip: tuple[str, ...]) -> dict[str, cpio.Entry]:
    """Each file once; a second place of it, as the loader has two, is a link."""
    first: dict[Path, str] = {}
    found = {}
    for place, source in sorted(files.items()):
        known = first.setdefault(source, place)
        found[place] = (
            cpio.file(_stripped(source, strip), 0o755) if known == place else cpio.link(f"/{known}")
        )
    return found


def _stripped(source: Path, strip: tuple[str, ...]) -> bytes:
    """The file without what only a debugger reads."""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "stripped")
        program.run([*strip, "--strip-unneeded", "-o", target, str(source)])
        return Path(target).read_bytes()


def _modules(content: Content) -> dict[str, cpio.Entry]:
    if not content.module_names and not content.optional_module_names:
        return {}
    with tarfile.open(content.modules) as archive:
        members = {member.name: member for member in archive if member.isreg()}
        if sum(member.size for member in members.values()) > MAX_MODULES_BYTES:
            raise DebError(f"{content.modules} unpacks to more than {MAX_MODULES_BYTES} bytes")
        base = _base(members, content.modules)
        texts = [
            _member(archive, members, f"{base}/{name}").decode()
            for name in ("modules.dep", "modules.builtin")
        ]
        order = kmod.Index.parse(*texts).order(content.module_names, optional=content.optional_module_names)
        found = {
            f"usr/{base}/{kmod.plain_path(name)}": cpio.file(
                kmod.plain(_member(archive, members, f"{base}/{name}"), name)
            )
            for name in order
        }
    lines = "".join(f"/{base}/{kmod.plain_path(name)}\n" for name in order)
    return {**found, MODULE_LIST: cpio.file(lines.encode())}


def _base(members: Mapping[str, tarfile.TarInfo], path: Path) -> str:
    bases = sorted(
        {os.path.dirname(name) for name in members if re.fullmatch(r"lib/modules/[^/]+/modules\.dep", name)}
    )
    if len(bases) != 1:
        raise DebError(f"{path} holds {len(bases)} kernel releases with a modules.dep; one is expected")
    return bases[0]


def _member(archive: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo], name: str) -> bytes:
    stream = archive.extractfile(members[name]) if name in members else None
    if stream is None:
        raise DebError(f"{archive.name!s} has no {name}")
    return stream.read()


def _bytes(source: Path, place: str) -> bytes:
    if not source.is_file():
        raise DebError(
            f"{source}, which is to become {place}, does not exist",
            hint="correct PANTAVISOR_INITRAMFS_FILES",
        )
    return source.read_bytes()


def _plain(place: str) -> str:
    """A place without the slash first, below the folder that a merged name points to."""
    first, slash, rest = place.strip("/").partition("/")
    return f"{MERGED[first]}/{rest}" if slash and first in MERGED else place.strip("/")
