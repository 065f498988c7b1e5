# SPDX-License-Identifier: MIT
"""SHA256SUMS of a boot partition, from IMAGE_BOOT_FILES as wic reads it; and what is known of machines."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Optional

import pytest
from sim import bitbake_library

bitbake_library.need()

import bb  # noqa: E402
import bb.data  # noqa: E402
import pvbb.boards  # noqa: E402
import pvbb.root  # noqa: E402
import pvbb.tool  # noqa: E402


@pytest.fixture
def d(tmp_path: Path) -> Any:
    deploy = tmp_path / "deploy"
    for name in ("bootfiles/start.elf", "bootfiles/config.txt", "u-boot.bin", "a.dtbo"):
        (deploy / name).parent.mkdir(parents=True, exist_ok=True)
        (deploy / name).write_bytes(name.encode())
    made = bb.data.init()
    made.setVar("PN", "disk")
    made.setVar("DEPLOY_DIR_IMAGE", str(deploy))
    made.setVar("PVROOT_SUMS", str(tmp_path / "sums/SHA256SUMS"))
    return made


def listed(d: Any, boot_files: str) -> dict[str, str]:
    sums = d.getVar("PVROOT_SUMS")
    d.setVar("IMAGE_BOOT_FILES", f"{boot_files} {sums};SHA256SUMS")
    pvbb.root.list_boot_files(d)
    lines = (line.split("  ") for line in Path(sums).read_text().splitlines())
    return {name: digest for digest, name in lines}


def sha256(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def test_wildcards_names_and_directories_are_those_of_wic(d: Any) -> None:
    found = listed(d, "bootfiles/* u-boot.bin;kernel8.img a.dtbo;overlays/a.dtbo bootfiles/*.elf;copy")
    assert found == {
        "config.txt": sha256("bootfiles/config.txt"),
        "start.elf": sha256("bootfiles/start.elf"),
        "kernel8.img": sha256("u-boot.bin"),
        "overlays/a.dtbo": sha256("a.dtbo"),
        "copy/start.elf": sha256("bootfiles/start.elf"),
    }


def test_the_last_of_two_files_of_one_name_is_what_wic_leaves(d: Any) -> None:
    assert listed(d, "u-boot.bin;boot.scr a.dtbo;boot.scr") == {"boot.scr": sha256("a.dtbo")}


def test_the_notes_of_u_boot_which_change_are_not_listed(d: Any) -> None:
    assert list(listed(d, "u-boot.bin a.dtbo;pv-notes.env")) == ["u-boot.bin"]


@pytest.mark.parametrize(
    ("loader", "notes", "files"),
    [
        ("grub", "fat", ""),
        ("uboot", "env", "pantavisor-boot.scr;boot.scr"),
        ("uboot", None, "pantavisor-boot.scr;boot.scr"),
        ("uboot", "fat", "pantavisor-boot.scr;boot.scr pantavisor-notes.env;pv-notes.env"),
    ],
)
def test_u_boot_gets_its_script_and_a_file_for_its_notes(
    d: Any, loader: str, notes: Optional[str], files: str
) -> None:
    d.setVar("PANTAVISOR_BOOTLOADER", loader)
    d.setVar("PANTAVISOR_UBOOT_NOTES", notes)
    assert pvbb.boards.script(d) == files


def test_what_u_boot_starts_before_the_script_is_refused(d: Any, caplog: pytest.LogCaptureFixture) -> None:
    files = "u-boot.bin;extlinux/extlinux.conf"
    assert listed(d, files)  # GRUB reads none
    d.setVar("PANTAVISOR_BOOTLOADER", "uboot")
    with pytest.raises(bb.BBHandledException):
        listed(d, files)
    assert "has extlinux/extlinux.conf, which U-Boot starts before the boot script" in caplog.text


def test_a_place_that_wic_cannot_name_is_refused(d: Any, caplog: pytest.LogCaptureFixture) -> None:
    d.setVar("PVROOT_SUMS", "/home/me/my+build/SHA256SUMS")
    with pytest.raises(bb.BBHandledException):
        pvbb.root.list_boot_files(d)
    assert "wic cannot read the name of /home/me/my+build" in caplog.text


@pytest.mark.parametrize(
    ("values", "loader", "layout"),
    [
        ({"TARGET_ARCH": "x86_64"}, "grub", "pantavisor-efi.wks"),
        ({"TARGET_ARCH": "aarch64", "MACHINE_FEATURES": "usb efi"}, "grub", "pantavisor-efi.wks"),
        ({"TARGET_ARCH": "aarch64"}, "uboot", "pantavisor-boot.wks"),
        ({"TARGET_ARCH": "arm", "MACHINEOVERRIDES": "armv7a:rpi:board"}, "uboot",
         "pantavisor-raspberrypi.wks"),
        ({"TARGET_ARCH": "aarch64", "MACHINEOVERRIDES": "mx8m-generic-bsp:mx8-generic-bsp"}, "uboot",
         "pantavisor-imx-boot.wks.in"),
    ],
)  # fmt: skip
def test_a_machine_has_a_boot_loader_and_a_layout(
    d: Any, values: dict[str, str], loader: str, layout: str
) -> None:
    for name, value in values.items():
        d.setVar(name, value)
    assert pvbb.boards.loader(d) == loader
    d.setVar("PANTAVISOR_BOOTLOADER", loader)
    assert pvbb.boards.layout(d) == layout


def test_each_layout_is_a_file_of_the_layer() -> None:
    folder = Path(__file__).parents[2] / "meta-pantavisor/wic"
    for name in {*pvbb.boards.LAYOUTS.values(), "pantavisor-efi.wks", "pantavisor-boot.wks"}:
        assert "${PVROOT_STORAGE}" in (folder / name).read_text()


@pytest.mark.parametrize(("size", "made"), [("", None), (" ", None), (" 512 ", 512 * 2**20), ("0", 0)])
def test_a_size_may_have_blanks_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: str, made: Any
) -> None:
    jobs: list[dict[str, Any]] = []
    monkeypatch.setattr(pvbb.tool, "run", lambda d, verb, job: jobs.append(job))
    d = bb.data.init()
    words = {"PN": "disk", "B": str(tmp_path), "PVROOT_NAME": "disk", "PVROOT_SIZE": size,
             "PVROOT_MEMORY": "", "PVROOT_SBOM": "", "PVROOT_DEPLOY_DIR": str(tmp_path),
             "PVROOT_BSP": "bsp", "DEPLOY_DIR_IMAGE": str(tmp_path)}  # fmt: skip
    for name, value in words.items():
        d.setVar(name, value)
    pvbb.root.build_root(d)
    assert [job["size"] for job in jobs] == [made]
