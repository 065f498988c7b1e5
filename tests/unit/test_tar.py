# SPDX-License-Identifier: MIT
"""One reading of tar headers, for layers and for archives of images alike."""

from __future__ import annotations

import io
import re
import tarfile
from typing import Optional

import pytest
from pantavisor import layers
from pantavisor.errors import FormatError, LimitError, PantavisorError
from pantavisor.layout import tarindex
from pantavisor.tar import Header, HeaderReader
from sim.headers import header, mutated, pax, record, summed

CONTENT = b"hello"
OCTAL = re.compile(rb" *[0-7]+[ \0]*")


def archive(*blocks: bytes) -> bytes:
    return b"".join(blocks) + CONTENT.ljust(512, b"\0") + bytes(1024)


def as_layer(data: bytes) -> dict[str, int]:
    tree = layers.from_tar(lambda: io.BytesIO(data))
    tree.load()
    return {name.decode("utf-8", "surrogateescape"): node.size for name, node in tree.root.entries.items()
            if isinstance(node, layers.File)}  # fmt: skip


def as_archive(data: bytes) -> dict[str, int]:
    return {name: member.size for name, member in tarindex.read(io.BytesIO(data), what="x").items()}


ACCEPTED = {
    "octal": archive(header()),
    "octal with blanks before": archive(header(size=b"          5 ")),
    "octal with garbage behind its end": archive(header(size=b"0000005\0junk")),
    "octal in twelve digits": archive(header(size=b"000000000005")),
    "base 256": archive(header(size=b"\x80" + bytes(10) + b"\x05")),
    "signed checksum": archive(summed(header("n\u00e4me", at265=b"\xc3\xa4"), signed=True)),
    "pax size": archive(pax(record("size", "5")), header(size=b"00000000000\0")),
    "pax size with zeros before": archive(pax(record("size", "005")), header(size=b"00000000000\0")),
    "pax filled up with zeros": archive(pax(record("size", "5") + bytes(40)),
                                        header(size=b"00000000000\0")),
    "pax name": archive(pax(record("path", "other")), header()),
    "pax name that is taken back": archive(pax(record("path", "")), header()),
    "global pax name": archive(pax(record("comment", "x"), b"g"), header()),
    "two long names": archive(
        header("././@LongLink", size=b"%011o\0" % 4, at156=b"L"), b"one\0".ljust(512, b"\0"), pax(b""),
        header()),
    "long name with something behind its end": archive(
        header("././@LongLink", size=b"%011o\0" % 9, at156=b"L"), b"one\0junk\0".ljust(512, b"\0"),
        header()),
    "Solaris pax": archive(pax(record("path", "sun"), b"X"), header()),
    "old ustar": archive(header(at257=bytes(8))),
    "star's prefix": archive(header(at345=bytes(131), at508=b"tar\0")),
    "contiguous": archive(header(at156=b"7")),
}  # fmt: skip
REFUSED = {
    "negative size in base 256": archive(header(size=b"\xff" * 12)),
    "negative size of a pax header": archive(header("pax", size=b"\xff" * 12, at156=b"x"), header()),
    "size that is not octal": archive(header(size=b"0000000009 \0")),
    "sign": archive(header(size=b"-0000000005\0")),
    "checksum": archive(header()[:100] + b"\1" + header()[101:]),
    "pax size with a sign": archive(pax(record("size", "-5")), header()),
    "pax size of twenty digits": archive(pax(record("size", "0" * 19 + "5")), header()),
    "pax length": archive(pax(b"99 path=x\n"), header()),
    "pax without a keyword": archive(pax(b"5 =x\n"), header()),
    "pax without its newline": archive(pax(b"9 path=xy"), header()),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_layers_and_archives_read_the_same_members(case: str) -> None:
    found = as_layer(ACCEPTED[case])
    assert found == as_archive(ACCEPTED[case]) and set(found.values()) == {5}


@pytest.mark.parametrize("case", REFUSED)
def test_layers_and_archives_refuse_the_same_headers(case: str) -> None:
    for read in (as_layer, as_archive):
        with pytest.raises(FormatError):
            read(REFUSED[case])


def first(data: bytes, *, max_bytes: int = 4096) -> Optional[Header]:
    return HeaderReader(io.BytesIO(data).read, max_bytes=max_bytes, what="x", count=lambda: None).next()


def by_tarfile(data: bytes) -> Optional[tuple[str, int, bytes, str]]:
    """What the standard library reads; None where it refuses, or reads by rules known to be its own."""
    last = data[-512:]
    # A prefix whatever the magic says; signs, and nothing where zero bytes come before the digits.
    if last[257:263] != b"ustar\0" or last[508:512] == b"tar\0" or not OCTAL.fullmatch(last[124:136]):
        return None
    try:
        with tarfile.open(fileobj=io.BytesIO(data + bytes(1024)), errors="surrogateescape") as tar:
            found = tar.next()
    except (tarfile.TarError, ValueError):
        return None
    return (found.name, found.size, found.type, found.linkname) if found else None


def test_what_is_read_of_mutated_headers_is_what_tarfile_reads() -> None:
    compared = 0
    for data in mutated(1000, seed=7):
        try:
            found = first(data)
        except PantavisorError:
            continue
        other = by_tarfile(data)
        if found is None or other is None or found.kind not in (b"0", b"\0", b"7", b"1", b"2", b"5"):
            continue
        name, size, kind, target = other
        compared += 1
        ours = found.name.decode("utf-8", "surrogateescape").rstrip("/")
        assert (ours, found.target.decode("utf-8", "surrogateescape")) == (name.rstrip("/"), target), data
        assert found.kind == kind and (found.size == size or kind in (b"1", b"2", b"5")), data
    assert compared > 250


def test_only_errors_of_ours_come_out_of_noise() -> None:
    for data in mutated(500, seed=8):
        for read in (as_layer, as_archive):
            try:
                read(data + CONTENT.ljust(512, b"\0"))
            except PantavisorError:
                pass


def test_an_extended_header_is_bounded_and_must_be_whole() -> None:
    whole = pax(record("path", "n" * 200))
    assert first(whole + header(), max_bytes=300) is not None
    with pytest.raises(LimitError, match="one extended header, more than the 100 allowed"):
        first(whole + header(), max_bytes=100)
    with pytest.raises(FormatError, match="in the middle of a header"):
        first(whole[:600])


def test_a_global_record_holds_until_it_is_replaced() -> None:
    reader = HeaderReader(
        io.BytesIO(
            pax(record("comment", "a"), b"g") + header() + pax(record("comment", "b")) + header() + header()
        ).read,
        max_bytes=512, what="x", count=lambda: None,
    )  # fmt: skip
    assert [dict(found.records) for found in iter(reader.next, None)] == [
        {b"comment": b"a"}, {b"comment": b"b"}, {b"comment": b"a"}]  # fmt: skip
