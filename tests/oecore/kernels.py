# SPDX-License-Identifier: MIT
"""Kernels that openembedded-core's classes configure, from the distribution's source and with compilers of
this machine in place of those that would be built. Nothing is compiled.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import host
from checkouts import LAYER, MASK, PRODUCT, Build, Checkout
from sim import tools

RECIPES = PRODUCT.with_name("kernel")
SOURCES = Path("/usr/src")
# What make olddefconfig reads, a hundredth of the source.
CONFIGURING = (
    "*/Kconfig* */scripts/* */arch/*/Makefile* */arch/*/configs/* {top}/Makefile {top}/Kbuild {top}/COPYING"
)
KERNEL_TOOLS = "yocto-kernel-tools"
HOSTTOOLS = "bc bison flex m4"
CROSS = "gcc ld ld.bfd as ar nm objcopy objdump strip readelf"
# The distribution's compiler does not know each option that prefixes are mapped by.
LINES = f"""\
ASSUME_PROVIDED += "^virtual/.*(binutils|gcc|cc)$ ^(binutils|gcc)-cross make-mod-scripts"
DEBUG_PREFIX_MAP = ""
HOSTTOOLS += "{HOSTTOOLS}"
KERNEL_CLASSES:append = " pantavisor-kernel"
"""


@dataclass(frozen=True)
class Machine:
    """What its kernels start from, and the prefix of its compiler, of ours, and the package of that."""

    name: str
    defconfig: str
    prefix: str
    ours: str
    package: str


MACHINES = (
    Machine("qemux86-64", "x86_64_defconfig", "x86_64-oe-linux-", "", "gcc"),
    Machine("qemuarm64", "defconfig", "aarch64-oe-linux-", "aarch64-linux-gnu-", "gcc-aarch64-linux-gnu"),
    Machine("qemuarm", "multi_v7_defconfig", "arm-oe-linux-gnueabi-", "arm-linux-gnueabihf-",
            "gcc-arm-linux-gnueabihf"),
)  # fmt: skip


def source(root: Path) -> Path:
    """An archive of what configures the latest kernel of which this machine has the source."""
    found = sorted(SOURCES.glob("linux-source-*.tar.xz"), key=lambda path: path.stat().st_mtime)
    if not found:
        tools.miss(f"{SOURCES} has no source of a kernel: apt-get install linux-source")
    top = found[-1].name.removesuffix(".tar.xz")
    patterns = CONFIGURING.format(top=top).split()
    subprocess.run(["tar", "-C", root, "--wildcards", "-xf", found[-1], *patterns], check=True)
    archive = root / f"{top}.tar"
    subprocess.run(["tar", "-C", root, "-cf", archive, top], check=True)
    shutil.rmtree(root / top)
    return archive


def make(checkout: Checkout, machine: Machine, source: Path, root: Path, kernel: str, lines: str) -> Build:
    """A build in ``root`` whose kernel is the recipe ``kernel``."""
    host.need("pseudo")
    kernel_tools = checkout.folder / KERNEL_TOOLS
    if not kernel_tools.is_dir():
        tools.miss(f"{checkout.folder} has no checkout of {KERNEL_TOOLS}")
    programs = root / "programs"
    if not programs.exists():
        _programs(programs, machine, kernel_tools / "tools")
    series = source.stem.removeprefix("linux-source-")
    text = "".join([
        MASK, host.lines(), LINES, f'MACHINE = "{machine.name}"\nPATH:prepend = "{programs}:"\n',
        f'PREFERRED_PROVIDER_virtual/kernel = "{kernel}"\nKERNEL_DEFCONFIG = "{machine.defconfig}"\n',
        f'KERNEL_SERIES = "{series}"\nKERNEL_SOURCE = "{source}"\n', lines,
    ])  # fmt: skip
    return Build.make(checkout, root / "build", [LAYER, RECIPES], text)


def _programs(place: Path, machine: Machine, kernel_tools: Path) -> None:
    for name in HOSTTOOLS.split():
        tools.need(name, package=name)
    cross = {name: tools.need(f"{machine.ours}{name}", package=machine.package) for name in CROSS.split()}
    shutil.copytree(kernel_tools, place)
    for name, path in cross.items():
        (place / f"{machine.prefix}{name}").symlink_to(path)
