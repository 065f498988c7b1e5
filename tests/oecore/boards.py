# SPDX-License-Identifier: MIT
"""Devices whose disks wic lays out, for machines of openembedded-core and of BSP layers: as the files of
kas/machine configure them, with a kernel and firmware of a few bytes and the tools of this machine.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import device
import host
import pytest
import yaml
from checkouts import LAYER, MASK, PROJECT, Build, Checkout, find, why_missing
from sim import tools

NAME = "disk"
KAS = PROJECT / "kas/machine"
# Those of the BSP layers are built on scarthgap, for which all of them have a branch.
MACHINES = {"scarthgap": sorted(path.stem for path in KAS.glob("*.yml")),
            "wrynose": ["qemuarm64", "qemux86-64"], "master": ["qemuarm64", "qemux86-64"]}  # fmt: skip
# What wic and its classes run, that other tests here do not.
TOOLS = "bmaptool df dosfslabel fsck.vfat mkdosfs mkenvimage mkimage parted sfdisk sgdisk"
# Neither programs nor the images and boot loaders that BSP layers want to have built too are read.
PROVIDED = ".*-native$ virtual/fakeroot-native ^virtual/.*binutils$ syslinux uuu-bin ^gdb-cross-"
PROVIDERS = ("virtual/bootloader", "u-boot", "virtual/trusted-firmware-a", "virtual-optee-os")
LAYERS = ("freescale-layer", "meta-python", "openembedded-layer", "raspberrypi", "stm-st-stm32mp")
LINES = f"""\
ASSUME_PROVIDED += "{PROVIDED}"
HOSTTOOLS += "{device.TOOLS} {TOOLS}"
BBMASK += "/meta-(raspberrypi|freescale|st-stm32mp|openembedded/[a-z-]+)/(recipes-|dynamic-layers/)"
PREFERRED_PROVIDER_virtual/kernel:forcevariable = "board-files"
PVR_BSP_DEPENDS = "board-files:do_deploy"
# There is no GRUB to take modules from. What else a board boots comes by the tasks of its BSP layer.
PVROOT_BOOT_DEPENDS:x86-64 = "board-files:do_deploy"
PVS_BOOT_KEY = "${{PVS_KEY}}"
"""


@dataclass(frozen=True)
class Board:
    """One machine of one release, with its build directory."""

    build: Build
    machine: str
    keys: Path

    def run(self, *words: str) -> str:
        done = self.build.bitbake(*words)
        assert done.returncode == 0, done.stdout
        assert "WARNING" not in done.stdout and "ERROR" not in done.stdout, done.stdout
        return done.stdout

    @property
    def image(self) -> Path:
        return self.deployed(f"{NAME}-{self.machine}.rootfs.wic")

    @property
    def storage(self) -> Path:
        (found,) = self.build.directory.glob(f"tmp*/work/*/{NAME}/*/build/{NAME}-{self.machine}.ext4")
        return found

    def deployed(self, name: str) -> Path:
        (found,) = self.build.directory.glob(f"tmp*/deploy/images/{self.machine}/{name}")
        return found

    def ran(self, task: str) -> list[Path]:
        """Logs of a task, of all recipes, since what was built was last forgotten."""
        return list(self.build.directory.glob(f"tmp*/work/*/*/*/temp/log.{task}"))

    def forget(self) -> None:
        """Everything but downloads and shared state."""
        for path in self.build.directory.glob("tmp*"):
            shutil.rmtree(path)


def make(checkout: Checkout, machine: str, root: Path, lines: str = "") -> Board:
    """A build for ``machine`` in ``root``, whose keys are next to it, made at the first call."""
    host.need("pseudo")
    for name in TOOLS.split():
        tools.need(name, package="bmap-tools dosfstools gdisk mtools parted u-boot-tools")
    keys = root.parent / "keys"
    if not keys.exists():
        assert device.pvr("keys", "generate", keys).returncode == 0
    kas = yaml.safe_load((KAS / f"{machine}.yml").read_text())
    text = "".join([
        MASK, LINES, host.LIBRARY, host.FAKEROOT, _wic(checkout, root),
        *(f'BBFILE_PATTERN_IGNORE_EMPTY_{name} = "1"\n' for name in LAYERS),
        *(f'PREFERRED_PROVIDER_{name}:forcevariable = "board-firmware"\n' for name in PROVIDERS),
        f'PVS_KEY_DIR = "{keys}"\nMACHINE = "{machine}"\n',
        *kas.get("local_conf_header", {}).values(), lines,
    ])  # fmt: skip
    layers = [LAYER, device.BOARD, *_layers(checkout, kas.get("repos", {}))]
    return Board(Build.make(checkout, root, layers, text), machine, keys)


def _layers(checkout: Checkout, repos: Mapping[str, Any]) -> Sequence[Path]:
    return [
        checkout.folder / name / layer
        for name, repo in repos.items()
        for layer in repo.get("layers", {".": None})
    ]


def _wic(checkout: Checkout, root: Path) -> str:
    """scarthgap has wic in its scripts; later releases build one from a repository of its own, in whose
    place scarthgap's is called.
    """
    if (checkout.folder / "openembedded-core/scripts/wic").exists():
        return ""
    scarthgap = find("scarthgap")
    if scarthgap is None:
        pytest.skip(f"{checkout.release} has no wic of its own, and {why_missing('scarthgap')}")
    program = root / "programs/wic"
    program.parent.mkdir(parents=True, exist_ok=True)
    wic = scarthgap.folder / "openembedded-core/scripts/wic"
    program.write_text(f'#!/bin/sh\nexec python3 {shlex.quote(str(wic))} "$@"\n')
    program.chmod(0o755)
    return f'PATH:prepend = "{program.parent}:"\n'


def attempted(printed: str) -> tuple[int, int]:
    """How many tasks there were, and how many of them were not run again."""
    found = re.search(r"Attempted (\d+) tasks of which (\d+) didn't need to be rerun", printed)
    assert found, printed
    return int(found[1]), int(found[2])
