# SPDX-License-Identifier: MIT
"""PID 1 as one static program, and with musl: what the initramfs and the bsp are made of, with the recipes
of openembedded-core that they take. Nothing is built.
"""

from __future__ import annotations

from pathlib import Path

import host
import pytest
from checkouts import LAYER, Build, Checkout

# Folders of openembedded-core's recipes; others would have to be named here.
NEEDED = "gcc glibc libcap libseccomp linux musl zlib"
LIBRARIES = {"libcap", "libseccomp", "lxc", "mbedtls", "zlib"}
LINES = f"""\
{host.lines()}\
BBMASK += "/meta/recipes-[a-z]+/(?!({"|".join(NEEDED.split())})/)"
BBFILE_PATTERN_IGNORE_EMPTY_core = "1"
ASSUME_PROVIDED += "^virtual/x86_64 ^(binutils|gcc)-cross make-mod-scripts"
PTEST_ENABLED:forcevariable = "0"
# Which takes more of openembedded-core.
PANTAVISOR_INITRAMFS_FSCK = ""
TOOLCHAIN_TARGET_TASK = ""
TOOLCHAIN_HOST_TASK = ""
TOOLCHAIN_HOST_TASK_ESDK:forcevariable = ""
"""


@pytest.mark.parametrize(("libc", "static"), [("musl", "0"), ("glibc", "1"), ("musl", "1")])
def test_the_initramfs_and_the_bsp_resolve(
    checkout: Checkout, libc: str, static: str, tmp_path: Path
) -> None:
    lines = f'{LINES}TCLIBC = "{libc}"\nPANTAVISOR_STATIC = "{static}"\n'
    build = Build.make(checkout, tmp_path, [LAYER], lines)
    done = build.bitbake("-g", "pantavisor-initramfs", "pantavisor-bsp")
    assert done.returncode == 0 and "ERROR" not in done.stdout, done.stdout
    made = set((tmp_path / "pn-buildlist").read_text().split())
    ours = {"pantavisor", "pantavisor-config", "pantavisor-initramfs", "pantavisor-bsp"}
    assert ours | LIBRARIES | {"linux-yocto"} <= made
    # What the C library loads by name.
    assert ("libgcc" in made) == (libc == "glibc")
    words = build.values("pantavisor", "EXTRA_OEMESON")[0].split()
    assert f"-Dstatic={'true' if static == '1' else 'false'}" in words
