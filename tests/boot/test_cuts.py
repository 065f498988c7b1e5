# SPDX-License-Identifier: MIT
"""A whole device whose power is cut while it is updated.

QEMU notes what reaches the disk, once. A cut has all that was flushed before it, and any of what was
written after that, of which one write may be torn; no two are alike. Of each such disk GRUB's own code must
choose a whole revision that is right at that moment, the kernel mount the storage, the runtime's verifier
pass all revisions, and a container have each line that it knows to be flushed; and some of them are booted.
What is the same to GRUB and to the kernel is looked at once.

More of them: pytest tests/boot/test_cuts.py --cuts 500 --booted 20
"""

from __future__ import annotations

import hashlib
import mmap
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import history
import pytest
import recording
import views
from control import wait_until
from devtools import guest as qemu
from history import KEEPER, KEPT, History
from made import Desk
from place import BOOT_SECONDS, PROJECT, TRUST
from recording import BLOCK
from sim import tools
from storage import Storage, copy_image
from writes import SECTOR, Epoch, Writes

PROGRAMS = PROJECT / "build/test/crash"
# So often a cut is drawn again that was seen already: of one write there are few.
TRIES = 20


@pytest.fixture(scope="module")
def recorded(desk: Desk) -> History:
    tools.need_root()
    tools.need("grub-fstest", package="grub-common")
    for program in (PROGRAMS / "pantavisor", PROGRAMS / "test/play"):
        assert program.exists(), f"{program.name} is not built for this: run scripts/test"
    return history.record(desk)


@dataclass(frozen=True)
class Cut:
    """``writes``: what of those of epoch ``number`` reached the disk."""

    number: int
    epoch: Epoch
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


def cuts(epochs: list[Epoch], count: int) -> list[Cut]:
    """So many, no two alike, evenly from the first flush to the last; fewer where there are no more."""
    chance = random.Random(1)
    # All of it is what the next one begins with.
    found: list[dict[Writes, None]] = [{epoch.writes: None} for epoch in epochs]
    for turn in range(count):
        first = turn * len(epochs) // count
        for number in (*range(first, len(epochs)), *range(first)):
            drawn = (draw(chance, epochs[number].writes) for _ in range(TRIES))
            fresh = next((some for some in drawn if some not in found[number]), None)
            if fresh is not None:
                found[number][fresh] = None
                break
    return [
        Cut(number, epochs[number], some) for number, seen in enumerate(found) for some in list(seen)[1:]
    ]


def apply(disk: Path, writes: Writes) -> None:
    with disk.open("r+b") as stream:
        for offset, content in writes:
            stream.seek(offset)
            stream.write(content)


def flushed_before(recorded: History, count: int, folder: Path) -> Iterator[tuple[Cut, Path]]:
    """Each cut, and the storage with what was flushed before it."""
    flushed, done = folder / "flushed", 0
    take_storage(recorded.before, flushed)
    for cut in cuts(recorded.epochs, count):
        for epoch in recorded.epochs[done : cut.number]:
            apply(flushed, epoch.writes)
        done = cut.number
        yield cut, flushed


def copy(source: Path, target: Path) -> None:
    """Another file each time: the loop device of the last one may still write to that."""
    target.unlink(missing_ok=True)
    copy_image(source, target)


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

    recorded: History
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
            self.seen[same] = self.look_anew(cut, disk)
        return self.seen[same]

    def look_anew(self, cut: Cut, disk: Path) -> str:
        choice, allowed = views.loader_choice(disk, self.kernels), self.recorded.allowed(cut.epoch)
        assert choice in allowed, f"GRUB chooses revision {choice}, not {' or '.join(sorted(allowed))}"
        with recording.loop_over(disk) as device:
            self.repaired += views.mount_as_a_device(PROGRAMS / "test", device, self.place)
            try:
                assert choice in self.revisions()
                for revision in self.revisions():
                    self.verify(revision)
                self.check_kept(self.recorded.lines(cut.epoch.begin))
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

    def check_kept(self, count: int) -> None:
        kept = self.place / KEPT
        lines = kept.read_text(errors="replace").splitlines() if kept.exists() else []
        wanted = list(map(str, range(1, count + 1)))
        assert lines[:count] == wanted, f"a container has lost of the {count} lines that were flushed"


def sums(image: Path, scratch: Path) -> tuple[str, str]:
    """Of the kernel and the initramfs, which all revisions have."""
    storage = Storage.of(image)
    kernel, initrd = (
        hashlib.sha256(storage.read(f"/trails/0/.pv/{name}", scratch)).hexdigest()
        for name in ("pv-kernel.img", "pv-initrd.img")
    )
    return kernel, initrd


def judge_of(recorded: History, folder: Path) -> Judge:
    place, storage = folder / "mounted", folder / "before"
    place.mkdir()
    take_storage(recorded.before, storage)
    kernels = dict.fromkeys((name for _, name in recorded.asked), sums(recorded.before, folder))
    return Judge(recorded, kernels, views.Journal.of(storage), place)


def boot(recorded: History, disk: Path, machine: str, choice: str, lines: int) -> None:
    """The device with this storage, and its container with so many lines at the least."""
    image = disk.with_name(recorded.before.name)
    copy(recorded.before, image)
    apply(image, ((Storage.of(image).offset, disk.read_bytes()),))
    setup = qemu.Setup(image, machine, qemu.free_ports(KEEPER), persist=True)
    with qemu.Guest(setup) as running:
        running.wait_for(rf"revision {choice} RUNNING", timeout=BOOT_SECONDS)
        wait_until(lambda: history.keep(running.port(KEEPER)) > lines)


def test_a_device_comes_back_from_every_cut(
    recorded: History, request: pytest.FixtureRequest, machine: str, tmp_path: Path
) -> None:
    count, booted = (int(request.config.getoption(name)) for name in ("--cuts", "--booted"))
    recording.have_own_mounts()
    judge, disk = judge_of(recorded, tmp_path), tmp_path / "storage"
    found, boots = Counter[str](), {count * (2 * turn + 1) // (2 * booted) for turn in range(booted)}
    for number, (cut, flushed) in enumerate(flushed_before(recorded, count, tmp_path)):
        leave(cut, flushed, disk)
        try:
            choice = judge.look(cut, disk)
        except AssertionError as wrong:
            pytest.fail(f"the power goes after flush {cut.number}: {wrong}")
        found[choice] += 1
        if (number + 1) % 50 == 0:
            print(f"{number + 1} cuts, of which boot {dict(found)}", flush=True)
        if number in boots:
            # The one that was judged has been mounted, and its journal replayed.
            leave(cut, flushed, disk)
            boot(recorded, disk, machine, choice, recorded.lines(cut.epoch.begin))
    print(
        f"\n{len(recorded.epochs)} flushes, {found.total()} different cuts, of which boot {dict(found)}; "
        f"{len(judge.seen)} for the kernel, {judge.repaired} of them with a torn superblock; "
        f"{len(boots)} were booted; a container flushed {recorded.lines()} lines"
    )
    assert found.total() == count
    # Before anything was asked of it, and after each update.
    assert set(found) == set(judge.kernels)
