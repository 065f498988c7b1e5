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
SKELETON = """\
inherit pvrexport
SRC_URI = "file://skeleton"
PVR_SRC_DIR = "${WORKDIR}/skeleton"
"""
# A recipe is skipped with what to write; what is replaced, and by what is written.
MENDED = (
    ('BB_STRICT_CHECKSUM = "0"\n', 'SRC_URI[sha256sum] = "{sum}"\n'),
    (
        SKELETON,
        'inherit bsp-pvrexport\nSRC_URI = "file://skeleton"\nPVR_DEVICE_JSON = "skeleton/device.json"\n',
    ),
    ("inherit pvr-ca\n", "inherit bsp-pvrexport\n"),
    ("image pvroot-image pantavisor-docs", "pvroot-image"),
    ('PVROOT_IMAGE_BSP ?= "core-image-minimal"', 'PVROOT_BSP = "published-bsp"'),
    (" pantavisor-docker", ""),
    ("inherit pvgo_mod\n", 'inherit go-mod\nGO_IMPORT = "example.com/app"\n'),
    (" pv-manifest-audit", ""),
    ("inherit pantacor-component-docs\n", ""),
)
GROUPED = 'PVR_APP_ADD_GROUP = "platform"\n'
IPAM = ("pv-device-ipam-a", "pv-device-ipam-b", "pv-device-ipam-c")


def recipes() -> dict[str, str]:
    """Name -> text."""
    found = {"pv-alpine-dbus": DOCKER, "pantavisor-default-skel": SKELETON}
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


def mended(text: str, sha256: str) -> str:
    """A recipe as its hints say."""
    for before, after in MENDED:
        text = text.replace(before, after.format(sum=sha256))
    return text
