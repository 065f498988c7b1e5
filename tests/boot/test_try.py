# SPDX-License-Identifier: MIT
"""A revision deployed onto a device's storage: tried, committed when it ran well, and left when not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from card import deploy, mounted
from devtools import guest as qemu
from place import BOOT_SECONDS
from sim import tools
from storage import Storage

TRIED = "locals/next"


def progress(storage: Storage, revision: str, scratch: Path) -> dict[str, Any]:
    """What the device recorded of a revision."""
    record = json.loads(storage.read(f"/trails/{revision}/.pv/progress", scratch))
    assert isinstance(record, dict)
    return record


@pytest.fixture
def storage(copy: Path, tmp_path: Path) -> Storage:
    """The device's storage, with a second revision deployed onto it."""
    tools.need_root()
    storage = Storage.of(copy)
    with mounted(storage, tmp_path / "card") as card:
        said = deploy(card / "trails" / TRIED, card / "trails/0")
    assert f"the device tries {TRIED} once, and returns to 0" in said
    return storage


def test_a_tried_revision_is_committed_once_it_was_stable(
    storage: Storage, start: Callable[..., qemu.Guest], machine: str, tmp_path: Path
) -> None:
    with start(storage.image, persist=True) as running:
        running.wait_for(rf"revision {TRIED} RUNNING", timeout=BOOT_SECONDS)
        running.wait_for(rf"revision {TRIED} COMMITTED", timeout=BOOT_SECONDS)
    storage.replay(tmp_path)
    assert storage.boot_environment(machine, tmp_path) == (TRIED, "", "0")
    assert progress(storage, TRIED, tmp_path)["status"] == "DONE"
    assert storage.read(f"/trails/{TRIED}/.pv/done", tmp_path) == b"1"
    for links in ("trails", "logs"):
        assert f'dest: "{TRIED}"' in storage.debugfs(f"stat /{links}/current")
    assert ".pv-beside" not in storage.debugfs(f"ls -p /trails/{TRIED}/.pv")
    with start(storage.image) as running:
        running.wait_for(rf"revision {TRIED} RUNNING", timeout=BOOT_SECONDS)
        assert "TESTING" not in running.console


def test_a_tried_revision_that_is_damaged_leads_back_and_is_forgotten(
    storage: Storage, start: Callable[..., qemu.Guest], machine: str, tmp_path: Path
) -> None:
    storage.remove(f"/trails/{TRIED}/demo-nginx/run.json")
    storage.add(f"/trails/{TRIED}/demo-nginx/run.json", b"{}", tmp_path)
    with start(storage.image, persist=True) as running:
        running.wait_for(rf"revision {TRIED} is unusable", timeout=BOOT_SECONDS)
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        running.wait_for(rf"the try of revision {TRIED} is over, revision 0 stays", timeout=BOOT_SECONDS)
    storage.replay(tmp_path)
    assert storage.boot_environment(machine, tmp_path) == ("0", "", "")
    record = progress(storage, TRIED, tmp_path)
    assert (record["status"], record["status-msg"]) == (
        "ERROR",
        "Object validation went wrong: demo-nginx/run.json differs from the state",
    )
