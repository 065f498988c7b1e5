# SPDX-License-Identifier: MIT
"""Kernel modules: their release, a tree of their own, and the order in which to load some of them.

``modules.dep`` (depmod(8)) has one line ``path: path...`` a module; the paths after the colon are all that
it needs, those needed first standing last. ``modules.builtin`` lists what the kernel has inside.
"""

from __future__ import annotations

import gzip
import lzma
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import program
from .errors import DebError

GZIP_MAGIC = b"\x1f\x8b"
_FILE = re.compile(r"(?P<name>[^/]+)\.ko(?P<ending>\.gz|\.xz|\.zst)?")


def _zstd(data: bytes) -> bytes:
    # Python has no zstd before 3.14.
    return program.run(["zstd", "-dcq"], data=data).stdout


# By the ending of a compressed module.
DECOMPRESSORS: Mapping[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
    ".zst": _zstd,
}


@dataclass(frozen=True)
class Index:
    """What the lists of one release hold. Names are written with underscores, as the kernel shows them."""

    paths: Mapping[str, str]
    needs: Mapping[str, tuple[str, ...]]
    builtin: frozenset[str]

    @classmethod
    def parse(cls, dep: str, builtin: str) -> Index:
        paths, needs = {}, {}
        for line in dep.splitlines():
            path, _, rest = line.partition(":")
            paths[module_name(path)] = path
            needs[module_name(path)] = tuple(module_name(word) for word in reversed(rest.split()))
        return cls(paths, needs, frozenset(module_name(line) for line in builtin.split()))

    def order(self, wanted: Iterable[str], *, optional: Iterable[str] = ()) -> list[str]:
        """Paths in an order in which each module comes after all that it needs.

        A name in ``wanted`` that is neither a module nor built in is a DebError; ``optional`` may be
        missing.
        """
        names: dict[str, None] = {}
        for name in [normal(word) for word in wanted]:
            if name not in self.paths and name not in self.builtin:
                hint = "remove it from PANTAVISOR_INITRAMFS_MODULES, or correct it there"
                raise DebError(f'the kernel has no module "{name}"', hint=hint)
            self._add(name, names)
        for name in [normal(word) for word in optional]:
            self._add(name, names)
        return [self.paths[name] for name in names]

    def _add(self, name: str, names: dict[str, None]) -> None:
        if name in self.paths:
            for needed in (*self.needs[name], name):
                names.setdefault(needed)


def normal(name: str) -> str:
    return name.replace("-", "_")


def module_name(path: str) -> str:
    match = _FILE.fullmatch(path.rpartition("/")[2])
    if match is None:
        raise DebError(f'"{path[:200]}" does not name a kernel module')
    return normal(match["name"])


def plain_path(path: str) -> str:
    """The path of a module without the ending of its compression."""
    stem, ending = os.path.splitext(path)
    return stem if ending in DECOMPRESSORS else path


def plain(data: bytes, path: str) -> bytes:
    """The bytes of a module, which may be compressed, by the ending of its path."""
    decompress = DECOMPRESSORS.get(os.path.splitext(path)[1])
    try:
        return data if decompress is None else decompress(data)
    except (lzma.LZMAError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise DebError(f"{path} cannot be unpacked: {error}") from None


def release(root: Path) -> str:
    """The one release whose modules are below ``root``."""
    folder = root / "lib/modules"
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if len(names) != 1:
        raise DebError(f"{len(names)} kernel releases in the packages: {' '.join(names)}; one is expected")
    return names[0]


def kernel_image(root: Path, name: str) -> bytes:
    """The kernel of release ``name``. One that is packed whole by gzip, as arm64's may be, is unpacked."""
    path = root / "boot" / f"vmlinuz-{name}"
    if not path.is_file():
        raise DebError(f"the packages have modules of {name}, but no /boot/vmlinuz-{name}")
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(GZIP_MAGIC) else data


def select(root: Path, target: Path, name: str) -> None:
    """Copy lib/modules/``name`` to ``target``, which is made again, without links to kernel sources."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(
        root / "lib/modules" / name,
        target / "lib/modules" / name,
        symlinks=True,
        ignore=lambda _, names: [entry for entry in names if entry in ("build", "source", "vdso")],
    )
