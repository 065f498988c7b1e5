# SPDX-License-Identifier: MIT
"""Folders of others: wherever a link lies in them, nothing outside is written, changed or removed."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pantavisor import cli, keys, repo
from pantavisor.app import worktree
from pantavisor.errors import PantavisorError
from pantavisor.repo import Repository
from sim.listing import Listing, of_directory
from sim.pvr_command import write

COMMANDS = (
    ["add"], ["commit"], ["checkout"], ["checkout", "--hardlink"], ["gc"], ["get", "../more.tgz"],
    ["merge", "../more.tgz"], ["import", "../more.tgz"],
    ["device", "group", "set", "app", "--timeout", "5"], ["app", "rm", "web"], ["dm-convert", "web"],
    ["sig", "--key", "../keys/key.pem", "--x5c", "../keys/x5c.pem", "up"],
    ["deploy", "../card/trails/0", "."], ["app", "add", "new", "--type", "rootfs", "--from", "../rootfs"],
    ["app", "install", "web"], ["export", "../out.tgz"],
)  # fmt: skip
# They change nothing.
READING = (
    ["status"], ["diff"], ["app", "ls"], ["app", "info", "web"], ["device", "ls"], ["sig", "ls"],
    ["verify", "."], ["inspect", "."], ["app", "update", "web", "--force"], ["json"],
)  # fmt: skip
SECONDS = 10
IN_TREE = (".pvr", ".pvr/lock", ".pvr/json", ".pvr/config", ".pvr/new", ".pvr/gone", ".pvr/commitmsg",
           ".pvr/objects", "web", "web/run.json", "web/root.squashfs", "_config", "_config/web", "_sigs",
           "_sigs/web.json", "device.json")  # fmt: skip
ON_CARD = ("objects", "trails", "trails/0", "trails/locals", "trails/0/.pvr", "trails/0/web", "boot",
           "boot/uboot.txt", "boot/grubenv", "boot/grubenv2", "boot/grubtry",
           "config", "config/pantahub.config", "logs", "cache", "disks", "disks/perm")  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with everything in it, a card of two revisions, exports, another user's home."""
    top = tmp_path_factory.mktemp("made")
    keys.generate(top / "keys", common_name="test", algorithm="ES256", days=9)
    write(top, {"rootfs/sbin/init": "init\n", "rootfs/etc/x": "x"})
    (top / "rootfs/sbin/init").chmod(0o755)
    work = top / "work"
    before = os.getcwd()
    try:
        assert cli.main(["-q", "init", str(work)]) == 0
        os.chdir(work)
        write(work, {"_config/web/etc/x": "x", "old": "old"})
        signing = ["sig", "--key", "../keys/key.pem", "--x5c", "../keys/x5c.pem"]
        for words in (["device", "init"], ["app", "add", "web", "--type", "rootfs", "--from", "../rootfs"],
                      ["add"], ["commit"], [*signing, "add", "--part", "web"],
                      ["export", "../more.tgz"]):  # fmt: skip
            assert cli.main(["-q", *words]) == 0, words
        (work / "old").unlink()
        write(work, {"web/extra": "extra"})
        for words in (
            ["add"],
            ["commit"],
            ["deploy", "../card/trails/0", "."],
            ["deploy", "../card/trails/locals/x", "."],
        ):
            assert cli.main(["-q", *words]) == 0, words
        write(work, {"web/extra": "changed", "staged": "staged"})
        assert cli.main(["-q", "add", "staged"]) == 0
        assert cli.main(["-q", "get", "../more.tgz#device.json"]) == 0
    finally:
        os.chdir(before)
    home = top / "home"
    scratch = [f"{prefix}12345678/f" for prefix in (".revision.", ".writing.", ".scratch.", ".making.")]
    tempting = [".x.part", "0/.pvr/json", ".pvr/json", "etc/x", "etc2/x", "run.json", "extra", "uboot.txt",
                "web/run.json", "root.squashfs", "src.json"]  # fmt: skip
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


class Waits(BaseException):
    """A command that waits for what will not come."""


def run(words: list[str]) -> int:
    def give_up(*_: object) -> None:
        raise Waits

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    try:
        return cli.main(["-q", *words])
    finally:
        signal.alarm(0)


@pytest.mark.parametrize("place", IN_TREE)
def test_no_command_follows_a_link_of_a_working_tree(world: Path, place: str) -> None:
    plant(world / "work" / place, world / "home")
    before = outside(world)
    for words in COMMANDS:
        assert run(words) in (0, 2), words
        assert outside(world) == before, words
    # Nor is anything read: what is in a pool gets into exports.
    assert not list(world.rglob(hashlib.sha256(b"mine").hexdigest()))


@pytest.mark.parametrize(
    "place", [place for place in IN_TREE if "." in place or place in ("old", "web", "_sigs")]
)
def test_no_command_waits_for_a_pipe_of_a_working_tree(world: Path, place: str) -> None:
    """Nothing writes into it: what opens it as a file is, waits for ever."""
    target = world / "work" / place
    if target.is_dir():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    os.mkfifo(target)
    for words in (*COMMANDS, *READING):
        assert run(words) in (0, 2), words


_opened: list[str] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str):
        folder, name = os.path.split(arguments[0])
        follows = not arguments[2] & os.O_NOFOLLOW
        _opened.append(
            os.path.realpath(arguments[0]) if follows else os.path.join(os.path.realpath(folder), name)
        )


sys.addaudithook(_watch)


@pytest.mark.parametrize("read", [
    lambda repository: worktree.root(repository, "web"),
    lambda repository: worktree.source(repository, "web"),
    lambda repository: worktree.verity_manifests(repository, "web"),
    lambda repository: worktree.volumes(repository, "web", repository.pool),
    repo.read_device,
    lambda repository: repo.edit_device(repository, lambda device: device),
])  # fmt: skip
@pytest.mark.parametrize("place", [
    "web", "web/root.squashfs", "web/src.json", "web/run.json", "web/_dm/root.squashfs.json", "device.json",
    "groups.json",
])  # fmt: skip
def test_nothing_is_read_through_a_link_of_a_working_tree(
    world: Path, place: str, read: Callable[[Repository], object]
) -> None:
    """What is read gets into a state, and what is put into a pool into exports."""
    write(world / "home", {"x.json": "{}", "root.squashfs": "mine", "src.json": "{}"})
    (world / "work/device.json").rename(world / "work/groups.json") if place == "groups.json" else None
    plant(world / "work" / place, world / "home")
    repository = Repository(world / "work")
    _opened.clear()
    with suppress(PantavisorError):
        read(repository)
    assert not [path for path in _opened if path.startswith(f"{world}/home/")]
    assert not list((world / "work/.pvr/objects").glob(hashlib.sha256(b"mine").hexdigest()))


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
