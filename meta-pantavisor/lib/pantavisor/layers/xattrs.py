# SPDX-License-Identifier: MIT
"""Extended attributes, as tar programs keep them in pax records: ``SCHILY.xattr.`` of star and GNU tar,
``LIBARCHIVE.xattr.`` of bsdtar (tar(5) of libarchive).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Optional
from urllib.parse import unquote_to_bytes

from ..errors import FormatError
from .limits import Limits, check
from .tree import Xattrs

_SCHILY = b"SCHILY.xattr."
_LIBARCHIVE = b"LIBARCHIVE.xattr."
_MAX_NAME_BYTES = 255


def from_records(records: Mapping[bytes, bytes], limits: Limits, *, what: str) -> Xattrs:
    """The extended attributes in ``records``, sorted by name.
    Where two programs' forms disagree SCHILY's counts.

    Raises FormatError.
    """
    found: dict[bytes, bytes] = {}
    for keyword, value in records.items():
        # Go reads none of these, so that a broken one has never kept an image from running.
        if keyword.startswith(_LIBARCHIVE) and (decoded := _base64(value)) is not None:
            found.setdefault(unquote_to_bytes(keyword[len(_LIBARCHIVE) :]), decoded)
    for keyword, value in records.items():
        # POSIX: a record without a value takes back what another set, so it is not an attribute itself.
        if keyword.startswith(_SCHILY) and value:
            found[keyword[len(_SCHILY) :]] = value
    for name, value in found.items():
        if not name or len(name) > _MAX_NAME_BYTES or b"\0" in name:
            raise FormatError(f"{what} has an extended attribute with an impossible name")
        check(len(value), limits.xattr_bytes, "bytes in one extended attribute")
    return tuple(sorted(found.items()))


def _base64(value: bytes) -> Optional[bytes]:
    try:
        # libarchive writes it without padding
        return base64.b64decode(value.rstrip(b"=") + b"=" * (-len(value.rstrip(b"=")) % 4), validate=True)
    except binascii.Error:
        return None
