# SPDX-License-Identifier: MIT
"""Codec, level and library: recorded in src.json, shown, and missed when another version packs the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pantavisor
import pytest
from pantavisor import cli, container, export, jobs, keys
from pantavisor.objects import ObjectPool
from pantavisor.repo import Repository
from pantavisor.squashfs import PackRecord
from pantavisor.state import State
from sim import codecs
from sim.registry import images

LIBRARY = Path(pantavisor.__file__).parent.parent
TEXT = " ".join(str(number * number % 7919) for number in range(30_000)).encode()
ONE = {"etc/text": TEXT, "sbin/init": b"#!/bin/sh\n", "bin/sh": b""}
TWO = {**ONE, "etc/more": TEXT[::-1]}


def test_a_packing_reads_back_from_its_document() -> None:
    for packing in (
        PackRecord("xz", 3, "liblzma 5.4.1"),
        PackRecord("xz", 6, "liblzma 5.4.1", "x86"),
        PackRecord("lz4", None, "liblz4 1.9.4"),
        PackRecord("zstd", 15, "libzstd 1.5.4", block_bytes=256 * 1024),
    ):
        assert PackRecord.parse(json.loads(json.dumps(packing.document()))) == packing
    assert PackRecord("xz", 3, "liblzma 5.4.1").document() == {
        "codec": "xz",
        "level": 3,
        "version": "liblzma 5.4.1",
    }
    assert str(PackRecord("xz", 6, "liblzma 5.4.1", "x86")) == "xz level 6 with filter x86, liblzma 5.4.1"
    larger = PackRecord("zstd", 15, "libzstd 1.5.4", block_bytes=256 * 1024)
    assert larger.document()["block"] == 262_144
    assert str(larger) == "zstd level 15 in blocks of 256 KiB, libzstd 1.5.4"


@pytest.mark.parametrize(
    "document",
    [
        None, 1, {}, {"codec": 1, "version": "x"}, {"codec": "xz", "version": "v", "filter": 1},
        {"codec": "xz", "version": "v", "block": "256K"},
    ],
)  # fmt: skip
def test_what_is_not_a_packing_is_none(document: object) -> None:
    assert PackRecord.parse(document) is None


# By hand: the command in a process of its own, once with another library.


class Desk:
    """A repository with the image ``one`` as its container ``app``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.other = codecs.another_version(root.parent)
        Repository.init(root)
        self.pvr("app", "add", "app", "--from", self.image("one", ONE), "--platform", "linux/amd64")

    def image(self, name: str, files: dict[str, bytes]) -> str:
        path = self.root.parent / name
        images.write_files(path, images.layout_files(images.image(files)))
        return f"oci:{path}"

    def pvr(self, *words: str, **environment: str) -> str:
        """What the command says on stderr and stdout."""
        known = {**os.environ, "PYTHONPATH": str(LIBRARY), **environment}
        argv = [sys.executable, "-m", "pantavisor", *words]
        done = subprocess.run(argv, cwd=self.root, env=known, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr + done.stdout

    @property
    def source(self) -> Any:
        return json.loads((self.root / "app/src.json").read_text())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "work")


def test_src_json_names_the_codec_and_info_and_inspect_show_it(desk: Desk) -> None:
    packed = desk.source["squashfs"]["root.squashfs"]
    assert packed["codec"] == "xz" and packed["level"] == 3 and packed["version"].startswith("liblzma 5.")
    line = f"xz level 3, {packed['version']}"
    assert f"root.squashfs: {line}" in desk.pvr("app", "info", "app")
    desk.pvr("add")
    desk.pvr("commit")
    assert line in desk.pvr("inspect", ".")
    (part,) = (
        part
        for part in json.loads(desk.pvr("inspect", "--json", "."))["revisions"][0]["parts"]
        if part["name"] == "app"
    )
    assert part["packed"] == {"root.squashfs": packed}


