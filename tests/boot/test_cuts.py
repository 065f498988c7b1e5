# SPDX-License-Identifier: MIT
"""A whole device whose power is cut while it tries a revision and commits it.

QEMU notes what reaches the disk, once. A cut has all that was flushed before it, and any of what was
written after that, of which one write may be torn; no two are alike. Each such disk must give GRUB's own
code a whole revision, the kernel a file system, the runtime's verifier all revisions, and containers what
they had on the storage; and some of them are booted. What is the same to GRUB and to the kernel is looked
at once.

More of them: pytest tests/boot/test_cuts.py --cuts 500 --booted 20
"""

from __future__ import annotations

import hashlib
import mmap
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import card
import pytest
import recording
import views
from devtools import guest as qemu
from place import BOOT_SECONDS, PROJECT, TRUST
from recording import BLOCK
from sim import tools
from storage import Storage
from test_try import TRIED
from writes import SECTOR, Write, epochs

PROGRAMS = PROJECT / "build/test/crash"
KEPT = "disks/perm/demo-nginx/data/kept"
CONTENT = b"what a container has\n" * 1000
# So often a cut is drawn again that was seen already: of one write there are few.
TRIES = 20

Writes = tuple[Write, ...]


@dataclass(frozen=True)
class Recorded:
    """A device's image before, and what was written to its storage then, from flush to flush."""

    before: Path
    epochs: list[Writes]


