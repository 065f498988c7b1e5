# SPDX-License-Identifier: MIT
"""The storage tree: what a device boots from, in the shape of a published one."""

import os
import shutil
from pathlib import Path
from typing import Any, Optional

import pytest
from pantavisor import bootenv, export, trail
from pantavisor.bootenv import BootEnvironment
from pantavisor.errors import DigestError, FormatError, NotFound, PantavisorError
from pantavisor.objects import ObjectPool
from pantavisor.state import State

VECTORS = Path(__file__).resolve().parents[1] / "vectors"


def published(pool: ObjectPool) -> State:
    return export.read(VECTORS / "exports" / "demo.tgz", pool)


def board(pool: ObjectPool, **run: Any) -> State:
    files = {
        f"bsp/{name}": pool.put_bytes(name.encode())
        for name in ("k", "i", "d", "f", "a0", "a1", "r", "r.gz")
    }
    return State.empty().with_files({**files, "bsp/run.json": run})


def listing(root: Path) -> "dict[str, tuple[str, str, int]]":
    """Path -> type, mode, links of files."""
    found = {}
    for path in [root, *root.rglob("*")]:
        stat = path.lstat()
        kind = "d" if path.is_dir() else "f"
        found["./" + str(path.relative_to(root))] = (
            kind,
            f"{stat.st_mode & 0o777:o}",
            0 if kind == "d" else stat.st_nlink,
        )
    return found


def test_the_tree_has_the_shape_of_a_published_one(tmp_path: Path) -> None:
    pool = ObjectPool(tmp_path / "pool")
    previous = os.umask(0o077)
    try:
        trail.write(tmp_path / "storage", published(pool), pool)
    finally:
        os.umask(previous)
    found = listing(tmp_path / "storage")
    for line in (VECTORS / "deploy" / "tree.txt").read_text().splitlines():
        kind, mode, links, _, path = line.split()
        if path not in (".", "./trails/0"):
            assert found[path] == (kind, mode, 0 if kind == "d" else int(links)), path
    more = {"boot", *bootenv.UBOOT_COPIES, *bootenv.GRUB_COPIES, bootenv.GRUB_NOTES,
            "cache", "config", "disks", "disks/perm", "disks/rev",
            "logs"}  # fmt: skip
    wanted = {line.split()[4] for line in (VECTORS / "deploy" / "tree.txt").read_text().splitlines()}
    assert set(found) == (wanted - {"."}) | {"./" + name for name in more} | {"./."}


def test_files_are_links_and_json_is_the_text_of_the_state(tmp_path: Path) -> None:
    pool = ObjectPool(tmp_path / "storage/objects")
    state = published(pool)
    trail.write(tmp_path / "storage", state, pool)
    revision = tmp_path / "storage/trails/0"
    text = (revision / ".pvr/json").read_bytes()
    assert text == state.dumps()
    for path, object_id in state.objects().items():
        assert (revision / path).samefile(pool.path(object_id))
    for path in state.inline():
        assert (revision / path).read_bytes() in text
    assert (revision / ".pvr/config").read_bytes() == b'{"ObjectsDir":"../../objects"}'


def test_no_config_file_of_the_tree_is_empty(tmp_path: Path) -> None:
    # The published runtime reads an empty one for ever. It writes defaults where there is none.
    pool = ObjectPool(tmp_path / "pool")
    (tmp_path / "storage/config").mkdir(parents=True)
    (tmp_path / "storage/config/pantahub.config").touch()
    trail.write(tmp_path / "storage", published(pool), pool)
    assert os.listdir(tmp_path / "storage/config") == []


def test_boot_choice(tmp_path: Path) -> None:
    pool = ObjectPool(tmp_path / "pool")
    storage = tmp_path / "storage"
    trail.write(storage, published(pool), pool)
    values = [b"pv_gen=1", b"pv_rev=0", b"pv_try=", b"pv_prev=", b"pv_end=1"]
    for path in bootenv.UBOOT_COPIES:
        assert (
            (storage / path).read_bytes()
            == b"".join(value + b"\0" for value in values).ljust(1024, b"\0")
        )  # fmt: skip
    for path in bootenv.GRUB_COPIES:
        lines = b"".join(value + b"\n" for value in [b"# GRUB Environment Block", *values])
        assert (storage / path).read_bytes() == lines.ljust(1024, b"#")
    assert (storage / bootenv.GRUB_NOTES).read_bytes() == b"# GRUB Environment Block\n".ljust(1024, b"#")


