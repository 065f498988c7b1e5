# SPDX-License-Identifier: MIT
"""The 54 recipes of the published layer that inherit its classes, in shape: the names that they use, not
their text.
"""

from __future__ import annotations

HEAD = 'SUMMARY = "In shape"\nLICENSE = "CLOSED"\n'
PREBUILT = ("pv-alpine-connman pv-debian-nm pv-pvr-sdk pv-awconnect pv-pvwificonnect pv-tailscale pv-pvsm"
            " pv-connman").split()  # fmt: skip
EXAMPLES = 29
ROOTFS = ["pvwificonnect", "pv-avahi", "pv-perf", *(f"pv-example-{number}" for number in range(EXAMPLES))]
DOCKER = """\
inherit pvrexport
PVR_DOCKER_REF = "asac/alpine-dbus:latest"
PVCONT_NAME = "dbus"
SRC_URI = "file://args/pv-alpine-dbus.args.json"
PVR_APP_ADD_EXTRA_ARGS = "--volume /etc:permanent --volume ovl:/var:permanent --volume /run:boot"
"""
TARBALL = """\
inherit dockerarch pvrexport
SRC_URI = "https://gitlab.com/packages/${BPN}.${PV}.${DOCKER_ARCH}.tgz"
BB_STRICT_CHECKSUM = "0"
PVCONT_NAME = "os"
"""
IMAGE = """\
inherit image container-pvrexport
IMAGE_BASENAME = "${PN}"
IMAGE_FSTYPES = "pvrexportit"
IMAGE_INSTALL = "busybox"
PVRIMAGE_AUTO_MDEV = "0"
PVR_APP_ADD_EXTRA_ARGS += "--config=Entrypoint=/usr/bin/app"
do_fetch[noexec] = "0"
do_unpack[noexec] = "0"
do_deploy() {
    :
}
"""
GROUPED = 'PVR_APP_ADD_GROUP = "platform"\n'
IPAM = ("pv-device-ipam-a", "pv-device-ipam-b", "pv-device-ipam-c")


def recipes() -> dict[str, str]:
    """Name -> text."""
    found = {"pv-alpine-dbus": DOCKER, "pantavisor-default-skel": 'inherit pvrexport\nPVR_SRC_DIR = ""\n'}
    found.update(dict.fromkeys(PREBUILT, TARBALL))
    found.update({name: IMAGE + (GROUPED if at % 2 else "") for at, name in enumerate(ROOTFS)})
    found.update(dict.fromkeys(["published-bsp", "pantavisor-config-example", *IPAM], "inherit pvr-ca\n"))
    found.update(
        dict.fromkeys(
            ["pantavisor-remix", "pantavisor-starter"],
            'inherit image pvroot-image pantavisor-docs\nPVROOT_CONTAINERS_CORE ?= "pv-pvr-sdk"\n'
            'PVROOT_IMAGE_BSP ?= "core-image-minimal"\n',
        )
    )
    found["pantavisor-appengine"] = "inherit image pantavisor-docker\n"
    found.update(dict.fromkeys(["pvr-go", "pvwificonnect-app"], "inherit pvgo_mod\n"))
    found["published-initramfs"] = "inherit image pv-manifest-audit\n"
    found["published-runtime"] = "inherit pantacor-component-docs\n"
    return {name: HEAD + text for name, text in found.items()}
