# SPDX-License-Identifier: MIT
"""What the runtime does on the storage goes through beneath.c: by descriptor, never by a path as text."""

from __future__ import annotations

import re
from pathlib import Path

RUNTIME = Path(__file__).resolve().parents[2] / "meta-pantavisor/recipes-pv/pantavisor/pantavisor/src"
SOURCES = sorted(RUNTIME.glob("*.[ch]"))
# Calls that take a path. Those of the kind of unlinkat() take a name in a directory that is open already.
BY_PATH = re.compile(
    r"\b(open|fopen|freopen|creat|opendir|scandir|nftw|stat|lstat|access|mkdir|mknod|mkfifo|rmdir|unlink|remove"
    r"|rename|link|symlink|readlink|realpath|truncate|chmod|chown|lchown|statvfs|pv_read_file|pv_write_file"
    r"|pv_write_knob|pv_mkdirs|pv_exists|pv_is_directory|pv_beneath_root)\("
)
# And what they are for in the files that have them, which is nothing of the storage.
NOT_OF_THE_STORAGE = {
    "beneath": "this is the one way",
    "boot": "the configuration in the initramfs, the command line",
    "check": "the folder that the user names",
    "console": "the console's device",
    "container": "/proc, and what LXC writes in /run",
    "early": "/proc, /sys, /dev, /run and the initramfs",
    "file": "what all of these use",
    "firstuse": "/volumes and the root, to begin at",
    "leftover": "/sys/fs/cgroup",
    "loopdev": "/dev",
    "lxcfile": "the files for LXC in /run",
    "mapper": "/dev/mapper",
    "modules": "the modules in the initramfs",
    "monitor": "/dev/null",
    "mounts": "targets in /volumes, /run and /lib",
    "rootfs": "/volumes and /run, to begin at",
    "sources": "/volumes, to begin at; places in /run",
    "storage": "/sys and /dev; its mount point, to begin at",
    "targets": "sources of mounts that the verified configuration names, to begin at",
    "verify": "the trust store and the table of signers in the initramfs",
    "volume": "/volumes, to begin at",
}


def lines(path: Path) -> list[tuple[str, str]]:
    """The file's lines without comments, and where they are."""
    text = re.sub(r"/\*.*?\*/", lambda comment: "\n" * comment[0].count("\n"), path.read_text(), flags=re.DOTALL)
    return [(f"{path.name}:{number}", line) for number, line in enumerate(text.splitlines(), 1)]


def test_paths_as_text_are_not_of_the_storage() -> None:
    for path in SOURCES:
        for where, line in lines(path):
            if path.stem not in NOT_OF_THE_STORAGE:
                assert not BY_PATH.search(line), f"{where}: use beneath.h on the storage, or add the file and a reason"
            # Such a path would begin at the mount point; one below a descriptor begins with the folder's name.
            assert not re.search(r"%s/(trails|objects|disks|logs|boot|config)/", line), f"{where}: a path as text"
            assert not re.search(r"\"/storage\b", line) or path.stem in ("pv", "config"), where
            if "PV_STORAGE_DIR" in line:
                assert path.stem in ("pv", "storage", "shutdown"), f"{where}: only to mount and to unmount it"


def test_one_file_opens_below_a_directory() -> None:
    for path in SOURCES:
        for where, line in lines(path):
            if path.stem not in ("beneath", "leftover"):
                assert not re.search(r"\b(openat|open_by_handle_at)\(|\bSYS_openat", line), where


def test_every_reason_has_its_file() -> None:
    assert set(NOT_OF_THE_STORAGE) <= {path.stem for path in SOURCES}
