# SPDX-License-Identifier: MIT
"""Folders of others: the helper that follows no link, pools that settings name, trees of other users."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pantavisor import beneath
from pantavisor.errors import FormatError, LimitError, PantavisorError
from pantavisor.repo import Owners, Repository
from sim import tools
from sim.pvr_command import ENVIRONMENT, PvrCommand, write


@pytest.fixture
def pvr(capsys: pytest.CaptureFixture[str]) -> PvrCommand:
    return PvrCommand(capsys)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pvr: PvrCommand) -> Path:
    """A repository, an export of it, a card, and another user's home."""
    write(tmp_path / "home", {".bashrc": "rc"})
    pvr("init", str(tmp_path / "work"))
    monkeypatch.chdir(tmp_path / "work")
    write(tmp_path / "work", {"web/extra": "extra", "web/run.json": "{}"})
    for words in (["add"], ["commit"], ["export", "../more.tgz"], ["deploy", "../card/trails/0", "."]):
        pvr(*words)
    return tmp_path


def test_the_link_is_named(world: Path, pvr: PvrCommand) -> None:
    shutil.rmtree(world / "card/objects")
    (world / "card/objects").symlink_to(world / "home")
    said = pvr.both("deploy", "../card/trails/0", "../more.tgz", status=2)[1]
    assert (
        "card/objects is a symbolic link, where a directory is needed\n  hint: remove it" in said
        and "/proc/" not in said
    )
    (world / "work/.pvr/lock").unlink()
    (world / "work/.pvr/lock").symlink_to(world / "home/.bashrc")
    said = pvr.both("add", status=2)[1]
    assert "work/.pvr/lock is a symbolic link, where a file is needed" in said


@pytest.mark.parametrize(
    "content, why", [({"x": "x"}, "which holds x"), ({}, "which is empty"), (None, "does not exist")]
)
def test_settings_put_no_objects_where_no_pool_is(
    world: Path, pvr: PvrCommand, content: dict[str, str] | None, why: str
) -> None:
    if content is not None:
        (world / "cron.d").mkdir()
        write(world / "cron.d", content)
    write(world / "work", {".pvr/config": '{"ObjectsDir": "../cron.d"}'})
    said = pvr.both("import", "../more.tgz", status=2)[1]
    assert f"{why} and so is not a pool of objects\n  hint: use a directory named" in said
    assert (
        not (world / "cron.d").exists()
        if content is None
        else sorted(os.listdir(world / "cron.d")) == sorted(content)
    )


@pytest.mark.parametrize("objects", ["../objects", "../shared", "inside/deep"])
def test_a_pool_of_any_name_is_made_by_who_asks_for_it(world: Path, pvr: PvrCommand, objects: str) -> None:
    pvr("init", "../second", "--objects", objects)
    os.chdir("../second")
    for _ in range(2):
        pvr("import", "../more.tgz")
        pvr("checkout")
    assert Repository(Path(".")).status().is_clean


def test_a_pool_goes_on_by_its_content(world: Path, pvr: PvrCommand) -> None:
    """One that an older version or the published tool filled."""
    (world / "work/.pvr/objects").rename(world / "store")
    write(world / "work", {".pvr/config": '{"ObjectsDir": "../store"}'})
    pvr("import", "../more.tgz")


# Owners


