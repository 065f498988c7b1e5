# SPDX-License-Identifier: MIT
"""A finished disk image to damage in place and to correct: bytes, files, names and the state in it.

Where things lie is found by the verifier's own readers, on the whole image; what is written is right in
form (sizes, checksums), so that it is the content that must be found wrong.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from pantavisor import audit, cjson, proc
from pantavisor.readers import Finding, Findings, OpenFile, gpt
from pantavisor.readers.crc32c import crc32c
from pantavisor.readers.ext4 import Ext4
from pantavisor.readers.fat import Fat
from pantavisor.state import State

SECTOR = 512
STATE = "trails/0/.pvr/json"
SET = "_sigs/_set.json"


class Bench:
    """A copy of ``image`` that is damaged, verified and restored again and again. ``trust`` are the roots
    (PEM).
    """

    def __init__(self, image: Path, copy: Path, trust: bytes) -> None:
        self.image, self.copy, self.trust = image, copy, trust
        self._undo: list[tuple[int, bytes]] = []
        self._spoiled = False
        self._copy()
        with OpenFile(image) as reader:
            findings = Findings()
            self.size = reader.size
            self.partitions = gpt.read(reader, findings)
            self.boot_at, self.storage_at = (partition.start for partition in self.partitions)
            self.boot = Fat(reader.window(self.boot_at, self.partitions[0].size), findings, "")
            self.storage = Ext4(reader.window(self.storage_at, self.partitions[1].size), findings, "")
            assert not list(findings)
            self.runs = {
                entry.path: list(self.storage._runs(self.storage._inode(entry.inode)))
                for entry in self.storage.entries.values()
                if entry.kind in ("file", "folder")
            }
        self.state = State.parse(self.content(STATE))

    def findings(self) -> list[Finding]:
        """What the verifier says on a host without e2fsck, so that our own readers are tested, and not its
        opinion.
        """
        with pytest.MonkeyPatch.context() as host:
            host.setattr(proc, "find", lambda tool: None)
            # As a device asks for it whose image was made with one.
            bound = SET in self.state
            return list(audit.verify(self.copy, trust=self.trust, strict=True, needs_set=bound).findings)

    def restore(self) -> None:
        """The image as it was."""
        for at, data in reversed(self._undo):
            self._stream.seek(at)
            self._stream.write(data)
        self._undo = []
        if self._spoiled:
            self._stream.close()
            self._copy()

    def _copy(self) -> None:
        proc.run(["cp", "--sparse=always", self.image, self.copy])
        self._stream = open(self.copy, "r+b", buffering=0)
        self._spoiled = False

    def read(self, at: int, count: int) -> bytes:
        self._stream.seek(at)
        return self._stream.read(count)

    def write(self, at: int, data: bytes) -> None:
        self._undo.append((at, self.read(at, len(data))))
        self._stream.seek(at)
        self._stream.write(data)

    def flip(self, at: int, mask: int = 1) -> None:
        self.write(at, bytes([self.read(at, 1)[0] ^ mask]))

    def place(self, path: str, position: int = 0) -> int:
        """Where byte ``position`` of a file or folder of the storage lies in the image."""
        block = self.storage.block
        for run in self.runs[path]:
            if run.logical * block <= position < (run.logical + run.count) * block:
                return int(self.storage_at + run.physical * block + position - run.logical * block)
        raise AssertionError(f"{path} has no byte {position}")

    def content(self, path: str) -> bytes:
        size = self.storage.entries[path].size
        block = self.storage.block
        blocks = b"".join(self.read(self.place(path, at), block) for at in range(0, size, block))
        return blocks[:size]

    def put(self, path: str, data: bytes) -> None:
        """Other content of a file, in the blocks that it has."""
        block = self.storage.block
        blocks = sum(run.count for run in self.runs[path])
        assert 0 < len(data) <= blocks * block, f"{path} has no room for {len(data)} bytes"
        padded = data.ljust(-(-len(data) // block) * block, b"\0")
        for at in range(0, len(padded), block):
            self.write(self.place(path, at), padded[at : at + block])
        self._set_inode(self.storage.entries[path].inode, 4, struct.pack("<I", len(data)))

    def put_state(self, state: Any, *, checked_out: bool = False) -> None:
        """Another state (values by path), and where ``checked_out`` the revision's files as it says."""
        self.put(STATE, cjson.dumps(state))
        for path, value in self.state.items() if checked_out else ():
            if path == "#spec" or state.get(path) == value:
                continue
            if path not in state:
                self.unlink(f"trails/0/{path}")
            elif isinstance(value, str) and f"objects/{state[path]}" in self.storage.entries:
                self.relink(f"trails/0/{path}", f"objects/{state[path]}")
            elif not isinstance(value, str):
                self.put(f"trails/0/{path}", cjson.dumps(state[path]))

    def unlink(self, path: str) -> None:
        """One name less; the file stays with its other names."""
        self.write(self._name_at(path), bytes(4))

    def relink(self, path: str, other: str) -> None:
        """The name becomes one of the file ``other``."""
        self.write(self._name_at(path), struct.pack("<I", self.storage.entries[other].inode))

    def rename(self, path: str, name: str) -> None:
        """Another name of the same length."""
        at, raw = self._name_at(path), name.encode()
        assert len(raw) == self.read(at + 6, 1)[0]
        self.write(at + 8, raw)

    def part_from(self, path: str, scratch: Path) -> None:
        """A copy of the file in place of one of its names."""
        (scratch / "content").write_bytes(self.content(path))
        folder, _, name = path.rpartition("/")
        script = (
            f'rm "/{path}"\ncd "/{folder}"\nwrite content "{name}"\nset_inode_field "{name}" mode 0100644\n'
        )
        (scratch / "script").write_text(script)
        proc.run(["debugfs", "-w", "-f", "script", f"{self.copy}?offset={self.storage_at}"], cwd=scratch)
        self._spoiled = True

    def _name_at(self, path: str) -> int:
        """Where the entry of a name lies: inode, length of the entry, length of the name, kind, name."""
        folder, _, name = path.rpartition("/")
        wanted = name.encode()
        block = self.storage.block
        for start in range(0, self.storage.entries[folder].size, block):
            place = self.place(folder, start)
            raw = self.read(place, block)
            at = 0
            while at < block:
                number, length, size, _ = struct.unpack_from("<IHBB", raw, at)
                if number and raw[at + 8 : at + 8 + size] == wanted:
                    return place + at
                at += length
        raise AssertionError(f"{path} is not in its folder")

    def inode_place(self, number: int) -> int:
        """Where an inode lies in the image."""
        group, index = divmod(number - 1, self.storage._inodes_per_group)
        return (
            self.storage_at
            + self.storage._tables[group] * self.storage.block
            + index * self.storage._inode_size
        )

    def _set_inode(self, number: int, at: int, data: bytes) -> None:
        """Change a field of an inode, with the right checksum."""
        place = self.inode_place(number)
        raw = bytearray(self.read(place, self.storage._inode_size))
        raw[at : at + len(data)] = data
        raw[124:126] = raw[130:132] = b"\0\0"
        seed = crc32c(raw[100:104], crc32c(number.to_bytes(4, "little"), self.storage._seed))
        checksum = struct.pack("<I", crc32c(bytes(raw), seed))
        raw[124:126], raw[130:132] = checksum[:2], checksum[2:]
        self.write(place, bytes(raw))
