# SPDX-License-Identifier: MIT
"""Readers of finished artefacts: what is inside a disk image, storage tree, export or repository.

Each knows a specification and shares no code with the writers. What a reader cannot make sense of becomes a
finding; whether the rest is right, ``audit`` decides. Nothing is mounted, nothing is written, and no root
is needed.

    open        which kind an artefact is; its states, objects and tree behind one face
    findings    Finding, Findings, Damaged
    target      what the kinds have in common: bytes at positions, entries, chunks
    gpt msdos partition  partition tables of a disk image
    filesystems fat ext4 extents crc32c  what is in its partitions
    grub        the keys inside a GRUB program
    cpio        a file of an initramfs, such as whom a device trusts
    folder tarball  a storage tree or repository, an export
    revisions   a storage tree's revisions
    logs        what containers and the runtime wrote there
    states      parse_states()
"""

from __future__ import annotations

from . import cpio
from .findings import Damaged, Finding, Findings, printable
from .logs import Log, last_revision, log_lines, logs
from .open import EXPORT, IMAGE, REPOSITORY, TREE, Opened, opened
from .states import parse_states, state_place
from .target import Chunks, Entry, OpenFile, Reader, Storage, read_small

__all__ = [
    "EXPORT",
    "IMAGE",
    "REPOSITORY",
    "TREE",
    "Chunks",
    "Damaged",
    "Entry",
    "Finding",
    "Findings",
    "Log",
    "OpenFile",
    "Opened",
    "Reader",
    "Storage",
    "last_revision",
    "log_lines",
    "logs",
    "cpio",
    "opened",
    "parse_states",
    "printable",
    "read_small",
    "state_place",
]