def test_a_tree_of_another_user_is_not_used(
    world: Path, pvr: PvrCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools.need_root()
    os.chown(world / "work/.pvr", 4711, -1)
    for words in (["status"], ["commit"], ["sig", "ls"], ["app", "ls"], ["device", "ls"]):
        said = pvr.both(*words, status=2)[1]
        assert (
            f"{world}/work belongs to another user (4711)" in said
            and f"export PVR_SAFE_DIRECTORY={world}/work" in said
        )
    safe = "PVR_SAFE_DIRECTORY"
    for variable, value, status in (("SUDO_UID", "4711", 0), ("SUDO_UID", "4712", 2), (safe, "*", 0),
                                    (safe, f"/x:{world}/work", 0), (safe, "/x", 2)):  # fmt: skip
        monkeypatch.setenv(variable, value)
        pvr.both("status", status=status)
        monkeypatch.delenv(variable)
    pvr.both("inspect", ".")  # looking at it is always possible


@pytest.mark.parametrize("caller", ["", "-1", "x", "٣", "1000"])
def test_only_root_is_another_user_too(caller: str) -> None:
    assert Owners.of(5, {"SUDO_UID": caller}).users == {5}
    assert Owners.of(0, {"SUDO_UID": caller}).users == ({0, 1000} if caller == "1000" else {0})


# The helper


def test_folders_are_made_and_held(tmp_path: Path) -> None:
    mask = os.umask(0o077)
    try:
        with beneath.folder(tmp_path, "a/b", make=0o755) as place:
            (place / "f").write_text("f")
            (tmp_path / "a").rename(tmp_path / "moved")
            (tmp_path / "a").symlink_to("/")
            (place / "g").write_text("g")
    finally:
        os.umask(mask)
    assert sorted(os.listdir(tmp_path / "moved/b")) == ["f", "g"]
    assert (tmp_path / "moved/b").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "path", ["link", "link/x", "d/link", "d/link/x", "..", "d/..", "d/../d", "f", "f/x", "."]
)
def test_no_way_out(tmp_path: Path, path: str) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "f").touch()
    (tmp_path / "link").symlink_to("/tmp")
    (tmp_path / "d/link").symlink_to("..")
    for make in (None, 0o755):
        with pytest.raises(FormatError), beneath.folder(tmp_path, path, make=make):
            pass
    if path not in ("f",):
        with pytest.raises((FormatError, OSError)):
            beneath.open_file(tmp_path, path)
        assert not beneath.is_file(tmp_path, path)


def test_only_plain_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "f").write_text("12345")
    (tmp_path / "link").symlink_to("f")
    for name in ("pipe", "link", "."):
        for writing in (False, True):
            with pytest.raises((FormatError, IsADirectoryError)):
                beneath.open_file(tmp_path, name, write=writing)
    assert beneath.read(tmp_path, "f", limit=5) == b"12345"
    with pytest.raises(LimitError):
        beneath.read(tmp_path, "f", limit=4)
    with beneath.open_file(tmp_path, "f", write=True):
        pass
    assert (tmp_path / "f").read_text() == "12345"


def test_without_proc_it_is_reported(world: Path) -> None:
    tools.need("unshare", package="util-linux")
    tools.need_root()
    shell = 'mount --make-rprivate / && umount -l /proc && exec "$@"'
    words = ["unshare", "-m", "sh", "-c", shell, "sh", sys.executable, "-m", "pantavisor", "add"]
    done = subprocess.run(words, cwd=world / "work", env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("pvr: /proc is not mounted"), done.stderr


def test_errors_name_the_folder_and_no_descriptor_stays_open(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(FileNotFoundError) as caught, beneath.folder(tmp_path, "d") as place:
        open(place / "none")
    assert caught.value.filename == str(tmp_path / "d/none")
    with (
        pytest.raises(PantavisorError, match=f"{tmp_path}/d/x is bad"),
        beneath.folder(tmp_path, "d") as place,
    ):
        raise PantavisorError(f"{place}/x is bad")
    with pytest.raises(FileNotFoundError) as caught, beneath.folder(tmp_path, "d/none/deep"):
        pass
    assert caught.value.filename == str(tmp_path / "d/none")
    # by name: other tests' descriptors are closed whenever their garbage is collected
    open_files = [os.path.realpath(f"/proc/self/fd/{one}") for one in os.listdir("/proc/self/fd")]
    assert not [name for name in open_files if name.startswith(str(tmp_path.resolve()))]