def test_another_revision_is_tried_next_to_the_committed_one(tmp_path: Path) -> None:
    pool = ObjectPool(tmp_path / "pool")
    storage = tmp_path / "storage"
    trail.write(storage, published(pool), pool)
    trail.write(storage, published(pool), pool, "locals/x", commit=False)
    assert trail.boot_environment(storage) == BootEnvironment("0", tried="locals/x", generation=2)
    trail.write(storage, published(pool), pool, "7")
    assert trail.boot_environment(storage) == BootEnvironment("7", previous="0", generation=3)
    # The same one again: nothing to return to was lost.
    trail.write(storage, published(pool), pool, "7", replace=True, commit=False)
    assert trail.boot_environment(storage) == BootEnvironment("7", previous="0", generation=4)


def test_a_committed_revision_that_is_gone_is_nothing_to_return_to(tmp_path: Path) -> None:
    pool = ObjectPool(tmp_path / "pool")
    storage = tmp_path / "storage"
    trail.write(storage, published(pool), pool)
    shutil.rmtree(storage / "trails/0")
    trail.write(storage, published(pool), pool, "2", commit=False)
    assert trail.boot_environment(storage) == BootEnvironment("2", generation=2)


def test_what_follows_the_last_generation_is_read() -> None:
    last = BootEnvironment("3", generation=10**18 - 1, lost="2:60")
    for following in (last.trying("4"), last.committing("4")):
        assert following.generation == 1
        assert (
            BootEnvironment.parse(following.grub()) == BootEnvironment.parse(following.uboot()) == following
        )
    # The device's faults are those of the committed revision.
    assert last.trying("4").lost == "2:60" and not last.committing("4").lost


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b"pv_rev=0\0\0\0", BootEnvironment("0", generation=0)),
        (b"pv_rev=3\0pv_try=locals/x\0\0rest=1", BootEnvironment("3", "locals/x", generation=0)),
        (b"# GRUB Environment Block\npv_rev=3\npv_try=4\npv_trying=4\n###",
         BootEnvironment("3", "4", generation=0)),
        (b"pv_gen=3\0pv_rev=3\0pv_lost=2:60\0pv_end=3\0", BootEnvironment("3", generation=3, lost="2:60")),
        (b"pv_gen=3\0pv_rev=3\0pv_lost=2\0pv_end=3\0", BootEnvironment("3", generation=3)),
        (b"# GRUB Environment Block\npv_gen=3\npv_rev=3\npv_end=2\n", None),
        (b"# GRUB Environment Block\npv_gen=3\npv_rev=3\n", None),
        (b"# GRUB Environment Block\npv_gen=x\npv_rev=3\npv_end=x\n", None),
        ("# GRUB Environment Block\npv_gen=\u00b2\npv_rev=3\npv_end=\u00b2\n".encode(), None),
        (b"# GRUB Environment Block\npv_gen=%(n)b\npv_rev=3\npv_end=%(n)b\n" % {b"n": b"1" * 19}, None),
        (b"# GRUB Environment Block\npv_gen=05\npv_rev=3\npv_end=05\n", None),
        (b"pv_gen=0\0pv_rev=3\0pv_end=0\0", None),
        # GRUB reads what is behind the block.
        ((b"# GRUB Environment Block\npv_rev=3\n".ljust(1024, b"#") + b"\npv_rev=4\n"),
         BootEnvironment("4", generation=0)),
        (b"pv_rev=../x\0", None), (b"", None), (b"\0" * 1024, None), (b"\xff=\xff\0", None),
    ],
)  # fmt: skip
def test_an_environment_is_read_as_the_device_reads_it(
    text: bytes, wanted: Optional[BootEnvironment]
) -> None:
    assert BootEnvironment.parse(text) == wanted


def test_an_environment_reads_back() -> None:
    for value in (
        BootEnvironment("0"),
        BootEnvironment("locals/" + "a" * 64, "locals/" + "b" * 64, "7", 10**17),
    ):
        assert BootEnvironment.parse(value.grub()) == value == BootEnvironment.parse(value.uboot())
        # What a boot loader needs is in one sector, which is written whole or not at all.
        assert BootEnvironment.parse(value.grub()[:512]) == value


