# SPDX-License-Identifier: MIT
"""What the runtime does on the storage goes through beneath.c: by descriptor, never by a path as text."""

from __future__ import annotations

import re
from pathlib import Path

RUNTIME = Path(__file__).resolve().parents[2] / "meta-pantavisor/recipes-pv/pantavisor/pantavisor/src"
SOURCES = sorted(RUNTIME.glob("*.[ch]"))
# Calls that take a path. Those of the kind of unlinkat() take a name in a directory that is open already.
BY_PATH = re.compile(
    r"(?<![>.])\b(open|fopen|freopen|creat|opendir|scandir|nftw|stat|lstat|access|mkdir|mknod|mkfifo"
    r"|rmdir|unlink|remove|rename|link|symlink|readlink|realpath|truncate|chmod|chown|lchown|statvfs"
    r"|pv_read_file|pv_write_file|pv_write_knob|pv_mkdirs|pv_exists|pv_is_directory|pv_beneath_root)\("
)
# Calls that change which names there are, or make something durable, and flags of those that open.
CHANGES = re.compile(
    r"(?<![>.])\b(creat|rename(at2?)?|link(at)?|unlink(at)?|symlink(at)?|mkdir(at)?|rmdir|mknod(at)?"
    r"|mkfifo(at)?|f?truncate(64)?|fallocate|posix_fallocate|pwrite(64)?|pwritev2?|sync|fsync|fdatasync"
    r"|syncfs|sync_file_range)\("
    r"|\bO_(CREAT|TMPFILE|TRUNC)\b|\b(FIFREEZE|FITHAW)\b"
)
# The files that have them all the same, and why no test needs to see it.
PAST_THE_DOOR = {
    "alloc": "the last sync without memory",
    "beneath": "refuses such flags",
    "container": "what LXC writes in /run",
    "ctrl": "the socket in /run",
    "early": "the initramfs and its mounts",
    "file": "files in the initramfs, /run and /sys",
    "fsops": "this is the door",
    "leftover": "/sys/fs/cgroup",
    "shutdown": "the last sync of all, behind which nothing comes",
    "storage": "a torn superblock, before anything is mounted",
}
# And what they are for in the files that have them, which is nothing of the storage.
NOT_OF_THE_STORAGE = {
    "beneath": "this is the one way",
    "boot": "the configuration in the initramfs, the command line",
    "check": "the folder that the user names",
    "commit": "/proc",
    "console": "the console's device",
    "container": "/proc, and what LXC writes in /run",
    "ctrl": "the socket in /run, /dev/null",
    "early": "/proc, /sys, /dev, /run and the initramfs",
    "file": "what all of these use",
    "firstuse": "/volumes and the root, to begin at",
    "fsck": "a program of the initramfs, /dev/null",
    "fsops": "names in an open folder, which it holds to be single ones",
    "leftover": "/sys/fs/cgroup",
    "loopdev": "/dev",
    "lxcfile": "the files for LXC in /run",
    "mapper": "/dev/mapper",
    "modules": "the modules in the initramfs",
    "monitor": "/dev/null",
    "mounts": "targets in /volumes, /run and /lib",
    "peer": "/proc",
    "pidsmax": "/proc",
    "prepare": "/proc",
    "probe": "/proc",
    "process": "/proc",
    "rootfs": "/volumes and /run, to begin at",
    "sources": "/volumes, to begin at; places in /run",
    "storage": "/sys and /dev; its mount point, to begin at",
    "unit": "the file for containers in /run",
    "targets": "sources of mounts that the verified configuration names, to begin at",
    "verify": "the trust store and the table of signers in the initramfs",
    "volume": "/volumes, to begin at",
    "watchdog": "/dev/watchdog0",
}


def lines(path: Path) -> list[tuple[str, str]]:
    """The file's lines without comments, and where they are."""
    text = re.sub(
        r"/\*.*?\*/", lambda comment: "\n" * comment[0].count("\n"), path.read_text(), flags=re.DOTALL
    )
    return [(f"{path.name}:{number}", line) for number, line in enumerate(text.splitlines(), 1)]


def test_paths_as_text_are_not_of_the_storage() -> None:
    for path in SOURCES:
        for where, line in lines(path):
            if path.stem not in NOT_OF_THE_STORAGE:
                assert not BY_PATH.search(line), (
                    f"{where}: use beneath.h on the storage, or add the file and a reason"
                )
            # Such a path would begin at the mount point; one below a descriptor begins with the folder's
            # name.
            assert not re.search(r"%s/(trails|objects|disks|logs|boot|config)/", line), (
                f"{where}: a path as text"
            )
            # A path of HTTP in route.
            assert not re.search(r"\"/storage\b", line) or path.stem in ("pv", "config", "route"), where
            if "PV_STORAGE_DIR" in line:
                assert path.stem in ("pv", "storage", "shutdown"), (
                    f"{where}: only to mount and to unmount it"
                )


def test_one_file_opens_below_a_directory() -> None:
    for path in SOURCES:
        for where, line in lines(path):
            if path.stem not in ("beneath", "fsops", "leftover"):
                assert not re.search(r"\b(openat|open_by_handle_at)\(|\bSYS_openat", line), where


def test_one_file_changes_the_storage() -> None:
    for path in SOURCES:
        for where, line in lines(path):
            if path.stem not in PAST_THE_DOOR:
                assert not CHANGES.search(line), (
                    f"{where}: use durable.h or fsops.h, or add the file and a reason"
                )


def test_the_door_is_not_passed_by_a_call_that_looks_alike() -> None:
    for call in (
        "renameat(a, b, c, d);",
        "fd = open(x, O_WRONLY | O_CREAT);",
        "(void)fsync(fd);",
        "ioctl(fd, FIFREEZE, 0);",
    ):
        assert CHANGES.search(call), call
    for call in (
        "at.ops->rename(fd, a, b);",
        "pv_fsops_real.unlink(a, b);",
        "readlink(a, b, c);",
        "pv_durable_rename(a);",
    ):
        assert not CHANGES.search(call), call


def test_every_reason_has_its_file() -> None:
    assert set(NOT_OF_THE_STORAGE) | set(PAST_THE_DOOR) <= {path.stem for path in SOURCES}


def test_the_end_of_a_folder_is_not_taken_for_an_error() -> None:
    """What an error hides would be names that are not in the state, or files that are not copied."""
    for path in SOURCES:
        for where, line in lines(path):
            if "readdir(" in line:
                assert re.search(r"for \(errno = 0; .*readdir\(.*; errno = 0\)", line), (
                    f"{where}: look at errno at the end"
                )
