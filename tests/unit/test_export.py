# SPDX-License-Identifier: MIT
"""The pvrexport: the published ones read, ours are plain ustar and always the same, hostile ones leave
nothing.
"""

import gzip
import hashlib
import os
import random
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pantavisor import export
from pantavisor.errors import DigestError, FormatError, LimitError, NotFound, PantavisorError
from pantavisor.objects import ObjectPool
from pantavisor.state import State

EXPORTS = Path(__file__).resolve().parents[1] / "vectors" / "exports"
DATA = b"content of an object"
OBJECT = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def pool(tmp_path: Path) -> ObjectPool:
    return ObjectPool(tmp_path / "pool")


def state(**files: Any) -> State:
    return State.empty().with_files(files or {"a": OBJECT, "b": OBJECT})


def entry(name: str, data: bytes, **changes: Any) -> bytes:
    header = tarfile.TarInfo(name)
    header.size = len(data)
    for attribute, value in changes.items():
        setattr(header, attribute, value)
    return header.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)


def bent(header: bytes, at: int, data: bytes) -> bytes:
    """A header with other bytes and the right checksum."""
    block = bytearray(header)
    block[at : at + len(data)] = data
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    return bytes(block)


JSON = entry("json", state().dumps())
GOOD = JSON + entry(f"objects/{OBJECT}", DATA) + bytes(1024)


@pytest.mark.parametrize("name", sorted(os.listdir(EXPORTS)))
def test_published_exports_read_and_ours_hold_the_same(name: str, pool: ObjectPool, tmp_path: Path) -> None:
    found = export.read(EXPORTS / name, pool)
    assert set(pool) == found.object_ids()
    for ours in ("ours.tgz", "ours.tar"):
        export.write(tmp_path / ours, found, pool)
        again = ObjectPool(tmp_path / f"pool.{ours}")
        assert export.read(tmp_path / ours, again) == found and set(again) == set(pool)


def test_what_is_packed_already_is_stored_and_the_rest_deflated(pool: ObjectPool, tmp_path: Path) -> None:
    noise, text = random.Random(1).randbytes(200_000), b"line of text\n" * 20_000
    framed = bytes(100_000) + noise + bytes(100_000)  # as a kernel: what counts is the middle
    held = state(
        a=pool.put_bytes(noise), b=pool.put_bytes(text), c=pool.put_bytes(framed), d=pool.put_bytes(b"")
    )
    export.write(tmp_path / "x.tar", held, pool)
    export.write(tmp_path / "x.tgz", held, pool)
    zipped = (tmp_path / "x.tgz").read_bytes()
    assert gzip.decompress(zipped) == (tmp_path / "x.tar").read_bytes()
    unpacked = subprocess.run(["gzip", "-dc", tmp_path / "x.tgz"], capture_output=True, check=True).stdout
    assert unpacked == gzip.decompress(zipped)
    assert zipped.count(noise[:5000]) == 2 and text[:1000] not in zipped
    assert len(zipped) < 2 * len(noise) + 200_000 + 20_000


