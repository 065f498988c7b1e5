# SPDX-License-Identifier: MIT
"""Disk images: what other people's tools say of them, and that the same input makes the same bytes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from pantavisor import disk, proc
from pantavisor.board import Blob, Board, BootPartition, StoragePartition
from pantavisor.disk import ext4, fat, gpt
from pantavisor.errors import FormatError, NotFound
from sim import tools

EPOCH = 1_700_000_000
STORAGE_START = gpt.ALIGNMENT + fat.MIN_BYTES
LIBRARY = Path(disk.__file__).parents[2]


def make_tree(root: Path, *, backwards: bool = False) -> Path:
    """A storage tree with links, a folder of many names, odd names, zeros and an empty file."""
    for folder in ("objects", "boot", "logs", "trails/0/app"):
        (root / folder).mkdir(parents=True)
    numbers = list(range(5))
    for number in reversed(numbers) if backwards else numbers:
        target = root / "objects" / f"{number:064x}"
        target.write_bytes(bytes([number]) * (100_000 * number + 1))
        target.chmod(0o444)
    for number in numbers:
        os.link(root / "objects" / f"{number:064x}", root / "trails/0/app" / f'a "quoted" {number} ü')
    os.link(root / "objects" / f"{1:064x}", root / "trails/0/again")
    for number in range(200):
        (root / "trails/0" / f"a-file-with-a-rather-long-name-{number}").write_text(str(number))
    (root / "boot/zeros").write_bytes(bytes(20_000))
    (root / "boot/secret").write_bytes(b"")
    (root / "boot/secret").chmod(0o600)
    return root


@pytest.fixture(scope="module")
def boot_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("boot") / "loader:file"
    path.write_bytes(b"MZ" + bytes(range(256)) * 400)
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, boot_file: Path) -> disk.DiskImage:
    folder = tmp_path_factory.mktemp("disk")
    return build(folder / "one.img", make_tree(folder / "storage"), boot_file)


def boot_files(boot_file: Path) -> dict[str, Path]:
    return {
        "EFI/BOOT/BOOTX64.EFI": boot_file, "EFI/a long name.cfg": boot_file, "pv-notes.env": boot_file,
    }  # fmt: skip


def build(
    path: Path, tree: Path, boot_file: Path, *, files: dict[str, Path] | None = None, **options: object
) -> disk.DiskImage:
    board = Board.efi(boot_files(boot_file) if files is None else files)
    return disk.build(
        path,
        board,
        tree,
        **{"epoch": EPOCH, "seed": "state", **options},  # type: ignore[arg-type]
    )


def storage(path: Path) -> str:
    return f"{path}?offset={STORAGE_START}"


def debugfs(path: Path, command: str) -> str:
    return proc.run(["debugfs", "-R", command, storage(path)]).stdout.decode()


def test_partition_tables_please_sgdisk(built: disk.DiskImage) -> None:
    said = proc.run(["sgdisk", "-v", "-p", built.path]).stdout.decode()
    assert "No problems found" in said
    assert re.search(r"1 +2048 .* EF00 +boot", said)
    assert re.search(r"2 .* 8300 +storage", said)


def test_storage_pleases_e2fsck_and_has_its_label(built: disk.DiskImage) -> None:
    proc.run(["e2fsck", "-fn", storage(built.path)])
    head = proc.run(["tune2fs", "-l", storage(built.path)]).stdout.decode()
    assert re.search(r"volume name: +root\n", head)
    assert "orphan_file" not in head
    assert "metadata_csum_seed" not in head


def test_storage_keeps_some_blocks_for_the_runtime(built: disk.DiskImage) -> None:
    head = proc.run(["tune2fs", "-l", storage(built.path)]).stdout.decode()
    blocks, reserved = (
        int(re.findall(rf"^{name} count:\s+(\d+)$", head, re.M)[0]) for name in ("Block", "Reserved block")
    )
    assert reserved == blocks * 2 // 100


def test_boot_partition_pleases_fsck_and_holds_the_files(
    built: disk.DiskImage, boot_file: Path, tmp_path: Path
) -> None:
    part = tmp_path / "esp"
    with open(built.path, "rb") as stream:
        stream.seek(gpt.ALIGNMENT)
        part.write_bytes(stream.read(fat.MIN_BYTES))
    proc.run(["fsck.vfat", "-n", part])
    for name in ("EFI/BOOT/BOOTX64.EFI", "EFI/a long name.cfg"):
        proc.run(["mcopy", "-n", "-o", "-i", part, f"::/{name}", tmp_path / "back"])
        assert (tmp_path / "back").read_bytes() == boot_file.read_bytes()
    (tmp_path / "all").mkdir()
    proc.run(["mcopy", "-s", "-i", part, "::/*", tmp_path / "all"])
    said = proc.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path / "all").stdout.decode()
    assert said == "EFI/BOOT/BOOTX64.EFI: OK\nEFI/a long name.cfg: OK\n"
    # Not what U-Boot changes at each boot.
    assert (tmp_path / "all/pv-notes.env").exists()


def test_files_links_owners_and_times_are_as_given(built: disk.DiskImage) -> None:
    first = debugfs(built.path, f"stat /objects/{1:064x}")
    assert re.search(r"Mode:  0444 .*User: +0 +Group: +0 ", first, re.DOTALL)
    assert re.search(r"Links: 3 ", first)
    assert first.count(f"0x{EPOCH:08x}:00000000") == 4
    number = re.search(r"Inode: (\d+)", first)
    other = re.search(r"Inode: (\d+)", debugfs(built.path, 'stat "/trails/0/app/a ""quoted"" 1 ü"'))
    assert number and other and number.group(1) == other.group(1)
    assert "Mode:  0600" in debugfs(built.path, "stat /boot/secret")
    assert "Size: 20000" in debugfs(built.path, "stat /boot/zeros")


def test_content_comes_back(built: disk.DiskImage, tmp_path: Path) -> None:
    debugfs(built.path, f"dump /objects/{4:064x} {tmp_path / 'back'}")
    assert (tmp_path / "back").read_bytes() == b"\4" * 400_001


def test_same_input_makes_the_same_bytes(built: disk.DiskImage, boot_file: Path, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "elsewhere", backwards=True)
    for path in tree.rglob("*"):
        os.utime(path, (1, 1))
    again = build(tmp_path / "a ?& name.img", tree, boot_file)
    assert again.path.read_bytes() == built.path.read_bytes()
    assert again.bmap.read_bytes() == built.bmap.read_bytes()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with tools.open_folder() as folder:
        yield folder


@pytest.mark.hostile
def test_another_user_makes_the_same_bytes(
    built: disk.DiskImage, boot_file: Path, open_folder: Path
) -> None:
    nobody = tools.nobody()
    loader = open_folder / "loader"
    shutil.copyfile(boot_file, loader)
    code = (
        f"import sys; sys.path[:0] = {[str(path) for path in (LIBRARY, *Path(__file__).parents[:2])]!r}\n"
        "from pathlib import Path\n"
        "import os, test_disk\n"
        "os.umask(0o077)\n"
        "folder = Path(sys.argv[1])\n"
        "tree = test_disk.make_tree(folder / 'tree')\n"
        "for path in tree.rglob('*'):\n"
        "    if path.is_file() and path.stat().st_mode & 0o400 and path.name not in ('secret',):\n"
        "        path.chmod(path.stat().st_mode | 0o044)\n"
        "test_disk.build(folder / 'two.img', tree, folder / 'loader')\n"
    )
    subprocess.run([*nobody, sys.executable, "-B", "-c", code, str(open_folder)], check=True)
    assert (open_folder / "two.img").read_bytes() == built.path.read_bytes()


def test_another_seed_makes_other_identifiers_only(
    built: disk.DiskImage, boot_file: Path, tmp_path: Path
) -> None:
    other = build(tmp_path / "two.img", make_tree(tmp_path / "tree"), boot_file, seed="other")
    uuids = [proc.run(["tune2fs", "-l", storage(path)]).stdout for path in (built.path, other.path)]
    assert (
        len({re.search(rb"UUID: +(\S+)", uuid).group(1) for uuid in uuids})  # type: ignore[union-attr]
        == 2
    )
    assert other.size == built.size


@pytest.mark.hostile
def test_bmap_passes_bmaptool_and_flashes_over_garbage(built: disk.DiskImage, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    flash.write_bytes(b"\xa5" * built.size)
    proc.run(["bmaptool", "copy", built.path, flash])
    proc.run(["e2fsck", "-fn", storage(flash)])
    assert "No problems found" in proc.run(["sgdisk", "-v", flash]).stdout.decode()
    with open(flash, "rb") as stream:
        stream.seek(gpt.ALIGNMENT)
        (tmp_path / "esp").write_bytes(stream.read(fat.MIN_BYTES))
    proc.run(["fsck.vfat", "-n", tmp_path / "esp"])


def test_bmap_maps_much_less_than_the_image(built: disk.DiskImage) -> None:
    tree = ET.parse(built.bmap)
    assert int(tree.findtext("ImageSize", "0")) == built.size
    assert int(tree.findtext("MappedBlocksCount", "0")) * 4096 == built.mapped < built.size // 8


@pytest.mark.hostile
@pytest.mark.parametrize("mebibytes", [200, 420])
def test_size_is_what_was_asked_for(boot_file: Path, tmp_path: Path, mebibytes: int) -> None:
    size = mebibytes * 1024 * 1024
    image = build(tmp_path / "one.img", make_tree(tmp_path / "tree"), boot_file, size=size + 12345)
    assert image.size == size == image.path.stat().st_size
    assert image.path.stat().st_blocks * 512 < 40_000_000
    flash = tmp_path / "flash"
    flash.write_bytes(b"\xa5" * size)
    proc.run(["bmaptool", "copy", image.path, flash])
    proc.run(["e2fsck", "-fn", storage(flash)])


def test_tree_that_does_not_fit_is_refused_and_nothing_stays(boot_file: Path, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    (tree / "big").write_bytes(os.urandom(1024 * 1024) * 60)
    (tmp_path / "out").mkdir()
    with pytest.raises(FormatError, match="does not fit a storage partition"):
        build(tmp_path / "out/one.img", tree, boot_file, size=131 * 1024 * 1024)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.hostile
def test_default_size_has_room_for_the_content_again(boot_file: Path, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    (tree / "big").write_bytes(os.urandom(1024 * 1024) * 60)
    image = build(tmp_path / "one.img", tree, boot_file)
    assert STORAGE_START + 2 * 60 * 1024 * 1024 < image.size < STORAGE_START + 200 * 1024 * 1024


def test_older_image_and_map_are_replaced_together(
    built: disk.DiskImage, boot_file: Path, tmp_path: Path
) -> None:
    target = tmp_path / "one.img"
    target.write_bytes(b"old")
    (tmp_path / "one.img.bmap").write_bytes(b"old")
    build(target, make_tree(tmp_path / "tree"), boot_file)
    assert (tmp_path / "one.img.bmap").read_bytes() == built.bmap.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.img", "one.img.bmap", "tree"]


def test_links_and_devices_are_refused(boot_file: Path, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    (tree / "link").symlink_to("/etc/passwd")
    with pytest.raises(FormatError, match="link is neither a file nor a directory"):
        build(tmp_path / "one.img", tree, boot_file)
    (tree / "link").unlink()
    os.mkfifo(tree / "pipe")
    with pytest.raises(FormatError, match="pipe is neither a file nor a directory"):
        build(tmp_path / "one.img", tree, boot_file)


@pytest.mark.parametrize("name", ["a\nb", "a\x7f", b"a\xff"])
def test_odd_names_are_refused(boot_file: Path, tmp_path: Path, name: str | bytes) -> None:
    tree = make_tree(tmp_path / "tree")
    with open(os.fsencode(tree) + b"/" + os.fsencode(name), "wb"):
        pass
    with pytest.raises(FormatError, match="odd bytes"):
        build(tmp_path / "one.img", tree, boot_file)


@pytest.mark.parametrize("name", ["/EFI/x", "EFI/../x", "a:b", "EFI//x", "x.", "ü", "", "a" * 256])
def test_odd_boot_names_are_refused(boot_file: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError, match="cannot be a file of the boot partition"):
        build(tmp_path / "one.img", make_tree(tmp_path / "tree"), boot_file, files={name: boot_file})


def test_boot_names_that_fat_cannot_tell_apart_are_refused(boot_file: Path, tmp_path: Path) -> None:
    files = {"EFI/boot/a": boot_file, "EFI/BOOT/b": boot_file}
    with pytest.raises(FormatError, match="the same name"):
        build(tmp_path / "one.img", make_tree(tmp_path / "tree"), boot_file, files=files)


@pytest.mark.parametrize("name", ["SHA256SUMS", "sha256sums", "Sha256Sums/x"])
def test_boot_file_in_the_place_of_the_list_of_digests_is_refused(
    boot_file: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(FormatError, match="list of digests"):
        build(tmp_path / "one.img", make_tree(tmp_path / "tree"), boot_file, files={name: boot_file})


def test_what_is_missing_is_named(boot_file: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="storage tree .*/none"):
        build(tmp_path / "one.img", tmp_path / "none", boot_file)
    with pytest.raises(NotFound, match="boot file .*/none"):
        build(tmp_path / "one.img", make_tree(tmp_path / "tree"), boot_file, files={"x": tmp_path / "none"})
    with pytest.raises(FormatError, match="is not a regular file"):
        build(tmp_path / "two.img", tmp_path / "tree", boot_file, files={"x": tmp_path})


def test_size_and_time_out_of_range_are_refused(boot_file: Path, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    for options, words in (
        ({"size": 100 * 1024 * 1024}, "too small"),
        ({"size": 1 << 60}, "too large"),
        ({"epoch": 1 << 31}, "2038"),
    ):
        with pytest.raises(FormatError, match=words):
            build(tmp_path / "one.img", tree, boot_file, **options)
    long = StoragePartition(label="x" * (ext4.MAX_LABEL_BYTES + 1))
    with pytest.raises(FormatError, match="cannot be a label"):
        disk.build(tmp_path / "one.img", Board(storage=long), tree, epoch=EPOCH, seed="state")


def test_board_with_blobs_and_two_boot_partitions_is_made_from_its_layout(
    boot_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "spl").write_bytes(b"spl" * 5000)
    (tmp_path / "uboot").write_bytes(b"uboot" * 300_000)
    tree = make_tree(tmp_path / "tree")
    board = Board(
        (BootPartition(boot_files(boot_file)), BootPartition({"rescue": boot_file}, name="rescue")),
        blobs=(Blob(tmp_path / "uboot", 64 * 1024), Blob(tmp_path / "spl", 33 * 1024)),
        first=4 * gpt.ALIGNMENT,
    )
    made = disk.build(tmp_path / "board.img", board, tree, epoch=EPOCH, seed="state")
    said = proc.run(["sgdisk", "-v", "-p", made.path]).stdout.decode()
    assert "No problems found" in said
    assert [line.split()[-1] for line in said.splitlines() if re.match(r" +\d+ +\d+ ", line)] == [
        "boot",
        "rescue",
        "storage",
    ]
    flash = tmp_path / "flash"
    flash.write_bytes(b"\xa5" * made.size)
    proc.run(["bmaptool", "copy", made.path, flash])
    assert flash.read_bytes()[33 * 1024 :].startswith(b"spl" * 5000)
    assert flash.read_bytes()[64 * 1024 :].startswith(b"uboot" * 300_000)
    again = disk.build(tmp_path / "again.img", board, tree, epoch=EPOCH, seed="state")
    assert again.path.read_bytes() == made.path.read_bytes()


def test_the_storage_alone_is_what_is_in_the_disk_image(
    built: disk.DiskImage, boot_file: Path, tmp_path: Path
) -> None:
    size = built.size - STORAGE_START - gpt.ALIGNMENT
    tree = make_tree(tmp_path / "tree")
    made = disk.build_storage(tmp_path / "storage.ext4", Board(), tree, epoch=EPOCH, seed="state")
    assert made == size
    with open(built.path, "rb") as image:
        image.seek(STORAGE_START)
        assert image.read(size) == (tmp_path / "storage.ext4").read_bytes()
    with pytest.raises(FormatError, match="cannot be made"):
        disk.build_storage(
            tmp_path / "small", Board(), tree, epoch=EPOCH, seed="state", size=ext4.MIN_BYTES - 1
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["storage.ext4", "tree"]


@pytest.mark.parametrize(
    ("offsets", "first"),
    [
        ((8 * 1024,), 1),
        ((1024 * 1024 - 10,), 1),
        ((33 * 1024, 33 * 1024 + 99), 1),
        ((-1,), 1),
        ((33 * 1024,), 0),
    ],
)
def test_blobs_without_room_are_refused(tmp_path: Path, offsets: tuple[int, ...], first: int) -> None:
    blob = tmp_path / "spl"
    blob.write_bytes(bytes(100))
    blobs = tuple(Blob(blob, offset) for offset in offsets)
    board = Board(blobs=blobs, first=first * gpt.ALIGNMENT)
    tree = make_tree(tmp_path / "tree")
    with pytest.raises(FormatError, match="has no room|whole MiB"):
        disk.build(tmp_path / "one.img", board, tree, epoch=EPOCH, seed="state")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spl", "tree"]


def test_blob_that_is_missing_and_names_that_are_the_same_are_refused(
    boot_file: Path, tmp_path: Path
) -> None:
    tree = make_tree(tmp_path / "tree")
    with pytest.raises(NotFound, match="none, for byte 65536 of the disk, does not exist"):
        disk.build(
            tmp_path / "x",
            Board(blobs=(Blob(tmp_path / "none", 65536),)),
            tree,
            epoch=EPOCH,
            seed="",
        )
    twice = (BootPartition({"x": boot_file}),) * 2
    with pytest.raises(FormatError, match="names of their own"):
        disk.build(tmp_path / "x", Board(twice), tree, epoch=EPOCH, seed="")


def test_partitions_that_overlap_or_misalign_are_refused() -> None:
    identity = gpt.EFI_SYSTEM
    mib = gpt.ALIGNMENT
    one = gpt.Partition("one", gpt.LINUX_DATA, identity, mib, 2 * mib)
    for other in (
        gpt.Partition("two", gpt.LINUX_DATA, identity, 2 * mib, mib),
        gpt.Partition("two", gpt.LINUX_DATA, identity, 3 * mib + 512, mib),
        gpt.Partition("two", gpt.LINUX_DATA, identity, 7 * mib, mib),
    ):
        with pytest.raises(FormatError, match='"two"'):
            gpt.render([one, other], disk=identity, size=8 * mib)