@pytest.mark.parametrize(
    ("run", "wanted"),
    [({"linux": "k", "initrd": "i"}, {"pv-kernel.img": "k", "pv-initrd.img": "i"}),
     ({"linux": "k", "initrd": "i", "fdt": "d", "addons": ["a0", "a1"]},
      {"pv-kernel.img": "k", "pv-initrd.img": "i", "pv-fdt.dtb": "d", "pv-initrd.img.0": "a0",
       "pv-initrd.img.1": "a1"}),
     ({"fit": "f", "linux": "k", "initrd": "i"}, {"pantavisor.fit": "f"}),
     ({"rpiab": "r", "linux": "k"}, {"rpiboot.img": "r"}), ({"rpiab": "r.gz"}, {"rpiboot.img.gz": "r.gz"})],
)  # fmt: skip
def test_boot_links_follow_the_rule_of_the_device(tmp_path: Path, run: dict, wanted: dict) -> None:
    pool = ObjectPool(tmp_path / "pool")
    trail.write(tmp_path / "storage", board(pool, **run), pool)
    folder = tmp_path / "storage/trails/0"
    assert sorted(os.listdir(folder / ".pv")) == sorted(wanted)
    for name, source in wanted.items():
        assert (folder / ".pv" / name).samefile(folder / "bsp" / source)


@pytest.mark.parametrize("run", [
    {}, {"linux": "k"}, {"initrd": "i"}, {"linux": "k", "initrd": "nothing"}, {"fit": "nothing"},
    {"fit": "f", "addons": ["nothing"]}, {"fit": "f", "addons": 5}, {"fit": "../bsp/f"}, {"fit": 5},
    {"fit": ["f"]},
])  # fmt: skip
def test_a_bsp_that_cannot_boot_leaves_no_revision(tmp_path: Path, run: dict) -> None:
    pool = ObjectPool(tmp_path / "pool")
    with pytest.raises(FormatError, match="bsp"):
        trail.write(tmp_path / "storage", board(pool, **run), pool)
    assert os.listdir(tmp_path / "storage/trails") == []
    assert not (tmp_path / "storage/boot/uboot.txt").exists()


def test_damaged_and_missing_objects_are_refused(tmp_path: Path) -> None:
    pool = ObjectPool(tmp_path / "storage/objects")
    state = published(pool)
    path = pool.path(state.objects()["README.md"])
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    with pytest.raises(DigestError):
        trail.write(tmp_path / "storage", state, pool)
    path.unlink()
    with pytest.raises(NotFound):
        trail.write(tmp_path / "storage", state, pool)
    assert os.listdir(tmp_path / "storage/trails") == []


def test_a_second_revision_shares_the_objects(tmp_path: Path) -> None:
    pool = ObjectPool(tmp_path / "pool")
    state = published(pool)
    trail.write(tmp_path / "storage", state, pool)
    (tmp_path / "storage/config/pantahub.config").write_bytes(b"PH_CREDS_ID=x\n")
    trail.write(tmp_path / "storage", state, pool, "locals/next")
    assert (tmp_path / "storage/trails/locals/next/README.md").samefile(
        tmp_path / "storage/trails/0/README.md"
    )
    assert (
        (tmp_path / "storage/trails/locals/next/.pvr/config").read_bytes()
        == b'{"ObjectsDir":"../../../objects"}'
    )  # fmt: skip
    assert trail.boot_environment(tmp_path / "storage") == BootEnvironment(
        "locals/next", previous="0", generation=2
    )
    assert (tmp_path / "storage/config/pantahub.config").read_bytes() == b"PH_CREDS_ID=x\n"
    with pytest.raises(PantavisorError, match="exists already"):
        trail.write(tmp_path / "storage", state, pool)
    with pytest.raises(FormatError):
        trail.write(tmp_path / "storage", state, pool, "../x")


def test_no_object_is_copied_whatever_its_name(tmp_path: Path) -> None:
    """A device refuses a path that is not the object's own file."""
    pool = ObjectPool(tmp_path / "pool")
    state = published(pool)
    state = state.with_files({"demo/x.bind": state.objects()["README.md"]})
    trail.write(tmp_path / "storage", state, pool)
    assert (tmp_path / "storage/trails/0/demo/x.bind").samefile(
        tmp_path / "storage/objects" / state.objects()["demo/x.bind"]
    )


def test_the_same_state_gives_the_same_tree(tmp_path: Path) -> None:
    trees = []
    for name in ("one", "two"):
        pool = ObjectPool(tmp_path / name / "pool")
        trail.write(tmp_path / name / "storage", published(pool), pool)
        files = {
            path: path.read_bytes() for path in (tmp_path / name / "storage").rglob("*") if path.is_file()
        }
        trees.append({str(path.relative_to(tmp_path / name)): data for path, data in files.items()})
    assert trees[0] == trees[1]


def test_a_folder_that_another_writer_makes_first_is_as_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir = os.mkdir

    def too_late(path: Any, mode: int = 0o777, **options: Any) -> None:
        mkdir(path, mode, **options)
        mkdir(path, mode, **options)

    monkeypatch.setattr(os, "mkdir", too_late)
    with trail.exclusive(tmp_path / "storage"):
        assert listing(tmp_path / "storage") == {"./.": ("d", "755", 0)}
