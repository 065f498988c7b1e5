# SPDX-License-Identifier: MIT
"""A device that is built with real openembedded-core and the tools of this machine, in place of native
recipes: a container from a registry on loopback, a board's files that come ready made, the disk image.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from checkouts import LAYER, PRODUCT, Build, Checkout
from demo_images import registry
from sim.registry import images

BOARD = PRODUCT.with_name("board")
MACHINE = "qemux86-64"
PARTS = ("app.pvrexport.tgz", f"pantavisor-bsp-{MACHINE}.pvrexport.tgz", f"device-{MACHINE}.img")
REPOSITORY = "app"
NATIVE = "python3 openssl squashfs-tools-ng dosfstools mtools e2fsprogs quilt patch-replacement pseudo"
TOOLS = (
    "mmd mcopy mformat mdir mtype mkfs.fat mkfs.vfat mke2fs mkfs.ext4 debugfs e2fsck dumpe2fs tune2fs"
    " openssl"
)
LINES = f"""\
ASSUME_PROVIDED += "{" ".join(f"{name}-native" for name in NATIVE.split())} virtual/fakeroot-native"
HOSTTOOLS += "{TOOLS}"
PVR_PYTHON = "{sys.executable}"
PREFERRED_PROVIDER_virtual/kernel = "board-files"
PVR_BSP_DEPENDS = "board-files:do_deploy"
PVROOT_BOOT_DEPENDS = "board-files:do_deploy"
# Not every release has the machine start by EFI.
PVS_BOOT_KEY = "${{PVS_KEY}}"
BB_NUMBER_THREADS = "2"
"""


@contextlib.contextmanager
def served(root: Path) -> Iterator[str]:
    """A registry with the container's image; lines for local.conf that name it."""
    files = {"etc/name": b"app\n", "bin/app": b"app\n"}
    made = images.image(files, form="docker", config={"Cmd": ["/bin/app"]})
    root.mkdir(parents=True, exist_ok=True)
    with registry.serve(root) as server:
        for digest, content in made.blobs.items():
            blob = root / "blob"
            blob.write_bytes(content)
            server.put_blob(REPOSITORY, blob, digest)
        server.put(REPOSITORY, "1", made.manifest, made.media_type)
        yield (
            f'PVR_REGISTRY_MIRRORS = "{registry.HOST}={server.host}"\n'
            f'PVR_DOCKER_REF:pn-app = "{registry.HOST}/{REPOSITORY}:1"\n'
            f'PVR_DOCKER_DIGEST:pn-app = "{made.digest}"\n'
            'BB_NO_NETWORK = "0"\n'
        )


def make(checkout: Checkout, directory: Path, keys: Path, lines: str) -> Build:
    """A build of it, whose keys are in ``keys``."""
    return Build.make(
        checkout, directory, [LAYER, PRODUCT, BOARD], f'{LINES}PVS_KEY_DIR = "{keys}"\n{lines}'
    )


def pvr(*words: object) -> subprocess.CompletedProcess[str]:
    """The command, with what it prints in ``stdout``."""
    return subprocess.run(
        [sys.executable, "-m", "pantavisor", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(LAYER / "lib")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def deployed(build: Build) -> list[Path]:
    """The container, the bsp and the image, where they are there. scarthgap's tmp has the name of the C
    library in its own.
    """
    return [path for name in PARTS for path in build.directory.glob(f"tmp*/deploy/images/{MACHINE}/{name}")]
