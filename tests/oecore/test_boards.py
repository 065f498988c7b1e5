# SPDX-License-Identifier: MIT
"""The disk of a board, built whole by BitBake and wic: what is on it, that it is verified, and what a
second build runs.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boards
import device
import pytest
import test_wic
from checkouts import RELEASES, Checkout, find, why_missing
from pantavisor import inspect
from pantavisor.readers import Findings, opened

RPI_TREES = [f"bcm2711-rpi-{name}.dtb" for name in ("4-b", "400", "cm4", "cm4s")]
ST_TREES = [f"stm32mp157f-dk2{name}.dtb" for name in ("", "-a7-examples", "-m4-examples")]
# What is on the boot partition next to SHA256SUMS: as the machine has it in IMAGE_BOOT_FILES, and ours.
BOOT = {
    "imx8mm-lpddr4-evk": ["Image", "boot.scr", "imx8mm-evk.dtb"],
    "qemuarm": ["boot.scr"],
    "qemuarm64": ["boot.scr"],
    "qemux86-64": ["EFI/BOOT/BOOTX64.EFI"],
    "raspberrypi4-64": ["Image", "boot.scr", "config.txt", "fixup4.dat", "kernel8.img", "start4.elf",
                        *RPI_TREES],
    "stm32mp15-disco": ["boot.scr"],
}  # fmt: skip
TREES = {"imx8mm-lpddr4-evk": ["device-tree.dtb"], "stm32mp15-disco": ["device-tree.dtb", *ST_TREES]}
VENDORS = {"imx8mm-lpddr4-evk": "imx8m", "raspberrypi4-64": "raspberrypi",
           "stm32mp15-disco": "stm32mp157f-dk2"}  # fmt: skip
EVERY = [(release, machine) for release in RELEASES for machine in boards.MACHINES[release]]
OURS = ("do_pvroot", "do_pvroot_check", "do_pvrexport", "do_image_wic")
FILLED = b"\xa5" * 4096


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """With the keys of all, which make the same bytes."""
    root = tmp_path_factory.mktemp("boards")
    yield root
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def digests() -> dict[str, dict[str, str]]:
    """Of the storage on the disks that were built, by machine and release."""
    return {}


@pytest.fixture(scope="module", params=EVERY, ids="-".join)
def board(
    request: pytest.FixtureRequest, place: Path, digests: dict[str, dict[str, str]]
) -> Iterator[boards.Board]:
    release, machine = request.param
    checkout = find(release)
    if checkout is None:
        pytest.skip(why_missing(release))
    made = boards.make(checkout, machine, place / "-".join(request.param))
    made.run(boards.NAME)
    digests.setdefault(machine, {})[release] = sha256(made.storage)
    yield made
    shutil.rmtree(made.build.directory)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_disk_passes_the_verifier_as_bmaptool_writes_it(board: boards.Board, tmp_path: Path) -> None:
    """On a disk that was not empty."""
    disk = tmp_path / "disk"
    with disk.open("wb") as stream:
        for _ in range(board.image.stat().st_size // len(FILLED)):
            stream.write(FILLED)
    words = ["bmaptool", "copy", "--bmap", f"{board.image}.bmap", board.image, disk]
    subprocess.run(words, check=True, capture_output=True)
    for image in (board.image, disk):
        done = device.pvr("verify", "--strict", "--set", "--trust", board.keys / "ca.crt", image)
        assert done.returncode == 0, done.stdout


def test_the_storage_is_in_it_bit_for_bit(board: boards.Board) -> None:
    last = inspect.inspect(board.image).partitions[-1]
    made = board.storage.read_bytes()
    with board.image.open("rb") as stream:
        stream.seek(last.start)
        assert stream.read(len(made)) == made
    assert len(made) <= last.size


def test_the_boot_partition_has_what_the_machine_names_and_our_script(board: boards.Board) -> None:
    with opened(board.image, Findings()) as found:
        (boot,) = found.contents.boots
        files = sorted(name for name in boot.files if not name.startswith("overlays/"))
    assert files == sorted(["SHA256SUMS", *BOOT[board.machine]])
    # KERNEL_DEVICETREE has overlays, which IMAGE_BOOT_FILES of the machine puts into a directory.
    assert ("overlays/vc4-kms-v3d.dtbo" in boot.files) == board.machine.startswith("raspberrypi")
    if "boot.scr" in boot.files:
        place = f"{board.image}@@{inspect.inspect(board.image).partitions[-2].start}"
        done = subprocess.run(["mtype", "-i", place, "::boot.scr"], capture_output=True, check=True)
        assert done.stdout == board.deployed("pantavisor-boot.scr").read_bytes()


def test_the_bsp_has_the_device_trees_of_the_machine(board: boards.Board) -> None:
    (revision,) = inspect.inspect(board.image).revisions
    trees = {name for name in revision.state if name.endswith(".dtb")}
    assert trees == {f"bsp/{name}" for name in TREES.get(board.machine, ())}


def test_a_second_build_runs_nothing(board: boards.Board) -> None:
    every, current = boards.attempted(board.run(boards.NAME))
    assert every == current


def test_shared_state_makes_the_disk_and_no_step_of_ours_runs(board: boards.Board) -> None:
    before = sha256(board.image)
    board.forget()
    board.run(boards.NAME)
    assert sha256(board.image) == before
    assert not [path for task in OURS for path in board.ran(task)]


def test_it_is_laid_out_as_the_vendors_file_with_two_lines_changed(
    board: boards.Board, tmp_path: Path
) -> None:
    if board.machine not in VENDORS:
        pytest.skip(f"{board.machine} is a machine of openembedded-core, which has no file for its disk")
    ours = shutil.copy(board.image, tmp_path / "ours.wic")
    # The distribution's pseudo does not know paths that it is to ignore, and ends tasks that run again.
    board.forget()
    wks = board.build.directory / "vendors.wks.in"
    wks.write_text(test_wic.vendors(board.build.checkout, test_wic.MACHINES[VENDORS[board.machine]]))
    lines = f'PVROOT_WKS:pn-{boards.NAME} = "{wks}"\n'
    theirs = boards.make(board.build.checkout, board.machine, board.build.directory, lines)
    theirs.run(boards.NAME)
    assert test_wic.parts(ours) == test_wic.parts(theirs.image)
    assert test_wic.boot_files(ours) == test_wic.boot_files(theirs.image)
    assert test_wic.firmware(ours) == test_wic.firmware(theirs.image)


def test_no_task_of_ours_runs_as_root_in_appearance(checkout: Checkout, place: Path) -> None:
    """Those of openembedded-core's image class do."""
    build = boards.make(checkout, "qemux86-64", place / f"{checkout.release}-flags").build
    recipes = {"disk": ["do_pvroot", "do_pvroot_check"], "pantavisor-bsp": ["do_pvrexport"]}
    for recipe, tasks in {**recipes, "disk-app": ["do_pvrexport"]}.items():
        for task in tasks:
            done = build.run("bitbake-getvar", "-r", recipe, "-f", "fakeroot", "--value", task)
            assert "flag 'fakeroot' is not defined" in done.stdout, (task, done.stdout)


def test_the_releases_make_the_same_storage(digests: dict[str, dict[str, str]]) -> None:
    several = {machine: made for machine, made in digests.items() if len(made) > 1}
    if not several:
        pytest.skip("no machine was built on several releases")
    for machine, made in several.items():
        assert len(set(made.values())) == 1, (machine, made)
