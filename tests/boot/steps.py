# SPDX-License-Identifier: MIT
"""Updates of a running device: objects and steps, sent by a container that manages it."""

from __future__ import annotations

import hashlib
import http.client
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from control import Caller, wait_until
from pantavisor import keys
from pantavisor.state import State
from place import KEY_DIR


def signer() -> keys.PemSigner:
    """The build's own."""
    return keys.PemSigner.load(KEY_DIR / "key.pem", KEY_DIR / "x5c.pem")


def running(manager: Caller) -> State:
    """The state that runs."""
    return State.parse(json.dumps(manager.ask("GET", "/steps/current")[1]).encode())


def identity(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def put_objects(manager: Caller, contents: Iterable[bytes]) -> None:
    """Those that the device does not have."""
    for content in contents:
        path = f"/objects/{identity(content)}"
        if manager.ask("HEAD", path)[0] != 200:
            assert manager.ask("PUT", path, content) == (200, None)


def put_step(manager: Caller, name: str, files: Mapping[str, bytes]) -> None:
    """The running state with ``files`` added, signed again by the build's keys."""
    put_objects(manager, files.values())
    added = {path: identity(content) for path, content in files.items()}
    step = keys.resign(running(manager).with_files(added), signer())
    assert manager.ask("PUT", f"/steps/{name}", step.dumps()) == (200, None)


def put_part(manager: Caller, name: str, export: Path) -> None:
    """The running state with the part of a recipe's export in the place of its own."""
    with tarfile.open(export) as archive:
        members = {member.name: member for member in archive if member.isfile()}
        contents = {path: archive.extractfile(member) for path, member in members.items()}
        taken = {path: stream.read() for path, stream in contents.items() if stream}
    part = State.parse(taken.pop("json"))
    put_objects(manager, taken.values())
    current = running(manager)
    old = [path for path in current if path.partition("/")[0] in part.part_names()]
    step = keys.resign(current.without(old).with_files(part), signer())
    assert manager.ask("PUT", f"/steps/{name}", step.dumps()) == (200, None)


def progress(manager: Caller, name: str, status: str) -> dict[str, Any]:
    """What the device recorded, once it is of this status: that is written after the console's line."""
    found: dict[str, Any] = {}

    def ask() -> bool:
        answer, record = manager.ask("GET", f"/steps/{name}/progress")
        assert answer == 200 and isinstance(record, dict)
        found.update(record)
        return bool(record["status"] == status)

    wait_until(ask)
    return found


def names(manager: Caller) -> set[str]:
    """The revisions that it has."""
    return {step["name"] for step in manager.ask("GET", "/steps")[1]}


def answers(manager: Caller) -> bool:
    """False while the device boots."""
    try:
        return bool(manager.ask("GET", "/steps")[0] == 200)
    except (OSError, http.client.HTTPException):
        return False
