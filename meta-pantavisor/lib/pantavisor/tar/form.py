# SPDX-License-Identifier: MIT
"""What a tar of an export may hold that is not a file: folders, and pax headers that only describe.

Devices know neither, so none is written; but tar programs add them to what people pack by hand, and nothing
gets lost by passing over them.
"""

from __future__ import annotations

import re

from ..errors import FormatError, LimitError

PASSED_OVER = (b"5", b"x", b"g")
MAX_EXTENDED_BYTES = 64 * 1024
REPACK = "make a new one: pvr import FILE, then pvr export NEW.tgz"
# GNU tar ends its magic with blanks and has no prefix of a name.
POSIX, ANY = b"ustar\0", b"ustar"
_MEANS_MORE = re.compile(rb"(?:^|\n)[0-9]+ (?:path|linkpath|size|GNU\.sparse\.[^=]*|hdrcharset)=")


def check_extended(kind: bytes, size: int, content: bytes, what: str) -> None:
    """Raise FormatError for a pax header that renames the next member or gives it another size, and for a
    directory with content; LimitError for one of too many bytes.
    """
    if kind == b"5" and size:
        raise FormatError(f"{what} has a directory with content")
    if size > MAX_EXTENDED_BYTES:
        raise LimitError(
            f"{what} has an extended header of {size} bytes, more than the {MAX_EXTENDED_BYTES} allowed"
        )
    if kind != b"5" and _MEANS_MORE.search(content):
        raise FormatError(f"{what} has an extended header that names or sizes a member", hint=REPACK)
