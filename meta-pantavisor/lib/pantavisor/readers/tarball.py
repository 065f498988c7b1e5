# SPDX-License-Identifier: MIT
"""Reading an export: what its device reader would not take is a finding, what cannot be read at all is
Damaged.

Devices know ustar, ``json`` first, then ``objects/<64 hex>``, nothing else. ``export.read`` passes over
folders and headers that only describe, so these are read here, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO

from .. import codecs
from ..errors import PantavisorError
from ..tar.form import ANY, MAX_EXTENDED_BYTES, PASSED_OVER, POSIX, REPACK, check_extended
from .findings import Damaged, Findings
from .target import CHUNK, MAX_ENTRIES, Reader

BLOCK = 512
MAX_BYTES = 64 * 1024**3  # of an unpacked export
_OBJECT = re.compile(r"objects/([0-9a-f]{64})")


@dataclass(frozen=True)
class Member:
    name: str
    at: int
    size: int


def is_tarball(head: bytes) -> bool:
    """Whether the first 512 bytes of a file are those of a tar, or of something packed, which no disk image
    is.
    """
    return is_packed(head) or head[257:262] == ANY


def is_packed(head: bytes) -> bool:
    return codecs.detect(head) != "none"


def unpack(source: Reader, target: BinaryIO, findings: Findings) -> None:
    """Write the unpacked ``source`` to ``target``. Raises Damaged for what holds no tar, before it is
    unpacked whole.
    """
    compression = codecs.detect(source.pread(codecs.MAGIC_BYTES, 0))
    if compression != "gzip":
        _note_form(findings, "tar", f"is packed with {compression}, which devices do not read")
    written = 0
    try:
        for chunk in codecs.unpack(_Stream(source), what="the export"):
            if not written and chunk[257:262] != ANY:
                raise Damaged(
                    f"holds no tar in its {compression} stream; unpack a disk image before it is verified"
                )
            written += target.write(chunk)
            if written > MAX_BYTES:
                raise Damaged(f"the export unpacks to more than {MAX_BYTES} bytes")
    except PantavisorError as error:
        raise Damaged(error.message) from error
    target.flush()


class _Stream:
    """A Reader as the stream that codecs read."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._at = 0

    def read(self, size: int, /) -> bytes:
        chunk = self._reader.pread(size, self._at)
        self._at += len(chunk)
        return chunk


def read(tar: Reader, findings: Findings) -> tuple[Member, dict[str, list[Member]]]:
    """The member ``json`` and all copies of the objects by id. Raises Damaged for a tar that ends early or
    holds no state.
    """
    members = _members(tar, findings)
    if not members or members[0].name != "json":
        raise Damaged("the first member of the export is not json")
    objects: dict[str, list[Member]] = {}
    for member in members[1:]:
        match = _OBJECT.fullmatch(member.name)
        if match is None:
            findings.add("export-member", member.name[:100], "is neither json nor an object")
        else:
            objects.setdefault(match.group(1), []).append(member)
    return members[0], objects


def _members(tar: Reader, findings: Findings) -> list[Member]:
    """The files."""
    found: list[Member] = []
    at = 0
    for _ in range(MAX_ENTRIES):
        header = tar.pread(BLOCK, at)
        if len(header) < BLOCK:
            raise Damaged("the tar ends without its two blocks of zeros")
        if not any(header):
            _check_end(tar, at, findings)
            return found
        member = _member(header, at + BLOCK, findings)
        if member.at + member.size > tar.size:
            raise Damaged(f"{member.name[:100]} is cut off")
        if header[156:157] not in PASSED_OVER:
            found.append(member)
        else:
            _check_extended(header[156:157], tar, member)
        at = member.at + -(-member.size // BLOCK) * BLOCK
    raise Damaged(f"the tar has more than {MAX_ENTRIES} members")


def _check_end(tar: Reader, at: int, findings: Findings) -> None:
    if tar.size < at + 2 * BLOCK:
        findings.add("export-end", "tar", "the tar ends with one block of zeros instead of two")
    while chunk := tar.pread(CHUNK, at):
        if any(chunk):
            findings.add("export-end", "tar", "something follows the end of the tar")
            return
        at += len(chunk)


def _member(header: bytes, at: int, findings: Findings) -> Member:
    total = sum(header) - sum(header[148:156]) + 8 * 32
    if header[257:262] != ANY or _octal(header[148:156]) != total:
        raise Damaged(f"the tar header at {at - BLOCK} is damaged, or not ustar")
    is_gnu = header[257:263] != POSIX
    prefix = b"" if is_gnu else _text(header[345:500])
    name = b"/".join(part for part in (prefix, _text(header[:100])) if part).decode("utf-8", "replace")
    if is_gnu:
        _note_form(findings, name, "has a header of GNU tar, which devices do not read")
    if header[156:157] in PASSED_OVER:
        _note_form(findings, name, "is a directory or an extended header, which devices do not read")
    elif header[156:157] not in (b"0", b"\0"):
        findings.add("export-member", name, "is not a regular file")
    if _text(header[157:257]):
        findings.add("export-member", name, "has a link target")
    if name.startswith("./"):
        _note_form(findings, name, "begins with ./, which devices do not read")
    return Member(name.removeprefix("./"), at, _octal(header[124:136]))


def _note_form(findings: Findings, where: str, sentence: str) -> None:
    """Once for each form: the first member represents all that the same program wrote."""
    if all(found.sentence != sentence for found in findings.items):
        findings.add("export-form", where, sentence, REPACK)


def _check_extended(kind: bytes, tar: Reader, member: Member) -> None:
    try:
        check_extended(
            kind, member.size, tar.pread(min(member.size, MAX_EXTENDED_BYTES), member.at), "the tar"
        )
    except PantavisorError as error:
        raise Damaged(error.message) from error


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not re.fullmatch(rb"[0-7]{0,12}", digits):
        raise Damaged("a tar header has a number that is not octal")
    return int(digits or b"0", 8)
