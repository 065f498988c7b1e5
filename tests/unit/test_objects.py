# SPDX-License-Identifier: MIT
"""The pool: one file per content, read-only, never half there, never another inode."""

import hashlib
import io
import os
from pathlib import Path

import pytest
from pantavisor.errors import DigestError, FormatError, NotFound
from pantavisor.objects import ObjectPool, ScratchPool

DATA = b"content of an object"
OBJECT = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def pool(tmp_path: Path) -> ObjectPool:
    return ObjectPool(tmp_path / "objects")


def test_objects_are_named_by_their_content_and_read_only(pool: ObjectPool, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA)
    assert (
        pool.put_bytes(DATA)
        == pool.put_file(tmp_path / "file")
        == pool.put_stream(io.BytesIO(DATA))
        == OBJECT
    )
    assert list(pool) == [OBJECT] == os.listdir(pool.root)
    assert pool.path(OBJECT).stat().st_mode & 0o777 == 0o444
    assert pool.verify(OBJECT).read_bytes() == DATA and pool.size(OBJECT) == len(DATA)
    assert OBJECT in pool and "b" * 64 not in pool and 5 not in pool
    with pool.open(OBJECT) as stream:
        assert stream.read() == DATA


def test_a_moved_file_is_gone_from_its_place(pool: ObjectPool, tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "file").write_bytes(DATA)
        assert pool.put_file(tmp_path / "file", move=True) == OBJECT
        assert not (tmp_path / "file").exists()
    assert pool.path(OBJECT).stat().st_nlink == 1


def test_a_good_object_keeps_its_inode_and_a_torn_one_is_repaired(pool: ObjectPool, tmp_path: Path) -> None:
    pool.put_bytes(DATA)
    inode = pool.path(OBJECT).stat().st_ino
    (tmp_path / "file").write_bytes(DATA)
    pool.put_stream(io.BytesIO(DATA))
    with pool.staging() as staged:
        staged.put_bytes(DATA)
    pool.put_file(tmp_path / "file", move=True)
    assert pool.path(OBJECT).stat().st_ino == inode
    pool.path(OBJECT).chmod(0o644)  # objects are for reading, but to root
    os.truncate(pool.path(OBJECT), 3)
    pool.put_stream(io.BytesIO(DATA))
    assert pool.verify(OBJECT)


def test_what_is_not_as_expected_is_not_kept(pool: ObjectPool) -> None:
    class Broken(io.BytesIO):
        def read(self, size: "int | None" = -1) -> bytes:
            raise OSError("broken")

    with pytest.raises(DigestError, match="damaged"):
        pool.put_stream(io.BytesIO(b"other"), expected=OBJECT)
    with pytest.raises(OSError, match="broken"):
        pool.put_stream(Broken())
    assert os.listdir(pool.root) == []


def test_damage_is_found(pool: ObjectPool) -> None:
    pool.put_bytes(DATA)
    pool.path(OBJECT).chmod(0o644)
    pool.path(OBJECT).write_bytes(DATA.upper())
    with pytest.raises(DigestError, match=OBJECT):
        pool.verify(OBJECT)


def test_staging_brings_all_or_nothing(pool: ObjectPool) -> None:
    with pytest.raises(ValueError), pool.staging() as staged:
        staged.put_bytes(DATA)
        raise ValueError
    assert not pool.root.exists()
    with pool.staging() as staged:
        staged.put_bytes(DATA)
        assert OBJECT not in pool
    assert os.listdir(pool.root) == [OBJECT]


def test_taking_from_another_pool_verifies(pool: ObjectPool, tmp_path: Path) -> None:
    other = ObjectPool(tmp_path / "other")
    other.put_bytes(DATA)
    pool.copy_from(other, OBJECT)
    assert pool.verify(OBJECT)
    again = ObjectPool(tmp_path / "again")
    other.path(OBJECT).chmod(0o644)
    other.path(OBJECT).write_bytes(b"damaged")
    with pytest.raises(DigestError):
        again.copy_from(other, OBJECT)
    assert list(again) == []


@pytest.mark.parametrize("name", ["../x", "A" * 64, "a" * 63, "", "a" * 64 + "\n"])
def test_names_that_are_no_object_ids(pool: ObjectPool, name: str) -> None:
    with pytest.raises(FormatError):
        pool.path(name)


def test_a_missing_object_is_reported(pool: ObjectPool) -> None:
    for use in (pool.open, pool.verify, pool.size):
        with pytest.raises(NotFound, match=OBJECT):
            use(OBJECT)


def test_what_fails_makes_no_pool(tmp_path: Path) -> None:
    absent = ObjectPool(tmp_path / "absent")
    for fails in (lambda: absent.link("a" * 64, tmp_path / "x"), lambda: absent.remove("a" * 64)):
        with pytest.raises(NotFound):
            fails()
    absent.clean()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind, lasts", [(ObjectPool, True), (ScratchPool, False)])
def test_only_what_lasts_waits_for_the_disk(
    kind: type[ObjectPool], lasts: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, synced, fsync = kind(tmp_path / "objects"), [], os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino) or fsync(descriptor)
    )
    (tmp_path / "file").write_bytes(b"moved")
    made = [
        pool.put_bytes(b"bytes"),
        pool.put_stream(io.BytesIO(b"stream")),
        pool.put_file(tmp_path / "file", move=True),
    ]
    with pool.staging() as staged:
        made.append(staged.put_bytes(b"staged"))
    inodes = {pool.path(object_id).stat().st_ino for object_id in made}
    assert inodes <= set(synced) if lasts else not inodes & set(synced)


def test_an_object_is_verified_while_it_is_read(pool: ObjectPool) -> None:
    pool.put_bytes(DATA)
    with pool.open_verified(OBJECT) as stream:
        assert stream.read() == DATA
    pool.path(OBJECT).chmod(0o644)
    pool.path(OBJECT).write_bytes(DATA.upper())
    with pool.open_verified(OBJECT) as stream, pytest.raises(DigestError, match=OBJECT):
        stream.read()
