# SPDX-License-Identifier: MIT
"""Block maps read: ours, those of other tools, and what is not one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from pantavisor.disk import bmap
from pantavisor.errors import FormatError, LimitError

SIZE = 40_960


@pytest.fixture
def text(tmp_path: Path) -> bytes:
    image = tmp_path / "image"
    image.write_bytes(bytes(range(256)) * (SIZE // 256))
    return bmap.make(image, [(0, 5000), (20_480, 24_576), (36_864, SIZE)]).text


def read(tmp_path: Path, text: bytes) -> bmap.ReadMap:
    (tmp_path / "map").write_bytes(text)
    return bmap.read(tmp_path / "map")


def sealed(text: bytes) -> bytes:
    """With the checksum that belongs to it."""
    start = text.index(b"<BmapFileChecksum>") + len(b"<BmapFileChecksum>")
    blank = text[:start] + b"0" * 64 + text[start + 64 :]
    return blank[:start] + hashlib.sha256(blank).hexdigest().encode() + blank[start + 64 :]


def test_what_is_written_is_read(tmp_path: Path, text: bytes) -> None:
    found = read(tmp_path, text)
    spans = [(one.start, one.end) for one in found.ranges]
    assert (found.size, spans) == (SIZE, [(0, 8192), (20_480, 24_576), (36_864, SIZE)])
    assert found.mapped == 16_384
    image = (tmp_path / "image").read_bytes()
    assert all(hashlib.sha256(image[one.start : one.end]).hexdigest() == one.sha256 for one in found.ranges)


def test_the_last_block_ends_with_the_image(tmp_path: Path, text: bytes) -> None:
    short = sealed(text.replace(b"<ImageSize>40960", b"<ImageSize>40448"))
    assert read(tmp_path, short).ranges[-1].end == 40_448


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b'version="2.0"', b'version="1.4"', "its version is not 2"),
        (b"<bmap", b"<!DOCTYPE bmap [<!ENTITY a 'aaaa'>]><bmap", "declares a type of document"),
        (b"sha256<", b"md5<", "its checksums are not sha256"),
        (b"<ImageSize>40960", b"<ImageSize>0", "an image of 0 bytes"),
        (b"<ImageSize>40960", b"<ImageSize>" + b"9" * 18, "an image of 9"),
        (b"<ImageSize>40960", b"<ImageSize>many", '"many" is not a number'),
        (b"<BlockSize>4096", b"<BlockSize>1", "in blocks of 1"),
        (b">5<", b">1<", 'range "1" overlaps'),
        (b">5<", b">9-8<", 'range "9-8" overlaps'),
        (b">9<", b">10<", 'range "10" overlaps'),
        (b">5<", b">5-<", '"" is not a number'),
        (b'chksum="', b'checksum="', "has no checksum"),
        (b"</bmap>", b"", "not the XML of one"),
    ],
)
def test_what_is_not_a_block_map_is_refused(
    tmp_path: Path, text: bytes, old: bytes, new: bytes, sentence: str
) -> None:
    assert old in text
    with pytest.raises(FormatError, match=sentence) as found:
        read(tmp_path, sealed(text.replace(old, new, 1)))
    assert "is not a block map" in found.value.message and found.value.hint


def test_every_byte_of_it_counts(tmp_path: Path, text: bytes) -> None:
    for at in range(0, len(text), 7):
        changed = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
        with pytest.raises(FormatError):
            read(tmp_path, changed)


def test_an_endless_map_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bmap, "MAX_TEXT", 1000)
    with pytest.raises(LimitError):
        read(tmp_path, b" " * 1001)
