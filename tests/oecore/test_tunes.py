# SPDX-License-Identifier: MIT
"""Which images run on 32-bit ARM: for each tune of openembedded-core and of BSP layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from checkouts import Checkout
from pantavisor.errors import FormatError
from sim import bitbake_library

bitbake_library.need()

import bb.data  # noqa: E402
import bb.parse  # noqa: E402
import pvbb.recipe  # noqa: E402

# As bitbake.conf has them.
USUAL = {
    "TUNE_FEATURES": "${TUNE_FEATURES:tune-${DEFAULTTUNE}}",
    "PACKAGE_EXTRA_ARCHS": "${PACKAGE_EXTRA_ARCHS:tune-${DEFAULTTUNE}}",
    "TARGET_ARCH": "${TUNE_ARCH}",
    "TARGET_OS": "linux",
    "MACHINEOVERRIDES": "",
    "OVERRIDES": "${TARGET_OS}:${TARGET_ARCH}",
}
BSP_LAYERS = ("meta-raspberrypi", "meta-freescale", "meta-st-stm32mp")
# By the directory of the processor's file, which BSP layers have none of.
VERSIONS = {"armv4": None, "armv5": "linux/arm/v5", "armv6": "linux/arm/v6", "include": "linux/arm/v6"}
FEWEST = 40


def tunes(checkout: Checkout) -> Iterator[tuple[str, Any]]:
    """The directory and the data of each tune that is named after a processor on which Linux can run."""
    core = checkout.layer("openembedded-core")
    roots = [core, *(path for name in BSP_LAYERS if (path := checkout.folder / name).is_dir())]
    files = {
        path.name: path for root in roots for path in root.glob("conf/machine/include/**/tune-arm*.inc")
    }
    for root in roots:
        files |= {path.name: path for path in root.glob("conf/machine/include/arm/armv[4-9]*a/tune-*.inc")}
    for path in files.values():
        d = parsed(core, path)
        processor = path.stem.partition("-")[2].replace("-", "")
        for name in d.getVar("AVAILTUNES").split():
            if name.startswith(processor):
                made = bb.data.createCopy(d)
                made.setVar("DEFAULTTUNE", name)
                yield path.parent.name, made


def parsed(core: Path, tune: Path) -> Any:
    d = bb.data.init()
    d.setVar("BBPATH", str(core))
    for name, value in USUAL.items():
        d.setVar(name, value)
    return bb.parse.handle(str(tune), d, True)


def test_each_processor_has_the_platform_of_its_images(checkout: Checkout) -> None:
    seen = 0
    for directory, d in tunes(checkout):
        seen += 1
        architecture, tune = d.getVar("TARGET_ARCH"), d.getVar("DEFAULTTUNE")
        if architecture in ("armeb", "aarch64_be"):
            expected = None
        elif architecture == "aarch64":
            expected = "linux/arm64"
        else:
            expected = VERSIONS.get(directory, "linux/arm/v7")
        try:
            found: Optional[str] = str(pvbb.recipe._platform(d))
        except FormatError as error:
            assert error.hint is not None and "PVR_DOCKER_PLATFORM" in error.hint
            found = None
        assert found == expected, (directory, tune, found)
    assert seen >= FEWEST
