# SPDX-License-Identifier: MIT
"""A whole device made twice has the same bytes, for any user, at any place and time; and holds no key."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

import pytest
from pantavisor import squashfs
from pantavisor.layers import Directory, File, Metadata, Tree
from sim import built, leaks, tools

LIBRARY = Path(__file__).resolve().parents[2] / "meta-pantavisor/lib"
META = Metadata(0o755, 0, 0, built.EPOCH)
OUTPUTS = ("bsp.tgz", "device.img", "device.img.bmap", "safe.tgz", "web.tgz")
PLAIN = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONPATH": str(LIBRARY),
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True)
class World:
    """How a build is run: ``prefix`` words before the command, more variables, mask, user, place."""

    name: str
    prefix: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    umask: int = 0o022
    user: Optional[int] = None
    place: str = "/tmp"
    touched: float = 1_650_000_000

    def __str__(self) -> str:
        return self.name

    def words(self) -> tuple[str, ...]:
        """Before a command."""
        return (*(tools.nobody() if self.user is not None else ()), *self.prefix)


# Another day, and not other times in the status of every file that a tool just gave its time.
CLOCK_ONLY = {"NO_FAKE_STAT": "1"}
# What the programs that write archives and file systems read besides their words.
FOREIGN = {
    "SOURCE_DATE_EPOCH": "1", "GZIP": "-1", "ZSTD_CLEVEL": "1", "XZ_OPT": "-0", "TAR_OPTIONS": "--owner=7",
    "MKE2FS_CONFIG": "/nowhere", "MKE2FS_DEVICE_SECTSIZE": "2048", "MKE2FS_FIRST_META_BG": "1",
    "E2FSPROGS_FAKE_TIME": "1", "E2FSPROGS_UNDO_DIR": "/dev/shm", "E2FSCK_CONFIG": "/nowhere",
    "E2FSCK_TIME": "1", "DEBUGFS_PAGER": "false", "MTOOLSRC": "/nowhere", "MTOOLS_NO_VFAT": "1",
    "MTOOLS_LOWER_CASE": "1", "MTOOLS_NAME_NUMERIC_TAIL": "0", "MTOOLS_FAT_COMPATIBILITY": "1",
    "MTOOLS_TWENTY_FOUR_HOUR_CLOCK": "0", "POSIXLY_CORRECT": "1",
}  # fmt: skip
PLAINLY = World("plainly")
WORLDS = [
    World("by another user", user=tools.NOBODY),
    World("on one processor", ("taskset", "-c", "0")),
    World("on another file system", place="/dev/shm"),
    World("for me alone", umask=0o077),
    World("for everyone", umask=0),
    World("in Kathmandu", environment={"TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "LANG": "de_DE.UTF-8"}),
    World("in the future", ("faketime", "2037-08-09 10:11:12"), CLOCK_ONLY),
    World("in the past", ("faketime", "1999-12-31 23:59:59"), CLOCK_ONLY),
    World("from files of today", touched=0),
    World("with another hash seed", environment={"PYTHONHASHSEED": "4711"}),
    World("by foreign variables", environment=FOREIGN),
]


@dataclass(frozen=True)
class Desk:
    """The sources of a device, for all users to read."""

    given: Path

    def make(self, world: World, *, epoch: Optional[int]) -> Iterator[tuple[str, Path]]:
        """Name and path of each output of a build in ``world``, whose folder is there for as long."""
        with tempfile.TemporaryDirectory(
            prefix=f"made {world.name.replace(' ', '-')} ", dir=world.place
        ) as name:
            folder = Path(name)
            shutil.copytree(self.given, folder / "given")
            (folder / "made").mkdir()
            for path in (folder, *folder.rglob("*")):
                if world.user is not None:
                    os.chown(path, world.user, world.user)
                if world.touched:
                    os.utime(path, (world.touched, world.touched))
            for number, job in enumerate(built.all_jobs(folder / "given", folder / "made", epoch=epoch)):
                document = folder / f"{number}.json"
                document.write_text(built.document(job))
                self.run(
                    world,
                    [sys.executable, "-m", "pantavisor", built.VERBS[type(job)], "--job", str(document)],
                )
            assert sorted(path.name for path in (folder / "made").iterdir()) == list(OUTPUTS)
            yield from ((path.name, path) for path in sorted((folder / "made").iterdir()))

    def run(self, world: World, words: list[str]) -> None:
        environment = {**PLAIN, **world.environment}
        done = subprocess.run(
            [*world.words(), *words], env=environment, umask=world.umask, cwd="/", capture_output=True,
            text=True, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def digests(self, world: World, *, epoch: Optional[int] = built.EPOCH) -> dict[str, str]:
        return {
            name: hashlib.sha256(path.read_bytes()).hexdigest()
            for name, path in self.make(world, epoch=epoch)
        }


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    tools.need_root()
    for program, package in (("taskset", "util-linux"), ("faketime", "faketime")):
        tools.need(program, package=package)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        built.sources(Path(folder) / "given", bulk=25)
        yield Desk(Path(folder) / "given")


@pytest.fixture(scope="module")
def wanted(desk: Desk) -> dict[str, str]:
    return desk.digests(PLAINLY)


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_same_device_is_made(desk: Desk, wanted: dict[str, str], world: World) -> None:
    assert desk.digests(world) == wanted


def test_exports_need_no_epoch_to_be_the_same(desk: Desk) -> None:
    found = [desk.digests(world, epoch=None) for world in (PLAINLY, WORLDS[0], *WORLDS[6:9])]
    assert all(digests == found[0] for digests in found)


def test_another_input_makes_another_device(desk: Desk, wanted: dict[str, str]) -> None:
    other = desk.digests(PLAINLY, epoch=built.EPOCH - 100_000)
    assert all(other[name] != wanted[name] for name in ("bsp.tgz", "device.img"))


def test_worlds_differ() -> None:
    environment = {**os.environ, "TZ": "UTC"}
    said = subprocess.run(
        [*WORLDS[6].words(), "date", "+%F"], capture_output=True, text=True, env=environment, check=True
    )
    assert said.stdout == "2037-08-09\n"
    said = subprocess.run([*WORLDS[0].words(), "id", "-u"], capture_output=True, text=True, check=True)
    assert said.stdout == f"{tools.NOBODY}\n"


@pytest.mark.parametrize("form", ["the line", "the number"])
def test_a_key_is_found_wherever_it_lies(desk: Desk, tmp_path: Path, form: str) -> None:
    secret = leaks.secrets(desk.given / "keys")[0 if form == "the line" else -1]
    planted = File(META, 16 + len(secret), b"x" * 16 + secret)
    squashfs.write(
        Tree(Directory(META, {b"f": planted})), tmp_path / "image", profile=squashfs.PROFILES["fast"]
    )
    with tarfile.open(tmp_path / "export.tgz", "w:gz") as archive:
        archive.add(tmp_path / "image", "objects/0")
    found = [
        where
        for where, content in leaks.pieces(tmp_path / "export.tgz", tmp_path / "scratch")
        if secret in content
    ]
    assert "export.tgz unpacked/objects/0/f" in found


def test_no_key_is_in_anything_that_is_made(desk: Desk, tmp_path: Path) -> None:
    secrets = leaks.secrets(desk.given / "keys")
    seen = set()
    for name, path in desk.make(PLAINLY, epoch=built.EPOCH):
        for where, content in leaks.pieces(path, tmp_path / name):
            seen.add(where.rpartition("/")[2])
            assert not leaks.PRIVATE_KEY.search(content), f"{name}: {where} holds a private key"
            assert not [secret for secret in secrets if secret in content], (
                f"{name}: {where} holds our private key"
            )
    # Down to the files in the squashfs images, the trail and the boot partition.
    assert {"text", "a.ko", "BOOTX64.EFI", "lxc.container.conf", "grubenv", "json"} <= seen