@pytest.fixture(scope="module")
def recorded(image: Path, machine: str, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    tools.need_root()
    tools.need("grub-fstest", package="grub-common")
    for program in (PROGRAMS / "pantavisor", PROGRAMS / "test/play"):
        assert program.exists(), f"{program.name} is not built for this: run scripts/test"
    folder = tmp_path_factory.mktemp("cuts")
    before, disk, log = folder / image.name, folder / "disk", folder / "log"
    copy(image, before)
    storage = Storage.of(before)
    with card.mounted(storage, folder / "card") as storage_root:
        card.deploy(storage_root / "trails" / TRIED, storage_root / "trails/0")
    storage.add(f"/{KEPT}", CONTENT, folder)
    copy(before, disk)
    log.touch()
    setup = qemu.Setup(disk, machine, qemu.free_ports(80, 8081, 8082), writes=log)
    with qemu.Guest(setup) as running:
        running.wait_for(rf"revision {TRIED} COMMITTED", timeout=BOOT_SECONDS)
    return Recorded(before, [inside(storage, writes) for writes in epochs(log)])


def inside(storage: Storage, writes: list[Write]) -> Writes:
    """By offsets of the partition: nothing else is written."""
    moved = tuple((offset - storage.offset, content) for offset, content in writes)
    assert all(0 <= offset <= storage.size - len(content) for offset, content in moved)
    return moved


def copy(source: Path, target: Path) -> None:
    """Another file each time: the loop device of the last one may still write to that."""
    target.unlink(missing_ok=True)
    tools.run("cp", "--sparse=always", "--reflink=auto", source, target)


@dataclass(frozen=True)
class Cut:
    """``writes``: what of those behind a flush reached the disk."""

    number: int
    writes: Writes


def draw(chance: random.Random, pending: Writes) -> Writes:
    """Any of these writes; one of them may have reached the disk in part."""
    share = chance.choice((0.2, 0.5, 0.8))
    some = [write for write in pending if chance.random() < share]
    if some and chance.random() < 0.3:
        at = chance.randrange(len(some))
        offset, content = some[at]
        some[at] = (offset, content[: SECTOR * chance.randrange(1, len(content) // SECTOR + 1)])
    return tuple(some)


def cuts(epochs: list[Writes], count: int) -> Iterator[Cut]:
    """So many, no two alike, from the first flush to the last; fewer where there are no more."""
    chance, left = random.Random(1), count
    # All of it is what the next one begins with.
    found: list[dict[Writes, None]] = [{pending: None} for pending in epochs]
    for _ in range(count * TRIES // len(epochs)):
        for pending, seen in zip(epochs, found):
            some = draw(chance, pending)
            if left and some not in seen:
                seen[some] = None
                left -= 1
    for number, seen in enumerate(found):
        yield from (Cut(number, some) for some in list(seen)[1:])


def apply(disk: Path, writes: Writes) -> None:
    with disk.open("r+b") as stream:
        for offset, content in writes:
            stream.seek(offset)
            stream.write(content)


def flushed_before(recorded: Recorded, count: int, folder: Path) -> Iterator[tuple[Cut, Path]]:
    """Each cut, and the storage with what was flushed before it."""
    flushed, done = folder / "flushed", 0
    take_storage(recorded.before, flushed)
    for cut in cuts(recorded.epochs, count):
        for writes in recorded.epochs[done : cut.number]:
            apply(flushed, writes)
        done = cut.number
        yield cut, flushed


def leave(cut: Cut, flushed: Path, disk: Path) -> None:
    """The storage as the cut leaves it."""
    copy(flushed, disk)
    apply(disk, cut.writes)


def take_storage(image: Path, target: Path) -> None:
    """The partition as a file of its own."""
    storage = Storage.of(image)
    with image.open("rb") as stream:
        stream.seek(storage.offset)
        target.write_bytes(stream.read(storage.size))


def outside(journal: views.Journal, writes: Writes) -> Writes:
    """What of these GRUB sees, sector by sector."""
    inside = frozenset(journal.blocks)
    sectors = (
        (offset + at, content[at : at + SECTOR])
        for offset, content in writes
        for at in range(0, len(content), SECTOR)
    )
    return tuple(sector for sector in sectors if sector[0] // BLOCK not in inside)


@dataclass
class Judge:
    """Looks at a storage; AssertionError where anything is wrong."""

    kernels: dict[str, tuple[str, str]]
    journal: views.Journal
    place: Path
    repaired: int = 0
    seen: dict[tuple[int, Writes, bytes], str] = field(default_factory=dict)

    def look(self, cut: Cut, disk: Path) -> str:
        """The revision that it boots."""
        with disk.open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as content:
            same = (cut.number, outside(self.journal, cut.writes), self.journal.replayed(content))
        if same not in self.seen:
            self.seen[same] = self.look_anew(disk)
        return self.seen[same]

    def look_anew(self, disk: Path) -> str:
        choice = views.loader_choice(disk, self.kernels)
        with recording.loop_over(disk) as device:
            self.repaired += views.mount_as_a_device(PROGRAMS / "test", device, self.place)
            try:
                assert choice in self.revisions()
                for revision in self.revisions():
                    self.verify(revision)
                assert (self.place / KEPT).read_bytes() == CONTENT
            finally:
                tools.run("umount", self.place)
        return choice

    def revisions(self) -> set[str]:
        return {"0", *(f"locals/{path.name}" for path in self.place.glob("trails/locals/[!.]*"))}

    def verify(self, revision: str) -> None:
        words = (PROGRAMS / "pantavisor", "--check", self.place, revision, "--trust", TRUST)
        done = subprocess.run(
            (*words, "--mode", "strict"), capture_output=True, text=True, timeout=BOOT_SECONDS
        )
        assert done.returncode == 0, done.stdout + done.stderr


def sums(image: Path, scratch: Path) -> tuple[str, str]:
    """Of the kernel and the initramfs, which all revisions have."""
    storage = Storage.of(image)
    kernel, initrd = (
        hashlib.sha256(storage.read(f"/trails/0/.pv/{name}", scratch)).hexdigest()
        for name in ("pv-kernel.img", "pv-initrd.img")
    )
    return kernel, initrd


def judge_of(recorded: Recorded, folder: Path) -> Judge:
    place, storage = folder / "mounted", folder / "before"
    place.mkdir()
    take_storage(recorded.before, storage)
    kernels = dict.fromkeys(("0", TRIED), sums(recorded.before, folder))
    return Judge(kernels, views.Journal.of(storage), place)


def boot(recorded: Recorded, disk: Path, start: Callable[..., qemu.Guest], choice: str) -> None:
    """The device with this storage."""
    image = disk.with_name(recorded.before.name)
    copy(recorded.before, image)
    apply(image, ((Storage.of(image).offset, disk.read_bytes()),))
    with start(image, persist=True) as running:
        running.wait_for(rf"revision {choice} RUNNING", timeout=BOOT_SECONDS)


def test_a_device_comes_back_from_every_cut(
    recorded: Recorded, request: pytest.FixtureRequest, start: Callable[..., qemu.Guest], tmp_path: Path
) -> None:
    count, booted = (int(request.config.getoption(name)) for name in ("--cuts", "--booted"))
    recording.have_own_mounts()
    judge, disk = judge_of(recorded, tmp_path), tmp_path / "storage"
    found, boots = Counter[str](), 0
    for number, (cut, flushed) in enumerate(flushed_before(recorded, count, tmp_path)):
        leave(cut, flushed, disk)
        try:
            choice = judge.look(cut, disk)
        except AssertionError as wrong:
            pytest.fail(f"the power goes after flush {cut.number}: {wrong}")
        found[choice] += 1
        if (number + 1) % 50 == 0:
            print(f"{number + 1} cuts, of which boot {dict(found)}", flush=True)
        if number * booted // count >= boots:
            boots += 1
            # The one that was judged has been mounted, and its journal replayed.
            leave(cut, flushed, disk)
            boot(recorded, disk, start, choice)
    print(
        f"\n{len(recorded.epochs)} flushes, {found.total()} different cuts, of which boot {dict(found)}; "
        f"{len(judge.seen)} for the kernel, {judge.repaired} of them with a torn superblock; "
        f"{boots} were booted"
    )
    assert found.total() == count
    # Before GRUB notes the try and once it is committed, and between the two.
    assert set(found) == {"0", TRIED}