def test_an_export_is_plain_ustar_json_first_sorted_once_and_always_the_same(
    pool: ObjectPool, tmp_path: Path
) -> None:
    other = pool.put_bytes(b"other")
    pool.put_bytes(DATA)
    held = state(z=other, a=OBJECT, b=OBJECT)
    for name in ("one.tar", "two.tar", "one.tgz", "two.TGZ", "three.tar.gz"):
        export.write(tmp_path / name, held, pool)
        os.utime(pool.path(OBJECT), (1, 1))
    plain = (tmp_path / "one.tar").read_bytes()
    assert (tmp_path / "two.tar").read_bytes() == plain
    zipped = (tmp_path / "one.tgz").read_bytes()
    assert (tmp_path / "two.TGZ").read_bytes() == zipped == (tmp_path / "three.tar.gz").read_bytes()
    assert gzip.decompress(zipped) == plain
    assert zipped[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"  # no name, no time
    with tarfile.open(tmp_path / "one.tar") as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == [
        "json",
        *(f"objects/{name}" for name in sorted([other, OBJECT])),
    ]
    assert {
        (member.mode, member.uid, member.gid, member.uname, member.gname, member.mtime)
        for member in members
    } == {(0o644, 0, 0, "", "", 0)}
    assert all(plain[257:265] == b"ustar\x0000" for _ in members)
    assert len(plain) == 1024 + sum(512 + -(-member.size // 512) * 512 for member in members)
    listed = subprocess.run(
        ["tar", "-tf", tmp_path / "one.tgz"], check=True, capture_output=True, text=True
    ).stdout
    assert listed.split() == [member.name for member in members]


def test_a_missing_object_leaves_no_file(pool: ObjectPool, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        export.write(tmp_path / "new.tgz", state(), pool)
    assert os.listdir(tmp_path) == []


@settings(deadline=None, max_examples=25)
@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.binary(max_size=2000), max_size=5),
    st.booleans(),
)
def test_whatever_goes_in_comes_out(
    tmp_path_factory: pytest.TempPathFactory, files: dict, zipped: bool
) -> None:
    root = tmp_path_factory.mktemp("export")
    pool = ObjectPool(root / "in")
    held = State.empty().with_files({name: pool.put_bytes(data) for name, data in files.items()})
    export.write(root / ("x.tgz" if zipped else "x.tar"), held, pool)
    taken = ObjectPool(root / "out")
    assert export.read(root / ("x.tgz" if zipped else "x.tar"), taken) == held
    assert {taken.path(object_id).read_bytes() for object_id in taken} == set(files.values())


def test_the_content_decides_whether_it_is_compressed(pool: ObjectPool, tmp_path: Path) -> None:
    (tmp_path / "odd.tar").write_bytes(gzip.compress(GOOD))
    (tmp_path / "odd.tgz").write_bytes(GOOD)
    assert export.read(tmp_path / "odd.tar", pool) == export.read(tmp_path / "odd.tgz", pool) == state()


HEADER = entry(f"objects/{OBJECT}", b"")
HOSTILE = {
    "empty": b"",
    "text": b"no tar at all" * 100,
    "no json": entry(f"objects/{OBJECT}", DATA),
    "json of nothing": entry("json", b"{}"),
    "json too large": entry("json", b"", size=9 * 1024 * 1024),
    "json last": entry(f"objects/{OBJECT}", DATA) + JSON,
    "two json": JSON + JSON,
    "escape": JSON + entry("objects/../../x", DATA),
    "absolute": JSON + entry("/etc/passwd", DATA),
    "other name": JSON + entry("objects/readme", DATA),
    "upper case": JSON + entry(f"objects/{OBJECT.upper()}", DATA),
    "link": JSON + entry(f"objects/{OBJECT}", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "hard link": JSON + entry(f"objects/{OBJECT}", b"", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
    "directory": JSON + entry("objects", b"", type=tarfile.DIRTYPE),
    "device": JSON + entry(f"objects/{OBJECT}", b"", type=tarfile.CHRTYPE),
    "pax": JSON + entry("PaxHeader", b"20 path=objects/abc\n", type=tarfile.XHDTYPE) + entry("x", DATA),
    "wrong content": JSON + entry(f"objects/{OBJECT}", DATA.upper()),
    "missing": JSON,
    "unnamed": JSON + entry(f"objects/{OBJECT}", DATA) + entry(f"objects/{'b' * 64}", b"x"),
    "too often": JSON + 3 * entry(f"objects/{OBJECT}", DATA),
    "truncated": GOOD[: len(JSON) + 512 + 5],
    "in padding": GOOD[: len(JSON) + 512 + len(DATA) + 5],
    "in header": GOOD[: len(JSON) + 100],
    "checksum": JSON + HEADER[:148] + b"0" * 8 + HEADER[156:],
    "binary size": JSON + bent(HEADER, 124, b"\x80" + bytes(10) + b"\x14") + DATA,
    "negative size": JSON + bent(HEADER, 124, b"\xff" * 12) + DATA,
    "minus size": JSON + bent(HEADER, 124, b"-0000000001\0") + DATA,
    "underscored size": JSON + bent(HEADER, 124, b"0000000_024\0") + DATA,
    "name in latin": JSON + bent(HEADER, 0, b"\xff\xfe"),
}


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("case", sorted(HOSTILE))
def test_hostile_archives_leave_nothing(case: str, zipped: bool, pool: ObjectPool, tmp_path: Path) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(gzip.compress(HOSTILE[case]) if zipped else HOSTILE[case])
    with pytest.raises(PantavisorError):
        export.read(path, pool)
    assert os.listdir(tmp_path) == ["hostile"]


@pytest.mark.parametrize("cut", [1, 5, 20, 60])
def test_damaged_gzip_is_an_error_of_the_format(cut: int, pool: ObjectPool, tmp_path: Path) -> None:
    whole = gzip.compress(GOOD)
    for damaged in (whole[:cut], whole[:cut] + b"\xff" * 20 + whole[cut + 20 :]):
        (tmp_path / "bad.tgz").write_bytes(damaged)
        with pytest.raises(PantavisorError):
            export.read(tmp_path / "bad.tgz", pool)


def test_a_failure_does_not_touch_what_the_pool_had(pool: ObjectPool, tmp_path: Path) -> None:
    kept = pool.put_bytes(b"mine")
    (tmp_path / "bad").write_bytes(JSON + entry(f"objects/{OBJECT}", DATA) + entry("objects/x", b""))
    with pytest.raises(FormatError):
        export.read(tmp_path / "bad", pool)
    assert os.listdir(pool.root) == [kept]


def test_objects_that_the_pool_has_may_be_left_out(pool: ObjectPool, tmp_path: Path) -> None:
    pool.put_bytes(DATA)
    (tmp_path / "partial").write_bytes(JSON + bytes(1024))
    assert export.read(tmp_path / "partial", pool) == state()


def test_a_bomb_is_cut_off_where_its_object_ends(
    pool: ObjectPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MAX_TOTAL_BYTES", 1000)
    zeros = bytes(2000)
    held = state(a=hashlib.sha256(zeros).hexdigest())
    bomb = entry("json", held.dumps()) + entry(f"objects/{held['a']}", zeros)
    (tmp_path / "bomb.tgz").write_bytes(gzip.compress(bomb))
    with pytest.raises(LimitError):
        export.read(tmp_path / "bomb.tgz", pool)
    # What follows the end of the archive is not even unpacked.
    (tmp_path / "tail.tgz").write_bytes(gzip.compress(GOOD + bytes(50_000_000)))
    export.read(tmp_path / "tail.tgz", pool)


def test_an_object_too_large_for_the_format_is_refused(
    pool: ObjectPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.put_bytes(DATA)
    monkeypatch.setattr(export, "MAX_OBJECT_BYTES", len(DATA) - 1)
    with pytest.raises(LimitError):
        export.write(tmp_path / "new.tar", state(), pool)
    assert not (tmp_path / "new.tar").exists()


def test_damaged_objects_do_not_go_out(pool: ObjectPool, tmp_path: Path) -> None:
    pool.put_bytes(DATA)
    pool.path(OBJECT).chmod(0o644)
    pool.path(OBJECT).write_bytes(DATA.upper())
    with pytest.raises(DigestError):
        export.write(tmp_path / "new.tgz", state(), pool)
    assert not (tmp_path / "new.tgz").exists()


def test_a_missing_file_is_reported(pool: ObjectPool, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        export.read(tmp_path / "none.tgz", pool)
