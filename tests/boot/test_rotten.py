# SPDX-License-Identifier: MIT
"""An initramfs that rots on the medium, of a revision that is tried and of the committed one: the device
ends in a good one. A GRUB with a key refuses it; one without starts a kernel that has no PID 1, or half of
one.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from card import deploy, mounted
from devtools import guest as qemu
from made import Desk
from place import BOOT_SECONDS
from sim import tools
from storage import SECTOR_BYTES, Storage, output
from test_grub import without_key

NEXT = "locals/next"
LOADER = "::EFI/BOOT/BOOTX64.EFI"
INITRAMFS = f"/trails/{NEXT}/.pv/pv-initrd.img"


@pytest.fixture(scope="module")
def device(image: Path, machine: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The demonstration, and the same with another initramfs."""
    tools.need_root()
    if machine != "qemux86-64":
        pytest.skip("its GRUB is changed as that of qemux86-64")
    desk = Desk(tmp_path_factory.mktemp("rotten"), machine)
    return image, desk.image([desk.bsp({"/etc/another": b"1\n"}), desk.export("demo-system")])


@dataclass(frozen=True)
class Rotten:
    storage: Storage
    scratch: Path

    def deploy(self, source: Path, *words: str) -> None:
        """The revision of another image becomes the one that is tried, or committed."""
        other = Storage.of(source)
        with mounted(self.storage, self.scratch / "card") as card, \
                mounted(other, self.scratch / "other") as given:  # fmt: skip
            deploy(*words, card / "trails" / NEXT, given / "trails/0")

    def take_key(self) -> None:
        """GRUB no longer asks for signatures."""
        first = re.search(r"First sector: (\d+)", output("sgdisk", "-i", "1", str(self.storage.image)))
        assert first
        place = f"{self.storage.image}@@{int(first[1]) * SECTOR_BYTES}"
        loader = self.scratch / "loader.efi"
        subprocess.run(["mcopy", "-i", place, LOADER, str(loader)], check=True, timeout=600)
        loader.write_bytes(without_key(loader.read_bytes()))
        subprocess.run(["mcopy", "-o", "-i", place, str(loader), LOADER], check=True, timeout=600)

    def record(self) -> dict[str, str]:
        """What the device recorded of the revision."""
        self.storage.replay(self.scratch)
        found: dict[str, str] = json.loads(self.storage.read(f"/trails/{NEXT}/.pv/progress", self.scratch))
        return found


@pytest.fixture
def rotten(device: tuple[Path, Path], copy: Path, tmp_path: Path) -> Rotten:
    return Rotten(Storage.of(copy), tmp_path)


def test_a_tried_one_that_grub_refuses_leads_back(
    device: tuple[Path, Path], rotten: Rotten, start: Callable[..., qemu.Guest]
) -> None:
    rotten.deploy(device[1])
    rotten.storage.flip(INITRAMFS)
    with start(rotten.storage.image, persist=True) as running:
        running.wait_for(rf"revision {NEXT} cannot be booted, starting again for 0", timeout=BOOT_SECONDS)
        running.wait_for(rf"the try of revision {NEXT} is over, revision 0 stays", timeout=BOOT_SECONDS)
        assert f"revision {NEXT} verified" not in running.console
    record = rotten.record()
    assert (record["status"], record["status-msg"]) == ("ERROR", "Unexpected rollback")


@pytest.mark.parametrize("has_key", [True, False])
def test_a_committed_one_leads_to_the_one_before(
    has_key: bool, device: tuple[Path, Path], rotten: Rotten, start: Callable[..., qemu.Guest]
) -> None:
    rotten.deploy(device[1], "--commit")
    if not has_key:
        rotten.take_key()
    rotten.storage.flip(INITRAMFS)
    with start(rotten.storage.image, persist=True) as running:
        running.wait_for(rf"revision {NEXT} fails to start, taking 0", timeout=BOOT_SECONDS)
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        assert running.console.count(f"booting revision {NEXT}") == 3
        assert f"revision {NEXT} RUNNING" not in running.console
        assert has_key == ("bad signature" in running.console)


def test_a_tried_one_that_the_kernel_unpacks_in_part_leads_back(
    device: tuple[Path, Path], rotten: Rotten, start: Callable[..., qemu.Guest]
) -> None:
    rotten.deploy(device[1])
    rotten.take_key()
    rotten.storage.flip(INITRAMFS, last=True)
    with start(rotten.storage.image, persist=True) as running:
        running.wait_for(rf"the try of revision {NEXT} is over, revision 0 stays", timeout=BOOT_SECONDS)
        assert f"booting revision {NEXT}" in running.console
        assert f"revision {NEXT} RUNNING" not in running.console
    assert rotten.record()["status"] == "ERROR"
