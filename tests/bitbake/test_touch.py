# SPDX-License-Identifier: MIT
"""Which tasks run again after which edit: those whose result it can change, and no other. Nothing is built:
the hashes of all tasks of a device are compared before and after each edit.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import CORE, PROJECT, Build
from pantavisor import keys

DIGESTS = [f"sha256:{letter * 64}" for letter in "abc"]
LAYER_CONF = """\
BBPATH .= ":${LAYERDIR}"
BBFILES += "${LAYERDIR}/*.bb"
BBFILE_COLLECTIONS += "touched"
BBFILE_PATTERN_touched = "^${LAYERDIR_RE}/"
LAYERSERIES_COMPAT_touched = "scarthgap wrynose"
"""
APP = """\
LICENSE = "MIT"
PVR_DOCKER_REF = "registry.test/{name}:1"
SRC_URI = "file://args.json file://config.json"
PVR_ARGS_JSON = "args.json"
PVR_CONFIG_JSON = "config.json"
inherit pvrexport
"""
PARTS = {
    "one": APP.format(name="one"),
    "two": APP.format(name="two"),
    "three": 'LICENSE = "MIT"\nPVR_ROOTFS = "${TOPDIR}/../rootfs"\ninherit pvrexport\n',
    "board": 'LICENSE = "MIT"\nPVR_BSP_KERNEL = "kernel"\nPVR_BSP_INITRAMFS = "initramfs"\n'
    'PVR_BSP_MODULES = ""\nPVR_BSP_DEPENDS = ""\ninherit bsp-pvrexport\n',
    "device": 'LICENSE = "MIT"\nPVROOT_CONTAINERS = "one two three"\nPVROOT_BSP = "board"\n'
    'PVROOT_BOOT_DEPENDS = ""\nIMAGE_BOOT_FILES = "grub"\ninherit pvroot-image\n',
}
DEVICE = {"device:do_pvroot", "device:do_deploy", "device:do_build"}


def part(*recipes: str) -> set[str]:
    """The tasks that make a part and what it goes into."""
    return DEVICE | {f"{recipe}:do_{task}" for recipe in recipes for task in ("pvrexport", "deploy")}


def source(recipe: str) -> set[str]:
    """Those, and all that come before a container is made."""
    before = ("fetch", "unpack", "patch", "prepare_recipe_sysroot", "configure")
    return part(recipe) | {f"{recipe}:do_{task}" for task in before}


ALL = part("one", "two", "three", "board")
# what firmware verifies is signed by the library, too
BY_LIBRARY = ALL | {"board:do_efi_sign"}


@dataclass
class Desk:
    """A device of two containers, and copies of all that is edited."""

    build: Build
    root: Path
    layer: Path
    hashes: dict[str, str] = field(default_factory=dict)

    def configure(self, *lines: str) -> None:
        usual = (
            f'BBMASK += "{self.layer}/recipes-"\nBBFILE_PATTERN_IGNORE_EMPTY_pantavisor = "1"\n'
            f'PVS_KEY_DIR = "{self.root}/keys"\nPVR_DOCKER_LOCK = "{self.root}/images.lock.json"\n'
            'BB_SERVER_TIMEOUT = "60"\n'
        )
        self.build.configure(usual + "\n".join(lines) + "\n")

    def lock(self, one: str) -> None:
        images = f'"registry.test/one:1": "{one}", "registry.test/two:1": "{DIGESTS[1]}"'
        (self.root / "images.lock.json").write_text(f'{{"images": {{{images}}}}}')

    def read(self) -> dict[str, str]:
        """recipe:task -> hash, of every task that the device has."""
        stamps = self.build.directory / "tmp/stamps"
        shutil.rmtree(stamps, ignore_errors=True)
        result = self.build.run("-S", "none", "device")
        assert result.status == 0 and "ERROR" not in result.output, result.output
        found = {}
        for path in stamps.rglob("*.sigdata.*"):
            match = re.fullmatch(r".*\.(do_\w+)\.sigdata\.([0-9a-f]+)", path.name)
            assert match
            found[f"{path.parent.name}:{match[1]}"] = match[2]
        assert {"one:do_pvrexport", *DEVICE} <= set(found), sorted(found)
        return found

    def changed(self) -> set[str]:
        """The tasks whose hash is another than before."""
        before, self.hashes = self.hashes, self.read()
        return {name for name in {*before, *self.hashes} if before.get(name) != self.hashes.get(name)}

    def append(self, path: Path, text: str) -> None:
        path.write_text(path.read_text() + text)

    def lead(self, link: Path, target: str) -> None:
        link.unlink()
        link.symlink_to(target)


@pytest.fixture(scope="module")
def desk(build: Build) -> Iterator[Desk]:
    root = build.directory.parent
    ignored = shutil.ignore_patterns("recipes-*", "docs", "fallback", "__pycache__")
    layer = shutil.copytree(PROJECT / "meta-pantavisor", root / "meta-pantavisor", ignore=ignored)
    keys.generate(root / "keys", common_name="Test")
    touched = root / "touched"
    (touched / "conf").mkdir(parents=True)
    (touched / "conf/layer.conf").write_text(LAYER_CONF)
    for name, text in PARTS.items():
        (touched / f"{name}.bb").write_text(text)
        (touched / name).mkdir()
        for side in ("args", "config"):
            (touched / name / f"{side}.json").write_text("{}")
    (root / "rootfs/sbin").mkdir(parents=True)
    (root / "rootfs/sbin/init").symlink_to("/bin/one")
    (build.directory / "conf/bblayers.conf").write_text(
        f'BBPATH = "${{TOPDIR}}"\nBBFILES ??= ""\nBBLAYERS = "{CORE} {layer} {touched}"\n'
    )
    desk = Desk(build, root, layer)
    desk.lock(DIGESTS[0])
    desk.configure()
    desk.hashes = desk.read()
    yield desk


Edit = Callable[[Desk], None]
EDITS: dict[str, tuple[Edit, set[str]]] = {
    "nothing": (lambda desk: None, set()),
    "a side file of one": (
        lambda desk: (desk.root / "touched/one/args.json").write_text('{"PV_GROUP": "root"}') and None,
        source("one"),
    ),
    "another file in a root file system outside of the build": (
        lambda desk: (desk.root / "rootfs/sbin/run").write_text("one") and None,
        part("three"),
    ),
    "the text of a file there": (
        lambda desk: (desk.root / "rootfs/sbin/run").write_text("another") and None,
        part("three"),
    ),
    "where a link there leads": (
        lambda desk: desk.lead(desk.root / "rootfs/sbin/init", "run"),
        part("three"),
    ),
    "the digest of one in the lock file": (lambda desk: desk.lock(DIGESTS[2]), source("one")),
    "the group of two": (lambda desk: desk.configure('PVR_GROUP:pn-two = "root"'), part("two")),
    "where images come from": (
        lambda desk: desk.configure(
            'PVR_GROUP:pn-two = "root"',
            'PVR_REGISTRY_MIRRORS = "registry.test=localhost:5000"',
            'PVR_DOCKER_AUTHFILE = "/nonexistent/auth.json"',
            'PVR_DOCKER_PIN = "require"',
        ),
        set(),
    ),
    "the size of the disk": (
        lambda desk: desk.configure('PVR_GROUP:pn-two = "root"', 'PVROOT_SIZE = "512"'),
        DEVICE,
    ),
    "a function of the library": (
        lambda desk: desk.append(desk.layer / "lib/pantavisor/digest.py", "\n# another\n"),
        BY_LIBRARY,
    ),
    "a private function of the tasks": (
        lambda desk: desk.append(desk.layer / "lib/pvbb/tasks.py", "\n\ndef _other() -> None:\n    pass\n"),
        BY_LIBRARY,
    ),
    "another file of the library": (
        lambda desk: (desk.layer / "lib/pantavisor/another.py").write_text("") and None,
        BY_LIBRARY,
    ),
    "its text": (
        lambda desk: desk.append(desk.layer / "lib/pantavisor/another.py", "# text\n"),
        BY_LIBRARY,
    ),
    "the fetcher, whose results are checked by digest": (
        lambda desk: desk.append(desk.layer / "lib/pvbb/fetcher.py", "\n# another\n"),
        set(),
    ),
    "the certificate": (lambda desk: desk.append(desk.root / "keys/x5c.pem", "\n"), ALL),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_runs_again_what_it_can_change(desk: Desk, name: str) -> None:
    edit, expected = EDITS[name]
    edit(desk)
    assert desk.changed() == expected
