# SPDX-License-Identifier: MIT
"""Recipes of the published layer, in shape: each is read, or skipped with what to write, and read once that
is written; the parse goes on.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import device
import pytest
from checkouts import LAYER, MASK, PRODUCT, Build, Checkout
from published import PREBUILT, ROOTFS, mended, recipes


@pytest.fixture
def product(tmp_path: Path) -> Path:
    made: Path = shutil.copytree(PRODUCT, tmp_path / "product")
    files = made / "recipes-app/app/files"
    (files / "args").mkdir()
    (files / "args/pv-alpine-dbus.args.json").write_text("{}")
    (files / "skeleton/bsp").mkdir(parents=True)
    (files / "skeleton/device.json").write_text('{"groups": [{"name": "os"}]}')
    (files / "skeleton/bsp/drivers.json").write_text("{}")
    return made


def write(product: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (product / f"recipes-app/app/{name}_1.0.bb").write_text(text)


def skipped(build: Build) -> dict[str, str]:
    """The recipes of the published layer that are skipped, with the reason."""
    done = build.run("bitbake-layers", "show-recipes")
    assert done.returncode == 0 and "ParseError" not in done.stdout, done.stdout
    found = re.findall(r"^(\S+):\n  \S+ +\S+ \(skipped: (.*)\)$", done.stdout, re.MULTILINE)
    return {name: reason for name, reason in found if name in recipes()}


def test_each_works_or_is_skipped_with_what_to_write(
    checkout: Checkout, tmp_path: Path, product: Path
) -> None:
    write(product, recipes())
    lines = MASK + 'PVS_DEVELOPMENT_KEYS = "1"\n'
    ours = skipped(Build.make(checkout, tmp_path / "build", [LAYER, product], lines))
    assert all("(hint: " in reason for reason in ours.values()), ours
    works = recipes().keys() - ours.keys()
    assert works == {"pv-alpine-dbus", *ROOTFS}
    assert all("has no checksum" in ours[name] for name in PREBUILT)
    print(f"{checkout.release}: {len(works)} of {len(recipes())} are read, {len(ours)} skipped")
    assert (len(recipes()), len(works)) == (54, 33)


def test_each_is_read_once_it_is_written_as_its_hints_say(
    checkout: Checkout, tmp_path: Path, product: Path
) -> None:
    write(product, {name: mended(text, "0" * 64) for name, text in recipes().items()})
    lines = MASK + 'PVS_DEVELOPMENT_KEYS = "1"\n'
    assert not skipped(Build.make(checkout, tmp_path / "build", [LAYER, product], lines))


def test_an_image_written_so_is_a_device_with_the_prebuilt_container(
    checkout: Checkout, tmp_path: Path, product: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    container = prebuilt(tmp_path)
    sha256 = hashlib.sha256(container.read_bytes()).hexdigest()
    names = ("pv-pvr-sdk", "published-bsp", "pantavisor-remix")
    write(product, {name: mended(recipes()[name], sha256) for name in names})
    assert device.pvr("keys", "generate", tmp_path / "keys").returncode == 0
    lines = f'{device.LINES}PVS_KEY_DIR = "{tmp_path}/keys"\n{MASK}'
    build = Build.make(checkout, tmp_path / "build", [LAYER, product, device.BOARD], lines)
    downloads = build.directory / "downloads"
    downloads.mkdir()
    shutil.copy(container, downloads / "pv-pvr-sdk.1.0.amd64.tgz")
    done = build.bitbake("pantavisor-remix")
    assert done.returncode == 0 and "ERROR" not in done.stdout, done.stdout
    (image,) = build.directory.glob("tmp*/deploy/images/*/pantavisor-remix-*.img")
    verified = device.pvr("verify", "--strict", "--trust", tmp_path / "keys/ca.crt", image)
    assert verified.returncode == 0, verified.stdout


def prebuilt(root: Path) -> Path:
    """A container, as its archive is published; the current directory becomes its repository."""
    (root / "files/sbin").mkdir(parents=True)
    (root / "files/sbin/init").write_text("init")
    (root / "files/sbin/init").chmod(0o755)
    archive = root / "os.tgz"
    add = ["app", "add", "os", "--type=rootfs", f"--from={root}/files"]
    for words in (["init"], add, ["add"], ["commit"], ["export", "--parts", "os", archive]):
        done = device.pvr(*words)
        assert done.returncode == 0, done.stdout
    return archive
