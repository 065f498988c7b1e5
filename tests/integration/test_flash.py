# SPDX-License-Identifier: MIT
"""Images flashed to real block devices, and what is left of one where the disk or the command fails."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest
from pantavisor import factory
from pantavisor.disk import bmap, gpt
from pantavisor.errors import PantavisorError
from pantavisor.factory.drive import Drive
from pantavisor.factory.flash import check_holds
from sim import device, loops, tools
from sim.pvr_command import ENVIRONMENT, process

MIB = 1024 * 1024
SIZE = 24 * MIB
GARBAGE = b"old content " * 400
RANGES = ((0, 17408), (MIB, 7 * MIB + 100), (9 * MIB, 9 * MIB + 4096), (SIZE - 16896, SIZE))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image with a block map, of random bytes where it is mapped."""
    path = tmp_path_factory.mktemp("flash") / "disk.img"
    bytes_of = random.Random(1)
    with open(path, "wb") as stream:
        stream.truncate(SIZE)
        for start, end in RANGES:
            stream.seek(start)
            stream.write(bytes_of.randbytes(end - start))
    Path(f"{path}.bmap").write_bytes(bmap.make(path, RANGES).text)
    return path


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[list[Path]]:
    """Two disks of different sizes that hold something already."""
    with ExitStack() as stack:
        found = []
        for number, size in enumerate((SIZE, SIZE + 5 * MIB + 512)):
            backing = tmp_path / f"disk{number}"
            backing.write_bytes((GARBAGE * (size // len(GARBAGE) + 1))[:size])
            found.append(stack.enter_context(loops.disk(backing, size=size)))
        yield found


def holds(disk: Path, image: Path) -> bool:
    """Whether all that the map lists is on the disk."""
    with open(disk, "rb") as one, open(image, "rb") as other:
        for found in bmap.read(Path(f"{image}.bmap")).ranges:
            one.seek(found.start), other.seek(found.start)
            if one.read(found.end - found.start) != other.read(found.end - found.start):
                return False
    return True


@pytest.mark.parametrize("more", [0, 512, 8192, 16896, MIB])
def test_a_flashed_disk_holds_its_image(image: Path, tmp_path: Path, more: int) -> None:
    """Also where the copy of the table at the end of the disk lies over the one of the image."""
    table = gpt.render(
        [gpt.Partition("a", gpt.LINUX_DATA, UUID(int=1), MIB, 6 * MIB)], disk=UUID(int=2), size=SIZE
    )
    copy = tmp_path / "copy.img"
    copy.write_bytes(image.read_bytes())
    with open(copy, "r+b") as stream:
        stream.write(table.head)
        stream.seek(-len(table.tail), os.SEEK_END)
        stream.write(table.tail)
    Path(f"{copy}.bmap").write_bytes(bmap.make(copy, RANGES).text)
    with loops.disk(tmp_path / "disk", size=SIZE + more) as disk:
        (one,) = factory.flash(copy, [disk])
        assert one.good
        check_holds(disk, copy)
        with open(disk, "r+b") as stream:
            stream.seek(6 * MIB)
            stream.write(b"x")
        with pytest.raises(PantavisorError, match="does not hold"):
            check_holds(disk, copy)


def has_table(disk: Path) -> bool:
    """Whether anything could be taken for a partition table, or for its copy at the end."""
    with open(disk, "rb") as stream:
        head = stream.read(4096)
        stream.seek(-512, os.SEEK_END)
        return any(head) or stream.read(8) == b"EFI PART"


def test_an_image_reaches_all_disks_and_spares_what_is_not_mapped(image: Path, disks: list[Path]) -> None:
    shown: list[tuple[int, int]] = []
    flashed = factory.flash(image, disks, progress=lambda done, total: shown.append((done, total)))
    assert [(one.target, one.problem) for one in flashed] == [(disk, None) for disk in disks]
    assert all(holds(disk, image) for disk in disks)
    mapped = bmap.read(Path(f"{image}.bmap")).mapped
    assert {one.bytes for one in flashed} == {mapped} and shown[-1] == (4 * mapped, 4 * mapped)
    with open(disks[1], "rb") as stream:
        stream.seek(8 * MIB)
        assert stream.read(4096) == (GARBAGE * (9 * MIB // len(GARBAGE)))[8 * MIB :][:4096]


def test_a_map_of_bmaptool_is_one(image: Path, disks: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.img"
    tools.run("cp", "--sparse=always", image, copy)
    tools.run(tools.need("bmaptool", package="bmap-tools"), "create", "-o", f"{copy}.bmap", copy)
    (flashed,) = factory.flash(copy, disks[:1])
    assert flashed.good and holds(disks[0], copy)


@pytest.mark.parametrize("more", [0, 512, 99 * MIB])
def test_a_real_image_is_whole_on_the_disk(tmp_path: Path, more: int) -> None:
    made = device.make(tmp_path / "device")
    image = made.image()
    with loops.disk(tmp_path / "disk", size=image.stat().st_size + more) as disk:
        done = process("factory", "flash", str(image), "--to", str(disk), "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        (row,) = json.loads(done.stdout)
        assert set(row) == {"target", "good", "problem", "bytes", "seconds"}
        assert row["good"] and row["target"] == str(disk) and row["problem"] is None
        assert "disk: " in done.stderr and " MB" in done.stderr
        trust = str(made.folder / "keys/ca.crt")
        checked = process("verify", "--strict", "--trust", trust, str(disk), cwd=tmp_path)
        assert checked.returncode == 0, checked.stderr
        assert "No problems found" in tools.run("sgdisk", "-v", disk)


def slow_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disks so slow that what progress() does comes before they are whole."""
    sync = Drive.sync

    def slow(self: Drive) -> None:
        time.sleep(1)
        sync(self)

    monkeypatch.setattr(Drive, "sync", slow)


def test_a_disk_that_becomes_smaller_fails_and_the_others_do_not(
    image: Path, disks: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was pulled out takes no more writes; one across its end is a short one."""
    slow_down(monkeypatch)

    def shrink(done: int, total: int) -> None:
        os.truncate(tmp_path / "disk1", 2 * MIB + 512)
        tools.run("losetup", "--set-capacity", disks[1])

    good, bad = factory.flash(image, disks, progress=shrink)
    assert good.good and holds(disks[0], image)
    assert bad.problem and "written or read back" in bad.problem
    assert not has_table(disks[1])


def test_blocks_that_cannot_be_written_fail_the_disk(image: Path, tmp_path: Path) -> None:
    tools.need_root()
    with loops.mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=5m", "tmpfs") as small:
        with loops.disk(small / "backing", size=SIZE) as disk:
            (one,) = factory.flash(image, [disk])
            assert one.problem and "written or read back" in one.problem
            assert not has_table(disk)


def test_a_disk_that_gives_other_bytes_than_it_took_fails(image: Path, tmp_path: Path) -> None:
    """Two disks over one file, as a card that has less memory than it claims."""
    backing = tmp_path / "backing"
    with loops.disk(backing, size=SIZE) as one, loops.disk(backing, size=SIZE, offset=4096) as other:
        flashed = factory.flash(image, [one, other])
        problems = [found.problem for found in flashed if found.problem]
        assert problems and all("read back differ from the image" in problem for problem in problems)


def test_an_interrupted_disk_has_no_partition_table(
    image: Path, disks: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    slow_down(monkeypatch)
    flashed = factory.flash(image, disks, progress=interrupt)
    assert all(one.interrupted and not one.good for one in flashed)
    assert not any(map(has_table, disks))


def test_a_second_interruption_waits_for_the_disks_too(
    image: Path, disks: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(done: int, total: int) -> None:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        raise KeyboardInterrupt

    slow_down(monkeypatch)
    flashed = factory.flash(image, disks, progress=interrupt)
    assert all(one.interrupted for one in flashed)
    assert not any(map(has_table, disks))


def begin(image: Path, disk: Path) -> subprocess.Popen[str]:
    """The command, once it emptied the head of the disk."""
    words = [sys.executable, "-m", "pantavisor", "factory", "flash", str(image), "--to", str(disk)]
    process = subprocess.Popen(words, env=ENVIRONMENT, stdout=-1, stderr=-1, text=True)
    deadline = time.monotonic() + 600
    while process.poll() is None and time.monotonic() < deadline:
        with open(disk, "rb") as stream:
            if not any(stream.read(16)):
                break
    return process


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_ended_leaves_a_whole_disk_or_no_table(
    image: Path, disks: list[Path], number: int
) -> None:
    process = begin(image, disks[0])
    process.send_signal(number)
    _, said = process.communicate(timeout=600)
    if process.returncode == 0:
        assert holds(disks[0], image)
        return
    assert not has_table(disks[0])
    if number == signal.SIGINT:
        assert process.returncode == 130 and "interrupted: 1 of 1 disk failed" in said
        assert "nothing half-written" not in said


def refused(image: Path, *targets: Path) -> str:
    with pytest.raises(PantavisorError) as found:
        factory.flash(image, targets)
    assert found.value.hint
    return found.value.message


def test_what_must_not_be_written_is_refused_before_anything_is(
    image: Path, disks: list[Path], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        small = stack.enter_context(loops.disk(tmp_path / "small", size=SIZE - 512))
        file_system = stack.enter_context(loops.disk(tmp_path / "system", size=SIZE))
        tools.run("mkfs.ext4", "-q", file_system)
        place = stack.enter_context(loops.mounted(tmp_path / "place", str(file_system)))
        locked = stack.enter_context(loops.disk(tmp_path / "locked", size=SIZE, read_only=True))
        held = stack.enter_context(loops.disk(tmp_path / "held", size=SIZE))
        descriptor = os.open(held, os.O_RDONLY | os.O_EXCL)
        stack.callback(os.close, descriptor)
        alias = tmp_path / "by-name"
        alias.symlink_to(disks[0])
        for target, sentence in (
            (small, "too few for"),
            (file_system, f"is mounted at {place}"),
            (locked, "is write-protected"),
            (held, "is in use"),
            (alias, "are the same disk"),
            (tmp_path, "is not a disk"),
            (tmp_path / "nothing", "does not exist"),
            (Path("/dev/null"), "is not a disk"),
        ):
            assert sentence in refused(image, disks[0], target)
    with open(disks[0], "rb") as stream:
        assert stream.read(len(GARBAGE)) == GARBAGE


def test_the_disk_of_the_running_system_is_refused(image: Path) -> None:
    root = tools.run("findmnt", "-no", "SOURCE", "/").strip()
    # Of a part of a disk that is mounted as the root, it has the name in brackets.
    if not Path(root).is_block_device():
        pytest.skip(f"the root of this system is on {root}, which is not a disk")
    disk = tools.run("lsblk", "-ndo", "PKNAME", root).strip()
    whole = Path("/dev", disk) if disk else Path(root)
    assert "is the disk that this system runs from" in refused(image, whole)


def test_a_partition_is_refused_and_the_whole_disk_is_named(image: Path, disks: list[Path]) -> None:
    tools.run("addpart", disks[0], 1, 2048, 8)
    try:
        with pytest.raises(PantavisorError, match="is a partition") as found:
            factory.flash(image, [Path(f"{disks[0]}p1")])
        assert found.value.hint == f"name the whole disk: {disks[0]}"
    finally:
        tools.run("delpart", disks[0], 1)


def test_an_image_that_is_not_that_of_its_map_touches_no_disk(
    image: Path, disks: list[Path], tmp_path: Path
) -> None:
    copy = tmp_path / "copy.img"
    tools.run("cp", "--sparse=always", image, copy)
    assert "copy.img.bmap is missing" in refused(copy, disks[0])
    tools.run("cp", f"{image}.bmap", f"{copy}.bmap")
    with open(copy, "r+b") as stream:
        stream.seek(2 * MIB)
        stream.write(b"x" * 7)
    assert "is damaged: bytes" in refused(copy, disks[0])
    os.truncate(copy, SIZE - 4096)
    assert "its block map is for" in refused(copy, disks[0])
    assert "is not a disk image" in refused(tmp_path, disks[0])
    with open(disks[0], "rb") as stream:
        assert stream.read(len(GARBAGE)) == GARBAGE
