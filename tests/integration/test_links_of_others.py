# SPDX-License-Identifier: MIT
"""Folders of others: wherever a link lies in them, nothing outside of them is written, changed or removed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from pantavisor import cli, keys
from sim.chair import write
from sim.listing import Listing, of_directory

COMMANDS = (
    ["add"], ["commit"], ["checkout"], ["checkout", "--hardlink"], ["gc"], ["get", "../more.tgz"], ["merge", "../more.tgz"],
    ["import", "../more.tgz"], ["device", "group", "set", "app", "--timeout", "5"], ["app", "rm", "web"], ["dm-convert", "web"],
    ["sig", "--key", "../keys/key.pem", "--x5c", "../keys/x5c.pem", "up"], ["deploy", "../card/trails/0", "."],
    ["app", "add", "new", "--type", "rootfs", "--from", "../rootfs"], ["app", "install", "web"], ["export", "../out.tgz"],
)  # fmt: skip
IN_TREE = (".pvr", ".pvr/lock", ".pvr/json", ".pvr/config", ".pvr/new", ".pvr/gone", ".pvr/commitmsg", ".pvr/objects",
           "web", "web/run.json", "web/root.squashfs", "_config", "_config/web", "_sigs", "_sigs/web.json",
           "device.json")  # fmt: skip
ON_CARD = ("objects", "trails", "trails/0", "trails/locals", "trails/0/.pvr", "trails/0/web", "boot", "boot/uboot.txt",
           "boot/grubenv", "boot/grubenv2", "boot/grubtry",
           "config", "config/pantahub.config", "logs", "cache", "disks", "disks/perm")  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with everything in it, a card of two revisions, exports, and the home of another user."""
    top = tmp_path_factory.mktemp("made")
    keys.generate(top / "keys", common_name="test", algorithm="ES256", days=9)
    write(top, {"rootfs/sbin/init": "#!/bin/sh\n", "rootfs/etc/x": "x"})
    work = top / "work"
    before = os.getcwd()
    try:
        assert cli.main(["-q", "init", str(work)]) == 0
        os.chdir(work)
        write(work, {"_config/web/etc/x": "x", "old": "old"})
        signing = ["sig", "--key", "../keys/key.pem", "--x5c", "../keys/x5c.pem"]
        for words in (["device", "init"], ["app", "add", "web", "--type", "rootfs", "--from", "../rootfs"], ["add"], ["commit"],
                      [*signing, "add", "--part", "web"], ["export", "../more.tgz"]):  # fmt: skip
            assert cli.main(["-q", *words]) == 0, words
        (work / "old").unlink()
        write(work, {"web/extra": "extra"})
        for words in (["add"], ["commit"], ["deploy", "../card/trails/0", "."], ["deploy", "../card/trails/locals/x", "."]):
            assert cli.main(["-q", *words]) == 0, words
        write(work, {"web/extra": "changed", "staged": "staged"})
        assert cli.main(["-q", "add", "staged"]) == 0
        assert cli.main(["-q", "get", "../more.tgz#device.json"]) == 0
    finally:
        os.chdir(before)
    home = top / "home"
    scratch = [f"{prefix}12345678/f" for prefix in (".revision.", ".writing.", ".scratch.", ".making.")]
    tempting = [".x.part", "0/.pvr/json", ".pvr/json", "etc/x", "etc2/x", "run.json", "extra", "uboot.txt", "web/run.json"]
    write(home, {name: "mine" for name in (".bashrc", ".ssh/id", *scratch, *tempting)})
    (home / "pantahub.config").touch()
    home.chmod(0o700)
    return top


@pytest.fixture
def world(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "world")
    monkeypatch.chdir(tmp_path / "world/work")
    return tmp_path / "world"


def outside(world: Path) -> Listing:
    return of_directory(world / "home")


def plant(place: Path, home: Path) -> None:
    """A link out of the tree in place of a file or a folder."""
    is_folder = place.is_dir()
    if is_folder:
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(home if is_folder else home / ".bashrc")


def run(words: list[str]) -> int:
    return cli.main(["-q", *words])


@pytest.mark.parametrize("place", IN_TREE)
def test_no_command_follows_a_link_of_a_working_tree(world: Path, place: str) -> None:
    plant(world / "work" / place, world / "home")
    before = outside(world)
    for words in COMMANDS:
        assert run(words) in (0, 2), words
        assert outside(world) == before, words


@pytest.mark.parametrize("place", ON_CARD)
def test_no_deployment_follows_a_link_of_a_card(world: Path, place: str) -> None:
    plant(world / "card" / place, world / "home")
    before = outside(world)
    for revision in ("0", "1", "locals/x", "locals/new"):
        assert run(["deploy", f"../card/trails/{revision}", "../more.tgz"]) in (0, 2)
        assert outside(world) == before, revision


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_does_its_work_without_links(world: Path, words: list[str]) -> None:
    assert run(["merge", "../more.tgz"]) == run(["checkout"]) == 0
    assert run(words) == 0
