# SPDX-License-Identifier: MIT
"""The cpio writer against the form that the kernel documents, read by a reader written here."""

from __future__ import annotations

import io
import stat

import pytest
from debpkg import cpio
from debpkg.errors import DebError
from sim.newc import read

EPOCH = 1_700_000_000


def archive(entries: dict[str, cpio.Entry], *, epoch: int = EPOCH) -> bytes:
    stream = io.BytesIO()
    cpio.write(stream, entries, epoch=epoch)
    return stream.getvalue()


def test_entries_come_back_with_their_folders() -> None:
    members = read(
        archive(
            {
                "usr/bin/init": cpio.file(b"12345", 0o755),
                "init": cpio.link("usr/bin/init"),
                "dev/console": cpio.character_device(5, 1),
            }
        )
    )
    assert list(members) == ["dev", "dev/console", "init", "usr", "usr/bin", "usr/bin/init"]
    fields, data = members["usr/bin/init"]
    assert data == b"12345"
    assert fields[1] == stat.S_IFREG | 0o755
    assert members["init"][1] == b"usr/bin/init"
    assert members["dev/console"][0][9:11] == [5, 1]
    assert stat.S_ISDIR(members["usr"][0][1])


def test_owner_time_and_numbers_are_given_ones() -> None:
    members = read(archive({"b": cpio.file(b""), "a": cpio.file(b"x")}))
    assert [fields[0] for fields, _ in members.values()] == [1, 2]
    assert all(fields[2:4] == [0, 0] and fields[5] == EPOCH for fields, _ in members.values())


def test_the_order_of_entries_does_not_show() -> None:
    one = {"a/x": cpio.file(b"1"), "b": cpio.folder()}
    assert archive(one) == archive(dict(reversed(one.items())))
    assert len(archive(one)) % 512 == 0


@pytest.mark.parametrize("path", ["/etc", "a//b", "../x", "a/./b", "", "a/"])
def test_a_path_that_leaves_the_archive_is_refused(path: str) -> None:
    with pytest.raises(DebError, match="plain relative path"):
        archive({path: cpio.file(b"")})


def test_a_file_below_a_file_or_a_link_is_refused() -> None:
    with pytest.raises(DebError, match="not a directory"):
        archive({"lib": cpio.link("usr/lib"), "lib/x": cpio.file(b"")})
