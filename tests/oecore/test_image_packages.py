# SPDX-License-Identifier: MIT
"""An ordinary image becomes a container where the configuration says so, and what openembedded-core lists
of it is in the device's bill of materials. Package, package manager and image are real; a compiler is not
needed.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import device
import host
import pytest
from checkouts import LAYER, MASK, PRODUCT, Build, Checkout
from pantavisor import export, squashfs
from pantavisor.objects import ObjectPool
from sim import tools

PACKAGES = PRODUCT.with_name("packages")
LINES = f"""\
PACKAGE_CLASSES = "package_deb"
# As distributions with systemd have it.
DISTRO_FEATURES:append = " usrmerge"
HOSTTOOLS += "{" ".join(host.APT)} {device.TOOLS}"
# What reads the dependencies of programs is built, and there are none.
SKIP_FILEDEPS = "1"
# No package is configured on the device, no library is looked for, and there is no module.
ROOTFS_BOOTSTRAP_INSTALL:forcevariable = ""
LDCONFIGDEPEND:forcevariable = ""
USE_DEPMOD = "0"
TOOLCHAIN_TARGET_TASK = ""
TOOLCHAIN_HOST_TASK = ""
TOOLCHAIN_HOST_TASK_ESDK:forcevariable = ""
IMAGE_CLASSES += "image-pvrexport"
IMAGE_FSTYPES:pn-greeter-image = "tar pvrexportit"
# Names that a distribution may give its images.
IMAGE_NAME:pn-greeter-image = "ours-7"
IMAGE_LINK_NAME:pn-greeter-image = "ours"
# pantavisor, which is in it otherwise, needs a compiler.
PACKAGE_INSTALL:pn-pantavisor-initramfs = "greeter"
PANTAVISOR_INITRAMFS_MODULES = ""
IMAGE_NAME:pn-pantavisor-initramfs = "initramfs-7"
IMAGE_LINK_NAME:pn-pantavisor-initramfs = "initramfs"
PVR_BSP_INITRAMFS = "initramfs.cpio.zst"
PREFERRED_PROVIDER_virtual/kernel = "board-files"
PVS_BOOT_KEY = "${{PVS_KEY}}"
PVR_BSP_DEPENDS = "board-files:do_deploy pantavisor-initramfs:do_deploy"
PVROOT_BOOT_DEPENDS = "board-files:do_deploy"
"""


@pytest.fixture(scope="module")
def build(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Build:
    host.need("pseudo", *host.APT)
    root = tmp_path_factory.mktemp(checkout.release)
    packages: Path = shutil.copytree(PACKAGES, root / "packages")
    lines = MASK + host.lines("apt-", "pseudo-", "fakeroot-") + LINES
    made = Build.make(checkout, root / "build", [LAYER, packages, device.BOARD], lines)
    made.bitbake("-p")  # makes keys, and warns of them
    return made


def deployed(build: Build, name: str) -> Path:
    (found,) = build.directory.glob(f"tmp*/deploy/images/{device.MACHINE}/{name}")
    return found


def test_an_ordinary_image_is_a_container_too(build: Build, tmp_path: Path) -> None:
    done = build.bitbake("greeter-image")
    assert done.returncode == 0 and "WARNING" not in done.stdout, done.stdout
    part = deployed(build, "greeter-image.pvrexport.tgz")
    pool = ObjectPool(tmp_path / "objects")
    state = export.read(part, pool)
    assert {"greeter-image/run.json", "_sigs/greeter-image.json"} <= set(state)
    tree = squashfs.read(pool.path(str(state["greeter-image/root.squashfs"])))
    home = tree.find("home/app")
    assert home is not None and (home.metadata.uid, home.metadata.gid) == (1000, 100)
    assert deployed(build, "ours.tar").exists()


def test_what_is_known_of_the_images_is_in_the_bill_of_the_device(build: Build) -> None:
    done = build.bitbake("greeter-device")
    assert done.returncode == 0 and "ERROR" not in done.stdout, done.stdout
    text = deployed(build, f"greeter-device-{device.MACHINE}.spdx.json").read_bytes()
    if build.checkout.release == "scarthgap":
        # Its create-spdx writes SPDX 2.2.
        assert b"openembedded" not in text
        return
    try:
        from spdx_python_model import v3_0_1
    except ImportError:
        tools.miss("the Python package spdx-python-model is not installed: run scripts/setup")
    found = v3_0_1.SHACLObjectSet()
    v3_0_1.JSONLDDeserializer().read(io.BytesIO(text), found)
    packages = list(found.foreach_type("software_Package"))
    assert ("greeter", "1.0") in {(item.name, item.software_packageVersion) for item in packages}
    relations = list(found.foreach_type("Relationship"))
    for part, image in {"greeter-image": "greeter-image", "bsp": "pantavisor-initramfs"}.items():
        # A container and its root file system have one name.
        (element,) = (item for item in packages if item._id.endswith(f"/part/{part}"))
        inside = {package.name for item in relations if item.from_ is element for package in item.to}
        assert image in inside, inside
