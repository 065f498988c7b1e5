# SPDX-License-Identifier: MIT
"""Blobs of an OCI image layout directory. Blob files may be symbolic links:
their names are their digests.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Optional

from .. import cjson, oci, regular
from ..digest import Digest, VerifyingReader
from ..errors import FormatError, LimitError, NotFound


class DirectoryBlobs:
    """``blobs/<algorithm>/<hex>`` below a directory that has the marker file ``oci-layout``,
    or an index all the same.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        marker = self.document("oci-layout")
        if marker is not None:
            check_marker(marker, str(root))
        elif self.document("index.json") is None:
            raise FormatError(
                f"{root} is not an OCI image layout", hint="name a directory with oci-layout and index.json"
            )

    def open(self, digest: Digest) -> BinaryIO:
        """Raises NotFound, and FormatError for what is not a plain file."""
        path = self._root / "blobs" / digest.algorithm / digest.hex
        try:
            return regular.opened(path)
        except FileNotFoundError:
            raise NotFound(f"{self._root} has no blob {digest}", hint="fetch the image again") from None

    def document(self, name: str) -> Optional[bytes]:
        """Raises FormatError, LimitError."""
        try:
            with regular.opened(self._root / name) as stream:
                data = stream.read(oci.MAX_MANIFEST_BYTES + 1)
        except FileNotFoundError:
            return None
        if len(data) > oci.MAX_MANIFEST_BYTES:
            raise LimitError(
                f"{self._root / name} is larger than the {oci.MAX_MANIFEST_BYTES} bytes allowed"
            )
        return data


def read_file(path: Path, digest: Digest, limit: int) -> bytes:
    """A file of at most ``limit`` bytes whose digest is known. Raises FormatError, LimitError."""
    with VerifyingReader(regular.opened(path), digest, None, what=str(path)) as stream:
        data = stream.read(limit)
        if stream.read(1):
            raise LimitError(f"{path} is larger than the {limit} bytes allowed")
        return data


def check_marker(data: bytes, what: str) -> None:
    """Raises FormatError."""
    version = cjson.load_object(data, what=f"{what}: oci-layout").get("imageLayoutVersion")
    if not isinstance(version, str) or not version.startswith("1."):
        raise FormatError(
            f"{what} is an OCI layout of version {str(version)[:40]!r}, and only 1.0.0 is known"
        )
