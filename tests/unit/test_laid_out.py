# SPDX-License-Identifier: MIT
"""The storage partition alone, from the exports of a device, in a disk that another tool lays out."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from pantavisor import cli, factory, jobs
from pantavisor.audit import AuditError
from pantavisor.errors import FormatError
from sim import built, tools
from sim.uboot import script

MIB = 1024 * 1024
FAT_AT, FAT_SIZE, STORAGE_AT = MIB, 40 * MIB, 42 * MIB


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exports of a device and its storage partition."""
    folder = tmp_path_factory.mktemp("laid-out")
    built.sources(folder / "given")
    (folder / "made").mkdir()
    *exports, root = built.all_jobs(folder / "given", folder / "made", release=3)
    for job in exports:
        built.run(job)
    assert isinstance(root, jobs.BuildRoot)
    factory.build(replace(root, board=None, output=folder / "storage.ext4"))
    return folder


def lay_out(folder: Path, storage: Path) -> Path:
    """A disk with an msdos table, a boot partition and the storage."""
    (folder / "boot.scr").write_bytes(script())
    digest = tools.run("sha256sum", folder / "boot.scr").split()[0]
    (folder / "SHA256SUMS").write_text(f"{digest}  boot.scr\n")
    fat, image = folder / "boot.fat", folder / "disk.img"
    os.truncate(_empty(fat), FAT_SIZE)
    tools.run("mkfs.vfat", fat)
    tools.run("mcopy", "-i", fat, folder / "boot.scr", folder / "SHA256SUMS", "::/")
    os.truncate(_empty(image), STORAGE_AT + storage.stat().st_size + MIB)
    table = f"label: dos\n{FAT_AT // 512} {FAT_SIZE // 512} c *\n{STORAGE_AT // 512} - 83\n"
    subprocess.run([tools.need("sfdisk", package="fdisk"), "-q", image], input=table, text=True, check=True)
    for source, at in ((fat, FAT_AT), (storage, STORAGE_AT)):
        words = f"if={source} of={image} bs=64K seek={at} oflag=seek_bytes conv=notrunc,sparse status=none"
        tools.run("dd", *words.split())
    return image


def _empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def check(folder: Path, image: Path) -> jobs.CheckImage:
    return jobs.CheckImage(
        image, folder / "storage.ext4", folder / "given/keys/ca.crt", built.EPOCH, image.with_name("disk"),
        needs_set=True, sbom=("spdx",),
    )  # fmt: skip


def test_a_disk_with_the_storage_passes_and_its_bill_of_materials_is_written(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = lay_out(tmp_path, made / "storage.ext4")
    (tmp_path / "job.json").write_text(built.document(check(made, image)))
    assert cli.main(["check-image", "--job", str(tmp_path / "job.json")]) == 0
    assert "passed pvr verify --strict" in capsys.readouterr().err
    assert json.loads((tmp_path / "disk.spdx.json").read_bytes())["@graph"]


def test_a_storage_that_a_tool_relabelled_is_refused_by_name(made: Path, tmp_path: Path) -> None:
    other = tmp_path / "storage.ext4"
    other.write_bytes((made / "storage.ext4").read_bytes())
    tools.run("tune2fs", "-U", "11111111-2222-3333-4444-555555555555", other)
    image = lay_out(tmp_path, other)
    with pytest.raises(FormatError, match="is not storage.ext4 bit for bit") as caught:
        factory.check_laid_out(check(made, image))
    assert caught.value.hint == "write its line of the wks without --label, --fsuuid and --mkfs-extraopts"


def test_a_disk_that_the_verifier_refuses_has_no_bill_of_materials(made: Path, tmp_path: Path) -> None:
    image = lay_out(tmp_path, made / "storage.ext4")
    with open(image, "r+b") as stream:
        stream.seek(FAT_AT)
        stream.write(bytes(512))
    with pytest.raises(AuditError):
        factory.check_laid_out(check(made, image))
    (tmp_path / "job.json").write_text(built.document(check(made, image)))
    assert cli.main(["check-image", "--job", str(tmp_path / "job.json")]) == 2
    assert not (tmp_path / "disk.spdx.json").exists()


def test_a_storage_alone_is_bit_for_bit_that_of_an_image(made: Path, tmp_path: Path) -> None:
    root = built.all_jobs(made / "given", made / "made", release=3)[-1]
    assert isinstance(root, jobs.BuildRoot)
    size = (made / "storage.ext4").stat().st_size
    factory.build(replace(root, output=tmp_path / "device.img", work=tmp_path))
    image = (tmp_path / "device.img").read_bytes()
    assert (made / "storage.ext4").read_bytes() in image and size > 0


def test_a_storage_alone_takes_no_formats_of_bills_of_materials(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = built.all_jobs(made / "given", made / "made", release=3)[-1]
    assert isinstance(root, jobs.BuildRoot)
    job = replace(root, board=None, output=tmp_path / "storage.ext4", work=tmp_path, sbom=("spdx",))
    (tmp_path / "job.json").write_text(built.document(job))
    assert cli.main(["build-root", "--job", str(tmp_path / "job.json")]) == 2
    assert "a storage partition alone has no bill of materials" in capsys.readouterr().err
    assert not (tmp_path / "storage.ext4").exists()
