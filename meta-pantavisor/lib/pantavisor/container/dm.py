# SPDX-License-Identifier: MIT
"""dm-verity of a container's volumes: ``<volume>.hash`` and ``_dm/<volume>.json`` next to the volume.

Which volumes are protected is stored in ``dm_enabled`` of src.json; run.json then names them with ``dm:``
in front. Salt and UUID are derived from the volume's content the first time, and kept from then on.
"""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Optional, cast

from .. import names, verity
from ..digest import is_object_id
from ..errors import FormatError
from ..objects import ObjectPool
from ..state import Value


def protect(
    name: str,
    volumes: Iterable[str],
    objects: Mapping[str, Value],
    pool: ObjectPool,
    scratch: Path,
    *,
    recorded: Optional[Mapping[str, Mapping[str, Any]]] = None,
) -> dict[str, Value]:
    """Hash files and manifests of ``volumes`` of the container; ``objects`` maps its paths to their
    objects. Raises FormatError.
    """
    files: dict[str, Value] = {}
    for volume in sorted(volumes):
        object_id = objects.get(f"{name}/{volume}")
        if not isinstance(object_id, str) or not is_object_id(object_id):
            known = [path.rpartition("/")[2] for path in objects if path.endswith(".squashfs")]
            raise names.unknown(volume, known, what=f"volume of {name}")
        salt, uuid = _kept((recorded or {}).get(volume, {}), f"{name}/_dm/{volume}.json")
        made = verity.format(
            pool.path(object_id), scratch / "volume.hash", salt=salt, uuid=uuid, data_sha256=object_id
        )
        files[f"{name}/{volume}.hash"] = pool.put_file(scratch / "volume.hash", move=True)
        manifest = made.manifest(data_device=volume, hash_device=f"{volume}.hash")
        files[f"{name}/_dm/{volume}.json"] = cast(Mapping[str, Any], manifest)
    return files


def parse_salt(text: str) -> bytes:
    """Hex digits, as veritysetup prints them; ``-`` is not a salt. Raises FormatError."""
    try:
        return b"" if text == "-" else bytes.fromhex(text)
    except ValueError:
        raise FormatError(
            f'"{text[:80]}" is not a salt', hint="use an even number of hex digits, mostly 64"
        ) from None


def parse_uuid(text: str) -> uuids.UUID:
    """Raises FormatError."""
    try:
        return uuids.UUID(text)
    except ValueError:
        raise FormatError(f'"{text[:80]}" is not a UUID', hint="run: uuidgen") from None


def _kept(document: Mapping[str, Any], what: str) -> tuple[Optional[bytes], Optional[uuids.UUID]]:
    salt, uuid = document.get("salt"), document.get("uuid")
    for member in (salt, uuid):
        if member is not None and not isinstance(member, str):
            raise FormatError(f"{what} has a salt or a uuid that is not a string")
    return (None if salt is None else parse_salt(salt)), (None if uuid is None else parse_uuid(uuid))
