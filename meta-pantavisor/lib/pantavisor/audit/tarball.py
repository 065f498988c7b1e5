"""Reading an export as its device reader does: ustar, ``json`` first, then ``objects/<64 hex>``, nothing else."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from .report import Damaged, Findings
from .subject import CHUNK, MAX_ENTRIES, Reader

BLOCK = 512
MAX_BYTES = 64 * 1024**3  # of an unpacked export
_OBJECT = re.compile(r"objects/([0-9a-f]{64})")


@dataclass(frozen=True)
class Member:
    name: str
    at: int
    size: int


def is_tarball(head: bytes) -> bool:
    """Whether the first 512 bytes of a file are those of a gzip file or a tar."""
    return head[:2] == b"\x1f\x8b" or head[257:262] == b"ustar"


def unpack(source: Reader, target: BinaryIO) -> None:
    """Write the gunzipped ``source`` to ``target``."""
    unzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
    at = written = 0
    while not unzip.eof:
        chunk = unzip.unconsumed_tail or source.pread(CHUNK, at)
        at += 0 if unzip.unconsumed_tail else len(chunk)
        if not chunk:
            raise Damaged("the gzip stream is cut off")
        try:
            data = unzip.decompress(chunk, CHUNK)
        except zlib.error as error:
            raise Damaged(f"the gzip stream is damaged ({error})") from error
        written += target.write(data)
        if written > MAX_BYTES:
            raise Damaged(f"the export unpacks to more than {MAX_BYTES} bytes")
    target.flush()


def read(tar: Reader, findings: Findings) -> tuple[Member, dict[str, list[Member]]]:
    """The member ``json`` and all copies of the objects by id. Raises Damaged for a tar that ends early or holds no state."""
    members = list(_members(tar, findings))
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
    found: list[Member] = []
    at = 0
    while len(found) < MAX_ENTRIES:
        header = tar.pread(BLOCK, at)
        if len(header) < BLOCK:
            raise Damaged("the tar ends without its two blocks of zeros")
        if not any(header):
            _check_end(tar, at, findings)
            return found
        member = _member(header, at + BLOCK, findings)
        if member.at + member.size > tar.size:
            raise Damaged(f"{member.name[:100]} is cut off")
        found.append(member)
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
    if header[257:263] != b"ustar\0" or _octal(header[148:156]) != total:
        raise Damaged(f"the tar header at {at - BLOCK} is damaged, or not ustar")
    name = b"/".join(part for part in (_text(header[345:500]), _text(header[:100])) if part).decode("utf-8", "replace")
    if header[156:157] not in (b"0", b"\0"):
        findings.add("export-member", name, "is not a regular file", "devices know no extended headers")
    if _text(header[157:257]):
        findings.add("export-member", name, "has a link target")
    return Member(name, at, _octal(header[124:136]))


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not re.fullmatch(rb"[0-7]{0,12}", digits):
        raise Damaged("a tar header has a number that is not octal")
    return int(digits or b"0", 8)
