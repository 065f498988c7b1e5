# SPDX-License-Identifier: MIT
"""Another release of revision 0: the image's state with files of ours, signed again with the build's own
keys.

What is wrong with it is wrong in spite of its signatures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pantavisor import keys
from pantavisor.state import State
from place import KEY_DIR
from storage import STATE_PATH, Storage, canonical

TRAIL = "/trails/0"


def sign_again(storage: Storage, files: Mapping[str, Any], scratch: Path) -> None:
    """Put ``files`` into revision 0: bytes become objects, other values inline JSON."""
    values = {
        path: _identity(value) if isinstance(value, bytes) else value for path, value in files.items()
    }
    state = State.parse(canonical(storage.state(scratch))).with_files(values)
    signer = keys.PemSigner.load(KEY_DIR / "key.pem", KEY_DIR / "x5c.pem")
    state = keys.resign(state, signer)
    for path, value in files.items():
        if isinstance(value, bytes):
            _put_object(storage, path, value, scratch)
    storage.replace(STATE_PATH, state.dumps(), scratch)
    inline = state.inline()
    for path in inline:
        if path in files or path.startswith("_sigs/"):
            _put(storage, f"{TRAIL}/{path}", canonical(inline[path]), scratch)


def replaced(storage: Storage, path: str, old: str, new: str, scratch: Path) -> bytes:
    """A text file of revision 0 with one line changed."""
    text = storage.read(f"{TRAIL}/{path}", scratch).decode()
    lines = [new if line.startswith(old) else line for line in text.splitlines()]
    assert new in lines, text
    return "\n".join(lines).encode() + b"\n"


def manifest(storage: Storage, path: str, scratch: Path, **members: Any) -> dict[str, Any]:
    """An inline file of revision 0 with other members."""
    document = json.loads(storage.read(f"{TRAIL}/{path}", scratch))
    return {**document, **members}


def _identity(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _put_object(storage: Storage, path: str, content: bytes, scratch: Path) -> None:
    source = scratch / "content"
    source.write_bytes(content)
    identity, place = _identity(content), f"{TRAIL}/{path}"
    folder, name = place.rsplit("/", 1)
    _make_room(storage, place)
    storage.debugfs(
        "cd /objects", f"write {source} {identity}", f"cd {folder}", f"ln /objects/{identity} {name}",
        f"set_inode_field /objects/{identity} links_count 2", write=True,
    )  # fmt: skip


def _put(storage: Storage, place: str, content: bytes, scratch: Path) -> None:
    source = scratch / "content"
    source.write_bytes(content)
    folder, name = place.rsplit("/", 1)
    _make_room(storage, place)
    storage.debugfs(f"cd {folder}", f"write {source} {name}", write=True)


def _make_room(storage: Storage, place: str) -> None:
    """The folders of a path, and no file in it."""
    folder, name = place.rsplit("/", 1)
    at = ""
    for part in folder.strip("/").split("/"):
        if part not in storage.names(at or "/"):
            storage.debugfs(f"cd {at or '/'}", f"mkdir {part}", write=True)
        at += f"/{part}"
    if name in storage.names(folder):
        storage.debugfs(f"rm {place}", write=True)
