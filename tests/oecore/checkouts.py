# SPDX-License-Identifier: MIT
"""Builds with real openembedded-core, from checkouts that OECORE_DIR names, one folder a release:

$OECORE_DIR/scarthgap/openembedded-core   with bitbake of its series beside it, and as wanted
$OECORE_DIR/scarthgap/bitbake             meta-openembedded and meta-virtualization
$OECORE_DIR/wrynose/...
$OECORE_DIR/master/...
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

PROJECT = Path(__file__).resolve().parents[2]
LAYER = PROJECT / "meta-pantavisor"
PRODUCT = Path(__file__).resolve().parent / "layer"
RELEASES = ("scarthgap", "wrynose", "master")
NEEDED = ("openembedded-core", "bitbake")
LOCALE = "en_US.UTF-8"
LOCAL_CONF = """\
MACHINE ??= "qemux86-64"
CONF_VERSION = "2"
DL_DIR = "${TOPDIR}/downloads"
SSTATE_DIR = "${TOPDIR}/sstate-cache"
INHERIT:remove = "uninative"
CONNECTIVITY_CHECK_URIS = ""
BB_NO_NETWORK = "1"
BB_HASHSERVE = ""
BB_SIGNATURE_HANDLER = "OEBasicHash"
BB_SERVER_TIMEOUT = "0"
BB_NUMBER_PARSE_THREADS = "2"
"""
# Leaves configuration and classes, and parses in seconds.
MASK = 'BBMASK += "/meta/recipes-"\nBBFILE_PATTERN_IGNORE_EMPTY_core = "1"\n'


@dataclass(frozen=True)
class Checkout:
    """One release."""

    release: str
    folder: Path

    def layer(self, name: str) -> Path:
        """A folder of the checkouts; of openembedded-core, the layer in it."""
        return self.folder / (f"{name}/meta" if name == "openembedded-core" else name)


@dataclass(frozen=True)
class Build:
    """A build directory of one release."""

    checkout: Checkout
    directory: Path

    @classmethod
    def make(cls, checkout: Checkout, directory: Path, layers: Iterable[Path], lines: str = "") -> Build:
        """In a directory that is there, what was parsed stays usable."""
        conf = directory / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        every = " ".join(map(str, [checkout.layer("openembedded-core"), *layers]))
        _write(conf / "bblayers.conf", f'BBPATH = "${{TOPDIR}}"\nBBFILES ?= ""\nBBLAYERS = "{every}"\n')
        _write(conf / "local.conf", LOCAL_CONF + lines)
        # In place of openembedded-core's, which refuses root.
        _write(conf / "sanity.conf", "")
        return cls(checkout, directory)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command of bitbake's or openembedded-core's, with what it prints in ``stdout``."""
        path = f"{self.checkout.folder}/openembedded-core/scripts:{self.checkout.folder}/bitbake/bin"
        environment = {
            "PATH": f"{path}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(self.directory),
            "BUILDDIR": str(self.directory),
            "BBPATH": str(self.directory),
            "LC_ALL": LOCALE,
            "TERM": "dumb",
        }
        return subprocess.run(
            command,
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def bitbake(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("bitbake", *words)

    def values(self, recipe: str, *names: str) -> list[str]:
        """Variables as a recipe has them."""
        found = [self.run("bitbake-getvar", "-r", recipe, "--value", name) for name in names]
        return [each.stdout.strip().splitlines()[-1] if each.stdout.strip() else "" for each in found]


def find(release: str) -> Optional[Checkout]:
    """The checkout of a release, where OECORE_DIR has it."""
    place = os.environ.get("OECORE_DIR")
    if not place:
        return None
    folder = Path(place).resolve() / release
    return Checkout(release, folder) if all((folder / name).is_dir() for name in NEEDED) else None


def why_missing(release: str) -> str:
    """What to do where there is none."""
    return (
        f"no checkout of {release}: set OECORE_DIR to a folder with {release}/openembedded-core "
        f"and {release}/bitbake"
    )


def _write(path: Path, text: str) -> None:
    """A file whose time stays where nothing changes: BitBake would parse again."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
