# SPDX-License-Identifier: MIT
"""Open an image wherever it rests: directory, archive, or the daemon of this machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Optional, Union

from ..errors import FormatError, NotFound
from ..oci import Platform
from ..ref import ImageSource
from . import archive
from .directory import DirectoryBlobs
from .image import OciImage, names_image, open_layout

PathIn = Union[str, "os.PathLike[str]"]


@contextmanager
def open_image(
    path: PathIn,
    platform: Optional[Platform] = None,
    *,
    name: Optional[str] = None,
    scratch: Optional[Path] = None,
) -> Iterator[OciImage]:
    """The image at ``path`` for ``platform`` (None: there must be only one), called ``name`` if there are
    several.

    A packed archive is unpacked into an unnamed file below ``scratch``. Raises FormatError, NotFound,
    PlatformError, LimitError, and DigestError while it is read.
    """
    where = Path(path)
    if where.is_dir():
        yield open_layout(DirectoryBlobs(where), platform, name, str(where))
        return
    if not where.is_file():
        raise NotFound(f"{where} is neither an OCI layout nor an archive", hint="check the path")
    with open(where, "rb") as stream, _archive(stream, platform, name, str(where), scratch) as image:
        yield image


@contextmanager
def open_daemon_image(
    name: str,
    platform: Optional[Platform] = None,
    *,
    socket: Optional[PathIn] = None,
    scratch: Optional[Path] = None,
) -> Iterator[OciImage]:
    """An image of the docker daemon at ``socket`` (None: the usual one),
    saved for the time of the block.
    """
    from . import daemon  # and with it http.client, which most sources do without

    with tempfile.TemporaryFile(dir=scratch) as stream:
        daemon.save(name, stream, socket=os.fspath(socket or daemon.SOCKET))
        with _archive(stream, platform, None, f"{name} of the docker daemon", scratch) as image:
            yield image


@contextmanager
def open_source(
    source: ImageSource, platform: Optional[Platform] = None, *, scratch: Optional[Path] = None
) -> Iterator[OciImage]:
    """Any source but a registry. Raises FormatError and NotFound."""
    if source.transport == "docker-daemon" and source.name:
        with open_daemon_image(source.name, platform, scratch=scratch) as image:
            yield image
    elif source.path is not None:
        if source.transport == "oci" and not Path(source.path).is_dir():
            raise NotFound(
                f"{source.path} is not a directory", hint="use oci-archive: or docker-archive: for a tar"
            )
        with open_image(source.path, platform, name=source.name, scratch=scratch) as image:
            yield image
    else:
        raise FormatError(f"{source} lies in a registry and must be pulled first")


@contextmanager
def _archive(
    stream: BinaryIO, platform: Optional[Platform], name: Optional[str], what: str, scratch: Optional[Path]
) -> Iterator[OciImage]:
    with archive.seekable(stream, what=what, scratch=scratch) as tar:
        blobs = archive.TarBlobs(tar, what)
        # docker >= 25 writes both forms into one tar; the OCI one promises more, and knows all platforms.
        if blobs.is_oci and (
            name is None or blobs.document("manifest.json") is None or names_image(blobs, name)
        ):
            yield open_layout(blobs, platform, name, what)
        else:
            yield archive.open_docker(blobs, platform, name)
