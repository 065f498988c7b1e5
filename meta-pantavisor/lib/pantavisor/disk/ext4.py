# SPDX-License-Identifier: MIT
"""The storage partition: ext4 by mke2fs and a debugfs script, written straight into the disk image.

mke2fs -d would copy owners, times and the order of readdir from the builder's file system. A script in
sorted order makes the same bytes from the same tree: owner root, every time the given one, hard links kept.

Features are named one by one, because mke2fs.conf differs between machines; without metadata_csum_seed and
orphan_file, which GRUB 2.06 and the U-Boot of that age refuse.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from .. import proc
from ..errors import FormatError
from .files import DiskFiles
from .tools import tool_environment

BLOCK = 4096  # bytes
INODE = 256  # bytes
BYTES_PER_INODE = 16384
JOURNAL_MIB = 8
MIN_BYTES = 64 * 1024 * 1024
MAX_LABEL_BYTES = 16
FEATURES = (
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,"
    "large_file,huge_file,dir_nlink,extra_isize,metadata_csum"
)
SIGNED_HASH_FLAG = 1
RESERVED_PERCENT = 2  # for the runtime, when containers have filled the rest


def size_for(tree: DiskFiles) -> int:
    """Bytes of a file system that holds the tree and as much again, with room for its own tables."""
    content = 2 * tree.bytes(BLOCK)
    return max(MIN_BYTES, content + content // 16 + 4 * JOURNAL_MIB * 1024 * 1024)


def check_label(label: str) -> str:
    """Raises FormatError."""
    if not label or len(label.encode()) > MAX_LABEL_BYTES or not label.isprintable():
        raise FormatError(
            f'"{label}" cannot be a label', hint=f"use 1 to {MAX_LABEL_BYTES} printable bytes"
        )
    return label


def write(
    image: Path,
    tree: DiskFiles,
    *,
    start: int,
    size: int,
    label: str,
    identity: UUID,
    hash_seed: UUID,
    epoch: int,
) -> None:
    """Make the file system at byte ``start`` of ``image``; raises FormatError where the tree does not
    fit, ToolError where mke2fs fails.

    Lays ``script`` and the link ``tree`` next to the image, whose folder is the caller's scratch.
    """
    tools = tool_environment(epoch)
    where = f"{image.name}?offset={start}"
    # Unused inode tables stay unwritten, flagged so; a bmap may then leave whatever the flash holds there.
    extended = f"offset={start},root_owner=0:0,hash_seed={hash_seed},lazy_itable_init=1,nodiscard"
    proc.run(
        ["mke2fs", "-F", "-q", "-b", str(BLOCK), "-I", str(INODE), "-i", str(BYTES_PER_INODE),
         "-m", str(RESERVED_PERCENT), "-e", "remount-ro", "-L", check_label(label), "-U", str(identity),
         "-J", f"size={JOURNAL_MIB}", "-O", FEATURES, "-E", extended, image.name, f"{size // 1024}k"],
        cwd=image.parent, environment=tools,
    )  # fmt: skip
    (image.parent / "tree").symlink_to(tree.root.absolute(), target_is_directory=True)
    (image.parent / "script").write_bytes(os.fsencode("".join(f"{line}\n" for line in _script(tree))))
    result = proc.run(["debugfs", "-w", "-f", "script", where], cwd=image.parent, environment=tools)
    _check_complaints(result, tree, size)
    proc.run(["e2fsck", "-f", "-n", where], cwd=image.parent, environment=tools)


def _script(tree: DiskFiles) -> Iterator[str]:
    # The hash of names depends on the signedness of the builder's char;
    # the flag makes it the same everywhere.
    yield f"set_super_value flags {SIGNED_HASH_FLAG}"
    for folder in tree.folders:
        parent, _, name = folder.rpartition("/")
        yield f"cd {_quote('/' + parent)}"
        yield f"mkdir {_quote(name)}"
        yield f"set_inode_field {_quote(name)} mode 040755"
    for file in tree.files:
        parent, _, name = file.path.rpartition("/")
        yield f"cd {_quote('/' + parent)}"
        if file.link_to is not None:
            yield f"ln {_quote('/' + file.link_to)} {_quote(name)}"
            continue
        yield f"write {_quote('tree/' + file.path)} {_quote(name)}"
        yield f"set_inode_field {_quote(name)} mode 0{0o100000 | file.mode:o}"
        if file.links > 1:
            yield f"set_inode_field {_quote(name)} links_count {file.links}"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _check_complaints(result: proc.Result, tree: DiskFiles, size: int) -> None:
    # debugfs ends with status 0 whatever happened to its commands; all but its banner is a complaint.
    lines = result.stderr.decode("utf-8", "replace").splitlines()
    complaints = [line for line in lines if line.strip() and not line.startswith("debugfs 1.")]
    if not complaints:
        return
    if any("Could not allocate" in line or "No space" in line for line in complaints):
        raise FormatError(
            f"the storage tree ({tree.bytes(BLOCK)} bytes) does not fit a storage partition "
            f"of {size} bytes",
            hint="give a larger size, or none for the default",
        )
    raise proc.ToolError(f"debugfs could not write the storage tree: {complaints[0]}")
