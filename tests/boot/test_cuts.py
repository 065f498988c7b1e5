# SPDX-License-Identifier: MIT
"""A whole device whose power is cut while it tries a revision and commits it.

QEMU notes what reaches the disk, once. A cut has all that was flushed before it, and any of what was
written after that, of which one write may be torn. Each such disk must give GRUB's own code a whole
revision, the kernel a file system, the runtime's verifier that revision, and containers what they
had on the storage; and some of them are booted.

More of them: pytest tests/boot/test_cuts.py --cuts 500 --booted 20
"""

from __future__ import annotations

import hashlib
import random
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import card
import pytest
import views
from devtools import guest as qemu
from place import BOOT_SECONDS, PROJECT, TRUST
from recording import loop_over, mounted
from sim import tools
from storage import Storage
from test_try import TRIED
from writes import SECTOR, Write, epochs

CHECK = PROJECT / "build/test/runtime/pantavisor"
KEPT = "disks/perm/demo-nginx/data/kept"
CONTENT = b"what a container has\n" * 1000
CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Recorded:
    """A device's disk before, and what was written then."""

    before: Path
    storage: Storage
    epochs: list[list[Write]]
    kernels: dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def recorded(image: Path, machine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    tools.need_root()
    tools.need("grub-fstest", package="grub-common")
    folder = tmp_path_factory.mktemp("cuts")
    before, disk, log = folder / image.name, folder / "disk", folder / "log"
    copy(image, before)
    storage = Storage.of(before)
    with card.mounted(storage, folder / "card") as storage_root:
        card.deploy(storage_root / "trails" / TRIED, storage_root / "trails/0")
    storage.add(f"/{KEPT}", CONTENT, folder)
    kernels = {revision: sums(storage, revision, folder) for revision in ("0", TRIED)}
    copy(before, disk)
    log.touch()
    setup = qemu.Setup(disk, machine, qemu.free_ports(80, 8081, 8082), writes=log)
    with qemu.Guest(setup) as running:
        running.wait_for(rf"revision {TRIED} COMMITTED", timeout=BOOT_SECONDS)
    yield Recorded(before, storage, list(epochs(log)), kernels)


def copy(source: Path, target: Path) -> None:
    tools.run("cp", "--sparse=always", "--reflink=auto", source, target)


def sums(storage: Storage, revision: str, scratch: Path) -> tuple[str, str]:
    kernel, initrd = (
        hashlib.sha256(storage.read(f"/trails/{revision}/.pv/{name}", scratch)).hexdigest()
        for name in ("pv-kernel.img", "pv-initrd.img")
    )
    return kernel, initrd


def cut(chance: random.Random, pending: list[Write]) -> list[Write]:
    """Any of these writes; one of them may have reached the disk in part."""
    some = [write for write in pending if chance.random() < chance.choice((0.2, 0.5, 0.8))]
    if some and chance.random() < 0.3:
        at = chance.randrange(len(some))
        offset, content = some[at]
        some[at] = (offset, content[: SECTOR * chance.randrange(len(content) // SECTOR + 1)])
    return some


def apply(disk: Path, writes: list[Write]) -> None:
    with disk.open("r+b") as stream:
        for offset, content in writes:
            stream.seek(offset)
            stream.write(content)


def take_storage(disk: Path, storage: Storage, target: Path) -> None:
    """The partition as a file of its own."""
    with disk.open("rb") as source, target.open("wb") as sink:
        source.seek(storage.offset)
        left = storage.size
        while left:
            chunk = source.read(min(CHUNK, left))
            # A hole stays one.
            if chunk.strip(b"\0"):
                sink.write(chunk)
            else:
                sink.seek(len(chunk), 1)
            left -= len(chunk)
        sink.truncate(storage.size)


def judge(recorded: Recorded, disk: Path, folder: Path) -> str:
    """The revision that it boots; AssertionError where anything is wrong."""
    alone, place = folder / "storage", folder / "mounted"
    place.mkdir(exist_ok=True)
    # Another file each time: the loop device of the last one may still write to that.
    alone.unlink(missing_ok=True)
    take_storage(disk, recorded.storage, alone)
    choice = views.loader_choice(alone, recorded.kernels)
    with loop_over(alone) as device, mounted(device, place):
        words = (CHECK, "--check", place, choice, "--trust", TRUST, "--mode", "strict")
        checked = subprocess.run(words, capture_output=True, text=True, timeout=BOOT_SECONDS)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert (place / KEPT).read_bytes() == CONTENT
    return choice


def disks(recorded: Recorded, count: int, folder: Path) -> Iterator[tuple[int, Path]]:
    """Of so many cuts, from the first flush to the last; each is gone when the next one comes."""
    chance, done = random.Random(1), 0
    flushed, disk = folder / recorded.before.name, folder / f"cut-{recorded.before.name}"
    copy(recorded.before, flushed)
    for number in range(count):
        until = number * len(recorded.epochs) // count
        for writes in recorded.epochs[done:until]:
            apply(flushed, writes)
        done = until
        copy(flushed, disk)
        apply(disk, cut(chance, recorded.epochs[until]))
        yield until, disk


def test_a_device_comes_back_from_every_cut(
    recorded: Recorded,
    request: pytest.FixtureRequest,
    start: Callable[..., qemu.Guest],
    tmp_path: Path,
) -> None:
    assert CHECK.exists(), "the runtime is not built: run scripts/test"
    count, booted = (int(request.config.getoption(name)) for name in ("--cuts", "--booted"))
    found = {revision: 0 for revision in recorded.kernels}
    for number, (epoch, disk) in enumerate(disks(recorded, count, tmp_path)):
        try:
            choice = judge(recorded, disk, tmp_path)
        except AssertionError as wrong:
            pytest.fail(f"the power goes after flush {epoch}: {wrong}")
        found[choice] += 1
        if (number + 1) % 50 == 0:
            print(f"{number + 1} cuts, of which boot {found}", flush=True)
        if number % max(1, count // booted) == 0:
            with start(disk, persist=True) as running:
                running.wait_for(rf"revision {choice} RUNNING", timeout=BOOT_SECONDS)
    print(f"\n{len(recorded.epochs)} flushes, {count} cuts, of which boot {found}")
    # Before GRUB notes the try and once it is committed, and between the two.
    assert all(found.values())
