# SPDX-License-Identifier: MIT
"""Which steps of ours run again after which edit, with the signatures of openembedded-core's own handler.
Nothing is built: tests/bitbake/test_touch.py has further edits.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import device
import pytest
from checkouts import LAYER, MASK, PRODUCT, Build, Checkout

USUAL = 'PVR_DOCKER_REF:pn-app = "registry.test/app:1"\nPVR_DOCKER_DIGEST:pn-app = "sha256:{digest}"\n'
APP = {"app:do_pvrexport", "app:do_deploy"}
BSP = {"pantavisor-bsp:do_pvrexport", "pantavisor-bsp:do_deploy"}
DEVICE = {"device:do_pvroot", "device:do_deploy"}
SOURCE = {"app:do_fetch", "app:do_unpack", *APP}
OURS = SOURCE | BSP | DEVICE


@dataclass
class Desk:
    """A device with its layer and its keys, all of which may be edited."""

    checkout: Checkout
    root: Path
    hashes: dict[str, str] = field(default_factory=dict)

    def configure(self, *lines: str, digest: str = "a" * 64) -> Build:
        text = "".join([MASK, USUAL.format(digest=digest), *(f"{line}\n" for line in lines)])
        text += f'{device.LINES}PVS_KEY_DIR = "{self.root}/keys"\n'
        layers = [self.root / name for name in ("meta-pantavisor", "product")]
        return Build.make(self.checkout, self.root / "build", [*layers, device.BOARD], text)

    def append(self, file: str, text: str) -> None:
        path = self.root / file
        path.write_text(path.read_text() + text)

    def changed(self) -> set[str]:
        """The steps whose hash is another than before."""
        before, self.hashes = self.hashes, self._read()
        return {name for name in OURS if before.get(name) != self.hashes[name]}

    def _read(self) -> dict[str, str]:
        build = self.root / "build"
        for stamps in build.glob("tmp*/stamps"):
            shutil.rmtree(stamps)
        done = Build(self.checkout, build).bitbake("-S", "none", "device")
        assert done.returncode == 0 and "ERROR" not in done.stdout, done.stdout
        names = [(path.parent.name, path.name) for path in build.glob("tmp*/stamps/*/*/*.sigdata.*")]
        found = {}
        for recipe, name in names:
            match = re.fullmatch(r".*\.(do_\w+)(\..+)?\.sigdata\.([0-9a-f]+)", name)
            assert match, name
            found[f"{recipe}:{match[1]}"] = match[3]
        return found


@pytest.fixture(scope="module")
def desk(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    root = tmp_path_factory.mktemp(checkout.release)
    shutil.copytree(LAYER, root / "meta-pantavisor", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PRODUCT, root / "product")
    assert device.pvr("keys", "generate", root / "keys").returncode == 0
    desk = Desk(checkout, root)
    desk.configure()
    assert desk.changed() == OURS
    yield desk
    shutil.rmtree(root, ignore_errors=True)


GROUP = 'PVR_GROUP:pn-app = "root"'
EDITS: dict[str, tuple[Callable[[Desk], object], set[str]]] = {
    "nothing": (lambda desk: None, set()),
    "the digest of an image": (lambda desk: desk.configure(digest="b" * 64), SOURCE | DEVICE),
    "the group of a container": (lambda desk: desk.configure(GROUP, digest="b" * 64), APP | DEVICE),
    "where things are": (
        lambda desk: desk.configure(
            GROUP,
            'PVR_REGISTRY_MIRRORS = "registry.test=localhost:5000"',
            'PVR_CACHE_DIR = "${TOPDIR}/another-cache"',
            digest="b" * 64,
        ),
        set(),
    ),
    "the size of the disk": (
        lambda desk: desk.configure(GROUP, 'PVROOT_SIZE = "512"', digest="b" * 64),
        DEVICE,
    ),
    "the library": (
        lambda desk: desk.append("meta-pantavisor/lib/pantavisor/digest.py", "\n# another\n"),
        APP | BSP | DEVICE,
    ),
    "the certificate": (lambda desk: desk.append("keys/x5c.pem", "\n"), APP | BSP | DEVICE),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_runs_again_what_it_can_change(desk: Desk, name: str) -> None:
    edit, expected = EDITS[name]
    edit(desk)
    assert desk.changed() == expected
