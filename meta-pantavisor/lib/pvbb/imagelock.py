# SPDX-License-Identifier: MIT
"""The lock file of images: the digest of each reference that a build names by a tag.

    {"images": {"docker.io/library/nginx:1.27": "sha256:…"}}

PVR_DOCKER_LOCK names it, scripts/lock writes it. A recipe takes its digest from there where it has none of
its own. As the reference is the key, a recipe that goes on to another tag is not built from the digest of
the old one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pantavisor import cjson, regular
from pantavisor.digest import Digest
from pantavisor.errors import FormatError, PantavisorError
from pantavisor.ref import Ref

MAX_BYTES = 4 * 1024 * 1024
PLACE_HINT = "check PVR_DOCKER_LOCK, and the rights of this user there"
MENDING_HINT = "correct it, or remove it and run: scripts/lock write DEVICE"
_MEMBERS = {"images"}


def read(path: Path) -> dict[str, Digest]:
    """What the file has; nothing where there is no file yet. Raises FormatError."""
    try:
        with regular.opened(path) as stream:
            return _images(path, stream.read(MAX_BYTES + 1))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise FormatError(
            f"the lock file {path} cannot be read: {error.strerror}", hint=PLACE_HINT
        ) from error
    except PantavisorError as error:
        message = error.message if str(path) in error.message else f"{path}: {error.message}"
        raise FormatError(message, hint=error.hint or MENDING_HINT) from error


def _images(path: Path, data: bytes) -> dict[str, Digest]:
    document = cjson.load_object(data, what=str(path), max_bytes=MAX_BYTES, unique=True)
    images = document.get("images")
    if set(document) != _MEMBERS or not isinstance(images, dict):
        raise FormatError(
            f'{path} is not a lock file of images: it holds one object, "images"',
            hint=MENDING_HINT,
        )
    return {_reference(path, key): _digest(path, key, value) for key, value in images.items()}


def dump(images: Mapping[str, Digest]) -> bytes:
    """The file, a line an image, for version control."""
    found = {reference: str(images[reference]) for reference in sorted(images)}
    return json.dumps({"images": found}, indent=2).encode() + b"\n"


def _reference(path: Path, text: str) -> str:
    ref = Ref.parse(text)
    if ref.digest is not None or str(ref) != text:
        raise FormatError(
            f'{path} has "{text}", which is not a whole reference with a tag',
            hint=f'write "{ref.name}:TAG"',
        )
    return text


def _digest(path: Path, key: str, value: object) -> Digest:
    if not isinstance(value, str):
        raise FormatError(f"{path}: the digest of {key} is not a string")
    return Digest.parse(value)
