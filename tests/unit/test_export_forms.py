# SPDX-License-Identifier: MIT
"""Exports that people packed by hand: what import reads, verify reads, and says why a device would not."""

from __future__ import annotations

import io
import lzma
import subprocess
import tarfile
from pathlib import Path

import pytest
from pantavisor import audit, export
from pantavisor.errors import FormatError, PantavisorError
from pantavisor.objects import ObjectPool
from pantavisor.state import State
from sim import tools

GNU, POSIX = ["tar", "--format=gnu"], ["tar", "--format=ustar"]
FORM = "export-form"
# What was run in a folder with json and objects/, and what verify finds.
FORMS = {
    "objects named one by one": ([*POSIX, "-czf", "OUT", "json", "objects/ID"], []),
    "plain": ([*POSIX, "-cf", "OUT", "json", "objects/ID"], []),
    "tar's own way": (["tar", "-czf", "OUT", "json", "objects"], [FORM]),
    "GNU tar": ([*GNU, "-czf", "OUT", "json", "objects/ID"], [FORM]),
    "with a folder": ([*POSIX, "-czf", "OUT", "json", "objects"], [FORM]),
    "pax": (["tar", "--format=pax", "-czf", "OUT", "json", "objects/ID"], [FORM]),
    "dots": ([*POSIX, "-czf", "OUT", "./json", "./objects"], [FORM]),
    "xz": ([*POSIX, "-cJf", "OUT", "json", "objects/ID"], [FORM]),
    "bzip2": ([*POSIX, "-cjf", "OUT", "json", "objects/ID"], [FORM]),
    "bsdtar": (["bsdtar", "-czf", "OUT", "json", "objects/ID"], []),
    "bsdtar, pax": (["bsdtar", "--format=pax", "-czf", "OUT", "json", "objects"], [FORM]),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pool = ObjectPool(tmp_path / "pool")
    object_id = pool.put_bytes(b"content of an object")
    state = State.empty().with_files({"README.md": object_id})
    (tmp_path / "x/objects").mkdir(parents=True)
    (tmp_path / "x/json").write_bytes(state.dumps())
    (tmp_path / "x/objects" / object_id).write_bytes(b"content of an object")
    return tmp_path / "x"


def kinds(path: Path) -> list[str]:
    return sorted({finding.code for finding in audit.verify(path).findings})


@pytest.mark.parametrize("form", FORMS)
def test_what_tar_programs_write_is_read_alike(form: str, folder: Path, tmp_path: Path) -> None:
    words, expected = FORMS[form]
    tools.need(words[0], package="libarchive-tools" if words[0] == "bsdtar" else "tar")
    object_id = next((folder / "objects").iterdir()).name
    out = tmp_path / "export"
    subprocess.run(
        [word.replace("ID", object_id).replace("OUT", str(out)) for word in words], cwd=folder, check=True
    )
    other = ObjectPool(tmp_path / "other")
    assert object_id in export.read(out, other).object_ids() and object_id in other
    assert kinds(out) == expected


def packed(folder: Path, out: Path, **headers: str) -> Path:
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in (folder / "json", next((folder / "objects").iterdir())):
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size = path.stat().st_size
            member.pax_headers = {key.replace("_", "."): text for key, text in headers.items()}
            tar.addfile(member, io.BytesIO(path.read_bytes()))
    return out


def test_headers_that_only_describe_are_passed_over(folder: Path, tmp_path: Path) -> None:
    out = packed(folder, tmp_path / "export.tar", mtime="1700000000.5", comment="by hand")
    assert export.read(out, ObjectPool(tmp_path / "other")) and kinds(out) == [FORM]


@pytest.mark.parametrize(
    "headers", [{"path": "json"}, {"size": "3"}, {"GNU_sparse_map": "0,1"}, {"comment": "x" * 70_000}]
)
def test_headers_that_mean_more_are_refused_by_both(
    headers: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    out = packed(folder, tmp_path / "export.tar", **headers)
    with pytest.raises(PantavisorError, match="extended header"):
        export.read(out, ObjectPool(tmp_path / "other"))
    assert "unreadable" in kinds(out)


@pytest.mark.parametrize("content", [bytes(5000), b"EB" * 3000])
def test_a_packed_disk_image_is_called_what_it_may_be(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "image.img.xz").write_bytes(lzma.compress(content))
    found = audit.verify(tmp_path / "image.img.xz").findings
    assert any("unpack a disk image before it is verified" in finding.sentence for finding in found)
    with pytest.raises(FormatError, match="not a ustar archive|does not begin with"):
        export.read(tmp_path / "image.img.xz", ObjectPool(tmp_path / "other"))


def test_json_at_the_end_is_refused_by_both(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "export.tgz"
    subprocess.run([*POSIX, "-czf", out, "objects", "json"], cwd=folder, check=True)
    assert "unreadable" in kinds(out)
    with pytest.raises(FormatError, match='begin with an entry "json"'):
        export.read(out, ObjectPool(tmp_path / "other"))
