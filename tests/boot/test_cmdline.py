# SPDX-License-Identifier: MIT
"""The kernel's command line and the initramfs as enemies: the real kernel and the real initramfs without a
boot loader, which would have let none of this pass.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from debpkg import cpio
from devtools import guest as qemu
from place import BOOT_SECONDS
from storage import Storage

TRUST = "etc/pantavisor/pvs/trust/ca-certificates.crt"


Start = Callable[..., qemu.Guest]


def test_words_do_not_switch_anything_off(copy: Path, start_with: Start) -> None:
    Storage.of(copy).flip("/trails/0/demo-nginx/root.squashfs")
    words = (
        "PV_SECUREBOOT_MODE=disabled pv_secureboot.mode=disabled "
        "PV_SECUREBOOT_CHECKSUM=0 pv_secureboot.checksum=0"
    )
    places = (
        "PV_STORAGE_MNTPOINT=/etc/pantavisor/pvs/trust pv_storage.device=/dev/vda1 "
        "PV_SECUREBOOT_TRUSTSTORE=x"
    )
    with start_with(copy, f"{words} {places}") as running:
        running.wait_for(r"revision 0 is unusable: .*root\.squashfs\): is corrupt", timeout=BOOT_SECONDS)
        running.wait_for(r"this device stops here: \S", timeout=600)
        assert "the command line cannot set PV_STORAGE_MNTPOINT" in running.console


def test_the_dynamic_loader_obeys_the_command_line_only_before_anything_is_there(
    image: Path, start_with: Start
) -> None:
    with start_with(image, "LD_PRELOAD=/storage/evil.so") as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        # The first start, whose environment the kernel made, and no other process.
        assert running.console.count("/storage/evil.so' from LD_PRELOAD") == 1


@pytest.mark.parametrize(
    ("entry", "reason"),
    [({"etc/pantavisor.config": cpio.folder()}, "configuration"), ({TRUST: cpio.file(b"")}, "trust store")],
)
def test_without_configuration_or_trust_the_device_stops(
    image: Path, start_with: Start, entry: dict[str, cpio.Entry], reason: str
) -> None:
    with start_with(image, "", entry) as running:
        running.wait_for(rf"revision 0 is unusable: {reason}", timeout=BOOT_SECONDS)
        running.wait_for(r"this device stops here: build the initramfs with", timeout=600)
        assert "is /dev/" not in running.console
