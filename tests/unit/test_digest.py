# SPDX-License-Identifier: MIT
"""Digests, object ids and the stream that verifies."""

import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pantavisor.digest import Digest, VerifyingReader, file_sha256, is_object_id
from pantavisor.errors import DigestError, FormatError

DATA = b"some bytes of a blob" * 500  # 10,000 bytes


def reader(data: bytes, *, promised: bytes = DATA, size: "int | None" = 10_000) -> VerifyingReader:
    return VerifyingReader(io.BytesIO(data), Digest.of(promised), size)


def test_a_digest_reads_back_as_written() -> None:
    digest = Digest.of(DATA)
    assert Digest.parse(str(digest)) == digest
    assert digest.hex == hashlib.sha256(DATA).hexdigest()
    assert Digest.parse("sha512:" + "0" * 128).algorithm == "sha512"


@pytest.mark.parametrize("text", [
    "", "sha256", "sha256:", "sha256:" + "A" * 64, "sha256:" + "0" * 63, "md5:" + "0" * 32, "0" * 64,
    "sha256:" + "0" * 64 + "\n",
])  # fmt: skip
def test_anything_else_is_not_a_digest(text: str) -> None:
    with pytest.raises(FormatError):
        Digest.parse(text)


def test_an_object_id_is_64_lowercase_hex_digits() -> None:
    assert is_object_id("a" * 64)
    assert not any(
        map(is_object_id, ["A" * 64, "a" * 63, "a" * 65, "g" * 64, "a" * 64 + "\n", None, 5, ["a" * 64]])
    )


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(DATA).hexdigest()


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(1, 50), st.booleans())
def test_good_data_passes_whatever_the_chunks(data: bytes, chunk: int, sized: bool) -> None:
    stream = reader(data, promised=data, size=len(data) if sized else None)
    parts = []
    while part := stream.read(chunk):
        parts.append(part)
    assert b"".join(parts) == data


@pytest.mark.parametrize("size", [10_000, None])
def test_changed_data_is_never_handed_out_whole(size: "int | None") -> None:
    stream, seen = reader(DATA[:-1] + b"!", size=size), b""
    with pytest.raises(DigestError):
        while part := stream.read(7):
            seen += part
    if size is not None:
        assert len(seen) < len(DATA)


def test_short_and_long_data_are_refused() -> None:
    with pytest.raises(DigestError, match="ends after"):
        reader(DATA[:-1]).finish()
    with pytest.raises(DigestError, match="longer"):
        reader(DATA + b"x").finish()