def test_another_version_is_reported_in_one_line_and_recorded(desk: Desk) -> None:
    old = desk.source["squashfs"]["root.squashfs"]["version"]
    one = f"oci:{desk.root.parent / 'one'}"
    said = desk.pvr("app", "update", "app", "--from", one, "--force", PVR_LIBSQUASHFS=str(desk.other))
    (line,) = (line for line in said.splitlines() if "warning" in line and "packed" in line)
    assert line == (
        f"pvr: warning: app/root.squashfs: packed with {old} before, now {codecs.VERSION}: "
        "same content, other bytes"
    )
    assert desk.source["squashfs"]["root.squashfs"]["version"] == f"liblzma {codecs.VERSION}"
    assert "other bytes" not in desk.pvr("app", "install", "app")
    assert desk.source["squashfs"]["root.squashfs"]["version"] == f"liblzma {codecs.VERSION}"


def test_other_content_or_another_level_is_not_about_versions(desk: Desk) -> None:
    one, two = f"oci:{desk.root.parent / 'one'}", desk.image("two", TWO)
    library = {"PVR_LIBSQUASHFS": str(desk.other)}
    assert "other bytes" not in desk.pvr("app", "update", "app", "--from", two, **library)
    assert "other bytes" not in desk.pvr("app", "update", "app", "--from", one)
    assert "other bytes" not in desk.pvr(
        "app", "update", "app", "--from", one, "--force", "--profile", "xz:1", **library
    )


def test_the_same_bytes_by_another_version_are_not_worth_a_word(desk: Desk) -> None:
    desk.pvr(
        "app", "update", "app", "--from", f"oci:{desk.root.parent / 'one'}", "--force", "--profile", "xz:1"
    )
    again = (
        "app",
        "update",
        "app",
        "--from",
        f"oci:{desk.root.parent / 'one'}",
        "--force",
        "--profile",
        "xz:1",
    )
    assert "other bytes" not in desk.pvr(*again, PVR_LIBSQUASHFS=str(desk.other))
    assert desk.source["squashfs"]["root.squashfs"]["version"] == f"liblzma {codecs.VERSION}"


def test_the_contents_of_a_root_file_system_are_compared(desk: Desk, tmp_path: Path) -> None:
    rootfs = tmp_path / "rootfs"
    (rootfs / "etc").mkdir(parents=True)
    (rootfs / "etc/text").write_bytes(TEXT)
    desk.pvr("app", "add", "rfs", "--type", "rootfs", "--from", str(rootfs), "--status-goal", "MOUNTED")
    again = ("app", "update", "rfs", "--from", str(rootfs))
    assert "other bytes" in desk.pvr(*again, PVR_LIBSQUASHFS=str(desk.other))
    (rootfs / "etc/text").write_bytes(TEXT[:-1])
    assert "other bytes" not in desk.pvr(*again)


def test_each_volume_of_a_patch_keeps_what_it_was_packed_with(desk: Desk) -> None:
    two = desk.image("two", TWO)
    desk.pvr("app", "update", "app", "--from", two, "--patch", PVR_LIBSQUASHFS=str(desk.other))
    versions = {volume: packed["version"] for volume, packed in desk.source["squashfs"].items()}
    assert versions.keys() == {"root.squashfs", "root.ovl.squashfs"}
    assert versions["root.squashfs"] != versions["root.ovl.squashfs"] == f"liblzma {codecs.VERSION}"
    said = desk.pvr("app", "update", "app", "--from", two, "--patch", "--force")
    assert said.count("other bytes") == 1 and "app/root.ovl.squashfs: packed with" in said


def test_a_signature_does_not_cover_the_record(desk: Desk, tmp_path: Path) -> None:
    keys.generate(tmp_path / "keys", common_name="Test", algorithm="ES256")
    desk.pvr("add")
    desk.pvr("commit")
    signing = ("--key", str(tmp_path / "keys/key.pem"), "--x5c", str(tmp_path / "keys/x5c.pem"))
    desk.pvr("sig", *signing, "add", "--part", "app")
    repository = Repository(desk.root)
    trust = keys.TrustStore.load(tmp_path / "keys/ca.crt")
    keys.verify_state(repository.state, trust, strict=False)
    (desk.root / "app/src.json").write_text(json.dumps({**desk.source, "squashfs": {}}))
    desk.pvr("commit")
    keys.verify_state(repository.state, trust, strict=False)


