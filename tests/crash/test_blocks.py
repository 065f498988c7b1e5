# SPDX-License-Identifier: MIT
"""Blocks that a power cut leaves of an update on a real ext4: some written and some not, one of them torn.

Between two flushes a disk may write in any order. So of what was written there, any selection of up to
eight pieces is looked at, of more any beginning, all but one and one alone; and each piece torn at a
sector. Each such disk must give GRUB, which replays no journal, a whole revision that it may choose, and
the kernel a file system on which that revision verifies and nothing else is half there.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import recording
import views
from recording import BLOCK, Recording
from sim import tools

PROGRAMS = Path(__file__).resolve().parents[2] / "build/test/crash/test"
SECTOR = 512
TORN = tuple(SECTOR * sectors for sectors in (1, 2, 3, 5, 7))
FEW = 8  # pieces of which every selection is looked at
# Seven tenths of what docs/durability.md counts: where the file system places its blocks moves the number
# by some in a hundred from run to run, and much less means that something is not recorded.
STATES = {
    "update with reboot": 1950,
    "update without reboot": 2300,
    "fall back": 1500,
    "collection": 3750,
    "full disk": 1550,
}
LEAST_STATES = 10_000
REVISIONS = ("0", recording.FIRST, recording.SECOND, "3")

Change = tuple[int, bytes]


def states(pieces: list[Change]) -> Iterator[list[Change]]:
    """What of the pieces may be on the medium."""
    count = len(pieces)
    if count <= FEW:
        for size in range(count + 1):
            yield from (list(some) for some in itertools.combinations(pieces, size))
    for end in range(count + 1):
        yield pieces[:end]
    for one in range(count):
        yield pieces[:one] + pieces[one + 1 :]
        yield [pieces[one]]
        for bytes_written in TORN:
            offset, content = pieces[one]
            torn = (offset, content[:bytes_written])
            yield [*pieces[:one], torn]
            yield [*pieces[:one], torn, *pieces[one + 1 :]]
            yield [torn]


@dataclass
class Judge:
    """Looks at different disks; ``found`` holds what is wrong, by the sentence."""

    programs: Path
    image: Path
    device: str
    folder: Path
    journal: views.Journal
    kernels: dict[str, tuple[str, str]]
    disk: bytearray
    states: set[tuple[int, int]] = field(default_factory=set)
    choices: dict[int, str] = field(default_factory=dict)
    mounts: dict[tuple[int, bytes, str], str] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.inside = frozenset(self.journal.blocks)
        self.blocks = [self.sum_of(number) for number in range(len(self.disk) // BLOCK)]
        self.sums = [0, 0]
        for number in range(len(self.blocks)):
            self.sums[number in self.inside] ^= self.blocks[number]

    def sum_of(self, number: int) -> int:
        block = self.disk[number * BLOCK : (number + 1) * BLOCK]
        return int.from_bytes(
            hashlib.blake2b(block, digest_size=16, salt=number.to_bytes(8, "big")).digest(), "big"
        )

    def change(self, changes: list[Change]) -> list[Change]:
        """Write them; what takes them back, in its order."""
        old = []
        for offset, content in changes:
            old.append((offset, bytes(self.disk[offset : offset + len(content)])))
            self.disk[offset : offset + len(content)] = content
            number = offset // BLOCK
            now = self.sum_of(number)
            self.sums[number in self.inside] ^= self.blocks[number] ^ now
            self.blocks[number] = now
        return old[::-1]

    def look(self, changes: list[Change], allowed: frozenset[str]) -> None:
        """At the disk with these changes, which are undone."""
        old = self.change(changes)
        state = (self.sums[0], self.sums[1])
        if state not in self.states:
            self.states.add(state)
            wrong = self.verdict(self.sums[0], allowed)
            if wrong:
                self.found[wrong] = self.found.get(wrong, 0) + 1
        self.change(old)

    def verdict(self, outside: int, allowed: frozenset[str]) -> str:
        if outside not in self.choices:
            self.image.write_bytes(self.disk)
            try:
                self.choices[outside] = views.loader_choice(self.image, self.kernels)
            except AssertionError as wrong:
                return str(wrong)
        choice = self.choices[outside]
        if choice not in allowed:
            return f"GRUB chooses revision {choice}, not {' or '.join(sorted(allowed))}"
        seen = (outside, self.journal.replayed(self.disk), choice)
        if seen not in self.mounts:
            self.image.write_bytes(self.disk)
            self.mounts[seen] = views.kernel_verdict(self.programs, self.device, self.folder, choice)
        wrong = self.mounts[seen]
        return "" if wrong == views.REPAIRED else wrong


@pytest.fixture(scope="module")
def programs() -> Path:
    """The runtime's own functions, built as they are for a device."""
    tools.need_root()
    recording.have_own_mounts()
    for program, package in {
        "grub-fstest": "grub-common",
        "mke2fs": "e2fsprogs",
        "losetup": "mount",
    }.items():
        tools.need(program, package=package)
    folder = PROGRAMS
    if not (folder / "blockdisk").exists():
        tools.miss("blockdisk is not built: apt install libfuse3-dev, then run: scripts/test")
    return folder


@pytest.fixture(scope="module")
def kernels(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """The sums of kernel and initramfs of each revision that a story may make."""
    folder = tmp_path_factory.mktemp("all")
    (folder / "boot").mkdir()
    recording.play(programs, folder, "make")
    for revision in REVISIONS[1:]:
        recording.play(programs, folder, f"install {revision}")
    files = {revision: folder / "trails" / revision / ".pv" for revision in REVISIONS}
    return {
        revision: (
            hashlib.sha256((links / "pv-kernel.img").read_bytes()).hexdigest(),
            hashlib.sha256((links / "pv-initrd.img").read_bytes()).hexdigest(),
        )
        for revision, links in files.items()
    }


def look_at_all(judge: Judge, recorded: Recording) -> None:
    for pieces, allowed in recorded.epochs:
        for changes in states(pieces):
            judge.look(changes, allowed)
        judge.change(pieces)


@pytest.mark.parametrize("story", recording.STORIES)
def test_every_disk_that_a_cut_leaves_comes_back(
    story: str, programs: Path, kernels: dict[str, tuple[str, str]], tmp_path: Path
) -> None:
    recorded = recording.record(programs, story, tmp_path)
    image, folder = tmp_path / "state", tmp_path / "state-mounted"
    folder.mkdir()
    image.write_bytes(recorded.base)
    journal = views.Journal.of(image)
    with recording.loop_over(image) as device:
        judge = Judge(programs, image, device, folder, journal, kernels, bytearray(recorded.base))
        look_at_all(judge, recorded)
    repaired = sum(wrong == views.REPAIRED for wrong in judge.mounts.values())
    print(
        f"\n{story}: {len(recorded.epochs)} flushes, {len(judge.states)} different disks; "
        f"{len(judge.choices)} for GRUB, {len(judge.mounts)} for the kernel; "
        f"{repaired} with a torn superblock"
    )
    assert not judge.found, judge.found
    assert len(judge.states) >= STATES[story]


def test_the_stories_together_leave_ten_thousand_different_disks() -> None:
    assert STATES.keys() == recording.STORIES.keys() and sum(STATES.values()) >= LEAST_STATES
