# SPDX-License-Identifier: MIT
"""The initramfs is the file, and comes by the task, that the bsp waits for; other modules make it again."""

from __future__ import annotations

from pathlib import Path

from checkouts import LAYER, MASK, Build, Checkout


def test_image_deploys_the_file_that_the_bsp_takes(checkout: Checkout, tmp_path: Path) -> None:
    build = Build.make(checkout, tmp_path, [LAYER], MASK + 'PVS_DEVELOPMENT_KEYS = "1"\n')
    link, types = build.values("pantavisor-initramfs", "IMAGE_LINK_NAME", "IMAGE_FSTYPES")
    file, tasks = build.values("pantavisor-bsp", "PVR_BSP_INITRAMFS", "PVR_BSP_DEPENDS")
    assert f"{link}.{types}" == file
    assert "pantavisor-initramfs:do_deploy" in tasks.split()


def test_its_hash_names_each_list_of_modules(checkout: Checkout, tmp_path: Path) -> None:
    build = Build.make(checkout, tmp_path, [LAYER], MASK + 'PVS_DEVELOPMENT_KEYS = "1"\n')
    words = ["bitbake-getvar", "-r", "pantavisor-initramfs", "--value", "-f", "vardeps", "do_image"]
    done = build.run(*words)
    names = {"PANTAVISOR_INITRAMFS_MODULES", "PANTAVISOR_INITRAMFS_MODULES_OPTIONAL"}
    # Glued to what openembedded-core appends in any order, one of them would change from parse to parse.
    assert names <= set(done.stdout.split()), done.stdout