def test_attributes_that_have_no_place_are_reported(desk: Desk, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "rootfs.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("file")
        member.pax_headers = {
            "SCHILY.xattr.system.posix_acl_access": "\2\0\0\0",
            "SCHILY.xattr.user.kept": "1",
        }
        archive.addfile(member)
    source = ("--type", "rootfs", "--from", str(tmp_path / "rootfs.tar"))
    said = desk.pvr("app", "add", "acl", *source, "--status-goal", "MOUNTED")
    assert "pvr: warning: acl: squashfs has no place for system.posix_acl_access, so" in said


# In a build: the job, with the export of the build before.


@pytest.fixture
def job(tmp_path: Path) -> jobs.ExportContainer:
    images.write_files(
        tmp_path / "oci", images.layout_files(images.image(ONE, config={"ExposedPorts": {"80/tcp": {}}}))
    )
    keys.generate(tmp_path / "keys", common_name="Test", algorithm="ES256")
    signing = jobs.Signing(tmp_path / "keys/key.pem", tmp_path / "keys/x5c.pem")
    return jobs.ExportContainer(
        name="app", layout=tmp_path / "oci", reference="localhost/one:1", platform="linux/amd64",
        arguments={}, volumes=(), profile="fast", signing=signing, work=tmp_path,
        output=tmp_path / "app.pvrexport.tgz", before=tmp_path / "before.tgz",
    )  # fmt: skip


def earlier(job: jobs.ExportContainer, version: str) -> None:
    """The export of a build by another version, whose bytes were different."""
    assert job.before is not None
    pool = ObjectPool(job.work / "before-objects")
    state = export.read(job.output, pool)
    source: Any = json.loads(json.dumps(state["app/src.json"]))
    source["squashfs"]["root.squashfs"]["version"] = version
    export.write(
        job.before,
        State({**state, "app/src.json": source, "app/root.squashfs": pool.put_bytes(b"other bytes")}),
        pool,
    )


def test_a_rebuild_by_another_version_is_reported(job: jobs.ExportContainer) -> None:
    assert container.export_container(job).warnings == ()
    first = job.output.read_bytes()
    earlier(job, "libzstd 0.1")
    (warning,) = container.export_container(job).warnings
    assert warning.startswith("app/root.squashfs: packed with libzstd 0.1 before, now 1.")
    assert job.output.read_bytes() == first


@pytest.mark.parametrize("content", [b"", b"no export", b"\x1f\x8b broken"])
def test_whatever_lies_where_the_last_export_was_stops_no_build(
    job: jobs.ExportContainer, content: bytes
) -> None:
    assert job.before is not None
    job.before.write_bytes(content)
    assert container.export_container(job).warnings == ()
    assert container.export_container(replace(job, before=job.work)).warnings == ()


def test_a_build_notes_what_has_no_place_on_a_device(
    job: jobs.ExportContainer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {**vars(job), "signing": vars(job.signing)}
    (tmp_path / "job.json").write_text(json.dumps(document, default=str))
    assert cli.main(["export-container", "--job", str(tmp_path / "job.json")]) == 0
    said = capsys.readouterr().err
    assert "note: app: the image's ExposedPorts" in said and "warning" not in said


def test_a_build_s_epoch_is_the_latest_time_in_the_image(job: jobs.ExportContainer, tmp_path: Path) -> None:
    written = []
    for epoch in (None, 1000, 1000):
        container.export_container(replace(job, epoch=epoch))
        pool = ObjectPool(tmp_path / "pool")
        image = pool.path(str(export.read(job.output, pool)["app/root.squashfs"]))
        written.append((int.from_bytes(image.read_bytes()[8:12], "little"), job.output.read_bytes()))
    assert written[0] != written[1] == written[2] and written[1][0] == 1000
