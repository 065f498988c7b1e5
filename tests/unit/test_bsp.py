# SPDX-License-Identifier: MIT
"""The bsp's export: modules and firmware as squashfs, at no later time than a build says."""

from __future__ import annotations

import io
import struct
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from pantavisor import audit, bsp, export, jobs, keys, squashfs, trail
from pantavisor.errors import FormatError, NotFound
from pantavisor.objects import ObjectPool

LATE, EARLY, EPOCH = 1_900_000_000, 1_500_000_000, 1_700_000_000


def tarball(path: Path, *files: tuple[str, int]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, mtime in files:
            member = tarfile.TarInfo(name)
            member.size, member.mtime = 3, mtime
            archive.addfile(member, io.BytesIO(b"ELF"))
    return path


@pytest.fixture
def job(tmp_path: Path) -> jobs.ExportBsp:
    keys.generate(tmp_path / "keys", common_name="Test", algorithm="ES256")
    for name in ("kernel", "initramfs"):
        (tmp_path / name).write_bytes(name.encode())
    return jobs.ExportBsp(
        kernel=tmp_path / "kernel", initramfs=tmp_path / "initramfs", profile="fast",
        signing=jobs.Signing(tmp_path / "keys/key.pem", tmp_path / "keys/x5c.pem"),
        work=tmp_path, output=tmp_path / "bsp.tgz",
        modules=tarball(tmp_path / "modules.tgz", ("lib/modules/6.1/old.ko", EARLY),
                        ("lib/modules/6.1/new.ko", LATE)),
        firmware=tarball(tmp_path / "firmware.tgz", ("lib/firmware/blob", LATE)),
    )  # fmt: skip


def times(job: jobs.ExportBsp, volume: str) -> tuple[int, dict[str, int]]:
    """The time of the image and of what is in it."""
    bsp.export_bsp(job)
    pool = ObjectPool(job.work / "pool")
    image = pool.path(str(export.read(job.output, pool)[f"bsp/{volume}"]))
    (made,) = struct.unpack_from("<I", image.read_bytes(), 8)
    return made, {path.decode(): node.metadata.mtime for path, node in squashfs.read(image).walk()}


def test_files_keep_their_times_without_an_epoch(job: jobs.ExportBsp) -> None:
    assert times(job, "modules.squashfs") == (LATE, {"old.ko": EARLY, "new.ko": LATE})
    assert times(job, "firmware.squashfs") == (LATE, {"blob": LATE})


def test_no_file_is_later_than_the_epoch(job: jobs.ExportBsp) -> None:
    job = replace(job, epoch=EPOCH)
    assert times(job, "modules.squashfs") == (EPOCH, {"old.ko": EARLY, "new.ko": EPOCH})
    assert times(job, "firmware.squashfs") == (EPOCH, {"blob": EPOCH})


def test_modules_are_those_of_one_release(job: jobs.ExportBsp, tmp_path: Path) -> None:
    two = tarball(tmp_path / "two.tgz", ("lib/modules/6.1/a.ko", 0), ("lib/modules/6.2/a.ko", 0))
    with pytest.raises(NotFound, match="2 kernel releases"):
        bsp.export_bsp(replace(job, modules=two))
    with pytest.raises(NotFound, match="no directory lib/firmware"):
        bsp.export_bsp(replace(job, firmware=two))


def test_what_grub_loads_has_its_signature_next_to_it(job: jobs.ExportBsp, tmp_path: Path) -> None:
    keys.generate(tmp_path / "boot", common_name="Boot")
    (tmp_path / "board.dtb").write_bytes(b"tree")
    boot = jobs.Signing(tmp_path / "boot/key.pem", None)
    bsp.export_bsp(replace(job, boot=boot, fdt=tmp_path / "board.dtb"))
    pool = ObjectPool(job.work / "pool")
    state = export.read(job.output, pool)
    trusted = keys.BootKeys.parse(
        keys.BootSigner.load(tmp_path / "boot/key.pem").public_key(), what="the key"
    )
    for name, source in (
        ("kernel.img", "kernel"),
        ("pantavisor", "initramfs"),
        ("device-tree.dtb", "board.dtb"),
    ):
        signature = pool.path(str(state[f"bsp/{name}.sig"])).read_bytes()
        trusted.verify(signature, [(tmp_path / source).read_bytes()], what=name)
    # The bsp's own signature covers them, and the boot loader finds them where it looks.
    assert (
        "bsp/kernel.img.sig"
        in keys.verify_state(state, keys.TrustStore.load(tmp_path / "keys/ca.crt"), strict=False).protected
    )
    links = trail.boot_files(state)
    assert links["pv-initrd.img.sig"] == state["bsp/pantavisor.sig"] and "pv-fdt.dtb.sig" in links


def test_a_boot_key_that_grub_does_not_know_stops_the_build(job: jobs.ExportBsp) -> None:
    with pytest.raises(FormatError, match="GRUB verifies by no others"):
        bsp.export_bsp(replace(job, boot=job.signing))
    assert not job.output.exists()


def test_each_of_several_device_trees_has_the_name_that_u_boot_asks_for(
    job: jobs.ExportBsp, tmp_path: Path
) -> None:
    trees = {name: tmp_path / Path(name).name for name in ("vendor/one.dtb", "vendor/two.dtb")}
    for name, path in trees.items():
        path.write_bytes(name.encode())
    bsp.export_bsp(replace(job, fdt=trees["vendor/one.dtb"], device_trees=trees))
    state = export.read(job.output, ObjectPool(job.work / "pool"))
    assert state["bsp/vendor/one.dtb"] == state["bsp/device-tree.dtb"] != state["bsp/vendor/two.dtb"]
    trust = (tmp_path / "keys/ca.crt").read_bytes()
    assert audit.verify(job.output, trust=trust, strict=True).good


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("run.json", "cannot be a device tree of the bsp"),
        ("two.dtbo", "cannot be a device tree of the bsp"),
        ("../two.dtb", "not a plain relative path"),
        ("kernel.img", "is the name of another file of the bsp"),
        ("device-tree.dtb", "is the name of another file of the bsp"),
    ],
)
def test_a_device_tree_of_another_name_is_refused(
    job: jobs.ExportBsp, tmp_path: Path, name: str, words: str
) -> None:
    with pytest.raises(FormatError, match=words):
        bsp.export_bsp(replace(job, fdt=tmp_path / "kernel", device_trees={name: tmp_path / "kernel"}))
    assert not job.output.exists()


def test_a_fit_is_in_place_of_kernel_and_initramfs(job: jobs.ExportBsp, tmp_path: Path) -> None:
    fit = replace(job, kernel=None, initramfs=None, fit=tmp_path / "kernel")
    bsp.export_bsp(fit)
    state = export.read(job.output, ObjectPool(job.work / "pool"))
    assert "bsp/pantavisor.fit" in state and "bsp/kernel.img" not in state
    assert set(trail.boot_files(state)) == {"pantavisor.fit"}
    trust = (tmp_path / "keys/ca.crt").read_bytes()
    assert audit.verify(job.output, trust=trust, strict=True).good


def test_a_fit_next_to_a_kernel_or_nothing_to_boot_is_refused(job: jobs.ExportBsp) -> None:
    fit = replace(job, kernel=None, initramfs=None, fit=job.kernel)
    for wrong in (replace(fit, kernel=job.kernel), replace(fit, fdt=job.kernel), replace(fit, fit=None)):
        with pytest.raises(FormatError):
            bsp.export_bsp(wrong)
    assert not job.output.exists()
