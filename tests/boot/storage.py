# SPDX-License-Identifier: MIT
"""The storage partition of a disk image, read and damaged from outside with e2fsprogs.

Nothing is mounted and nothing of the library is used: what these tests break and find is seen by other
eyes.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECTOR_BYTES = 512
STORAGE_PARTITION = "2"
STATE_PATH = "/trails/0/.pvr/json"
GRUB_COPIES = ("/boot/grubenv", "/boot/grubenv2")
UBOOT_COPIES = ("/boot/uboot.txt", "/boot/uboot2.txt")


def output(*argv: str) -> str:
    """What a command prints; CalledProcessError when it fails."""
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=600).stdout


@dataclass(frozen=True)
class Storage:
    """The ext4 file system inside ``image``; ``offset`` and ``size`` of its partition are in bytes."""

    image: Path
    offset: int
    size: int

    @classmethod
    def of(cls, image: Path) -> Storage:
        """Find the storage partition by the partition table."""
        text = output("sgdisk", "-i", STORAGE_PARTITION, str(image))
        first, count = (re.search(rf"{name}: (\d+)", text) for name in ("First sector", "Partition size"))
        assert first and count, f"{image.name} has no partition {STORAGE_PARTITION}"
        return cls(image=image, offset=int(first[1]) * SECTOR_BYTES, size=int(count[1]) * SECTOR_BYTES)

    @property
    def device(self) -> str:
        """The file system for e2fsprogs."""
        return f"{self.image}?offset={self.offset}"

    def debugfs(self, *requests: str, write: bool = False) -> str:
        """Run debugfs requests; it reports failure only in words, so nothing may be said on stderr."""
        argv = ["debugfs", *(["-w"] if write else []), "-f", "-", self.device]
        lines = "".join(request + "\n" for request in requests)
        done = subprocess.run(argv, input=lines, capture_output=True, text=True, timeout=600)
        complaints = [line for line in done.stderr.splitlines() if line and not line.startswith("debugfs ")]
        assert not complaints, complaints
        return done.stdout

    def replay(self, scratch: Path) -> None:
        """What a guest made durable is in the journal until it is read, and debugfs does not look there.

        Until then nothing else of the file system can be trusted, so its size is the partition's.
        """
        # e2fsck reads the journal of a file system inside of a file, but then forgets where it begins.
        alone = scratch / "storage.ext4"
        with self.image.open("r+b") as image:
            image.seek(self.offset)
            alone.write_bytes(image.read(self.size))
            done = subprocess.run(["e2fsck", "-p", str(alone)], capture_output=True, text=True, timeout=600)
            assert done.returncode in (0, 1), done.stdout + done.stderr
            image.seek(self.offset)
            image.write(alone.read_bytes())
        alone.unlink()

    def read(self, path: str, scratch: Path) -> bytes:
        """The content of a file."""
        copy = scratch / "copy"
        self.debugfs(f"dump {path} {copy}")
        return copy.read_bytes()

    def boot_environment(self, machine: str, scratch: Path) -> tuple[str, ...]:
        """What the device wrote for its boot loader, the same in both copies: the revision that is
        committed, the one to be tried, and the one before.
        """
        names = UBOOT_COPIES if machine.endswith("-uboot") else GRUB_COPIES
        first, second = (self.read(name, scratch) for name in names)
        assert first == second
        lines = re.split(rb"[\n\0]", first)
        pairs = dict(line.decode().split("=") for line in lines if b"=" in line)
        return tuple(pairs[name] for name in ("pv_rev", "pv_try", "pv_prev"))

    def state(self, scratch: Path) -> dict[str, Any]:
        """The state of revision 0."""
        state = json.loads(self.read(STATE_PATH, scratch))
        assert isinstance(state, dict)
        return state

    def replace(self, path: str, content: bytes, scratch: Path) -> None:
        """Another file in the place of this one."""
        source = scratch / "content"
        source.write_bytes(content)
        folder, name = path.rsplit("/", 1)
        self.debugfs(f"rm {path}", f"cd {folder or '/'}", f"write {source} {name}", write=True)

    def names(self, folder: str) -> set[str]:
        """What is in a folder."""
        listed = self.debugfs(f"ls -p {folder}").splitlines()
        return {line.split("/")[5] for line in listed if line.startswith("/")}

    def free_blocks(self) -> int:
        """How many more blocks it holds."""
        match = re.search(r"Free blocks:\s+(\d+)", self.debugfs("show_super_stats -h"))
        assert match
        return int(match[1])

    def make_folders(self, path: str) -> None:
        """A folder with those above it. debugfs does not list what exists, so it is asked for each."""
        for end in [at for at, letter in enumerate(path) if letter == "/" and at] + [len(path)]:
            if not self.exists(path[:end]):
                self.debugfs(f"mkdir {path[:end]}", write=True)

    def exists(self, path: str) -> bool:
        """Whether there is that name."""
        done = subprocess.run(
            ["debugfs", "-R", f"stat {path}", self.device], capture_output=True, text=True, timeout=600
        )
        return "File not found" not in done.stderr

    def add(self, path: str, content: bytes, scratch: Path) -> None:
        """A new file."""
        source = scratch / "content"
        source.write_bytes(content)
        folder, name = path.rsplit("/", 1)
        self.make_folders(folder)
        self.debugfs(f"cd {folder}", f"write {source} {name}", write=True)

    def add_object(self, path: str, content: bytes, scratch: Path) -> str:
        """A new object with its one name in a revision; returns its id."""
        object_id = hashlib.sha256(content).hexdigest()
        self.add(f"/objects/{object_id}", content, scratch)
        # The first does not count, the second does.
        self.debugfs(f"ln /objects/{object_id} {path}", f"set_inode_field {path} links_count 2", write=True)
        return object_id

    def add_link(self, path: str, target: str) -> None:
        """A symbolic link."""
        self.make_folders(path.rsplit("/", 1)[0])
        self.debugfs(f"symlink {path} {target}", write=True)

    def remove(self, path: str) -> None:
        """One name less."""
        self.debugfs(f"rm {path}", write=True)

    def flip(self, path: str, *, last: bool = False) -> None:
        """Change one bit of a file's first or last block where it lies; name, size and times stay the
        same.
        """
        sizes = re.search(r"Block size:\s+(\d+)", self.debugfs("show_super_stats -h"))
        size = re.search(r"Size: (\d+)", self.debugfs(f"stat {path}"))
        assert sizes and size
        number = (int(size[1]) - 1) // int(sizes[1]) if last else 0
        match = re.search(r"^(\d+)$", self.debugfs(f"bmap {path} {number}").splitlines()[-1].strip())
        assert match
        position = self.offset + int(match[1]) * int(sizes[1])
        with self.image.open("r+b") as stream:
            stream.seek(position)
            byte = stream.read(1)[0]
            stream.seek(position)
            stream.write(bytes([byte ^ 1]))


def copy_image(source: Path, target: Path) -> None:
    """Sparse, so it costs little."""
    argv = ["cp", "--sparse=always", "--reflink=auto", str(source), str(target)]
    subprocess.run(argv, check=True, timeout=600)


def canonical(value: Any) -> bytes:
    """The form in which a state is stored: sorted members, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
