# SPDX-License-Identifier: MIT
"""What was changed behind the build's back is refused twice: by ``pvr verify`` and by the device."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from devtools import guest as qemu
from place import BOOT_SECONDS
from storage import STATE_PATH, Storage, canonical

VICTIM = "demo-nginx"


@dataclass(frozen=True)
class Damage:
    """A way to change an image, and the words that must appear in the refusal."""

    name: str
    do: Callable[[Storage, Path], None]
    says: str

    def __str__(self) -> str:
        return self.name


def wrong_signature(storage: Storage, scratch: Path) -> None:
    """One character of a signature differs."""
    state = storage.state(scratch)
    envelope = state[f"_sigs/{VICTIM}.json"]
    first = envelope["signature"][0]
    envelope["signature"] = ("A" if first != "A" else "B") + envelope["signature"][1:]
    storage.replace(STATE_PATH, canonical(state), scratch)
    storage.replace(f"/trails/0/_sigs/{VICTIM}.json", canonical(envelope), scratch)


def corrupt_object(storage: Storage, scratch: Path) -> None:
    """One bit of a container's root file system differs."""
    storage.flip(f"/trails/0/{VICTIM}/root.squashfs")


def missing_container(storage: Storage, scratch: Path) -> None:
    """A container's root file system is gone from the pool and from the revision."""
    object_id = storage.state(scratch)[f"{VICTIM}/root.squashfs"]
    storage.remove(f"/objects/{object_id}")
    storage.remove(f"/trails/0/{VICTIM}/root.squashfs")


def missing_signature(storage: Storage, scratch: Path) -> None:
    """A container without a signature."""
    state = storage.state(scratch)
    del state[f"_sigs/{VICTIM}.json"]
    storage.replace(STATE_PATH, canonical(state), scratch)
    storage.remove(f"/trails/0/_sigs/{VICTIM}.json")


def added_path(storage: Storage, scratch: Path) -> None:
    """A path that no signature covers."""
    state = storage.state(scratch)
    state["stowaway/run.json"] = {"#spec": "service-manifest-run@1", "name": "stowaway"}
    storage.replace(STATE_PATH, canonical(state), scratch)


def _strip(storage: Storage, scratch: Path, *further: str) -> None:
    state = storage.state(scratch)
    own = (f"{VICTIM}/", f"_config/{VICTIM}/")
    for path in [
        path for path in state if path.startswith(own) or path in (f"_sigs/{VICTIM}.json", *further)
    ]:
        del state[path]
        storage.remove(f"/trails/0/{path}")
    storage.replace(STATE_PATH, canonical(state), scratch)


def stripped_part(storage: Storage, scratch: Path) -> None:
    """A container is gone with all that is its own: every signature left holds but that of the set."""
    _strip(storage, scratch)


def stripped_set(storage: Storage, scratch: Path) -> None:
    """The signature of the set is gone as well."""
    _strip(storage, scratch, "_sigs/_set.json")


def unlisted_file(storage: Storage, scratch: Path) -> None:
    """A file that would be on top of a container's root, in a folder of the state."""
    storage.add(f"/trails/0/_config/{VICTIM}/sbin/stowaway", b"#!/bin/sh\n", scratch)


def link_for_folder(storage: Storage, scratch: Path) -> None:
    """A link in place of the folder of the objects, to the same objects."""
    storage.debugfs("ln /objects /real", "unlink /objects", "symlink /objects real", write=True)


DAMAGES = [
    Damage("a wrong signature", wrong_signature, VICTIM),
    Damage("a corrupt object", corrupt_object, "root.squashfs|[0-9a-f]{8}"),
    Damage("a missing container", missing_container, "root.squashfs|[0-9a-f]{8}"),
    Damage("a missing signature", missing_signature, f"{VICTIM}|_set"),
    Damage("an added path", added_path, "stowaway"),
    Damage("a stripped part", stripped_part, "_sigs/_set.json"),
    Damage("a stripped part and no set", stripped_set, "no set signature binds the parts together"),
    Damage(
        "an unlisted file",
        unlisted_file,
        f"_config is not in the state|_config/{VICTIM}/sbin is not in the state",
    ),
    Damage("a link for a folder", link_for_folder, "symbolic link"),
]


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_verifier_and_device_refuse(
    damage: Damage,
    copy: Path,
    tmp_path: Path,
    verify: Callable[..., subprocess.CompletedProcess[str]],
    start: Callable[..., qemu.Guest],
) -> None:
    damage.do(Storage.of(copy), tmp_path)

    done = verify(copy)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr

    with start(copy) as broken:
        line = broken.wait_for(rf"revision 0 is unusable: .*({damage.says})", timeout=BOOT_SECONDS)
        assert line
        broken.wait_for(r"this device stops here: \S", timeout=600)
        assert "STARTED" not in broken.console


@pytest.mark.parametrize("name", ["pv-kernel.img", "pv-initrd.img"])
def test_verifier_and_boot_loader_refuse_what_was_changed_before_the_device_runs(
    name: str,
    copy: Path,
    verify: Callable[..., subprocess.CompletedProcess[str]],
    start: Callable[..., qemu.Guest],
) -> None:
    Storage.of(copy).flip(f"/trails/0/.pv/{name}")

    done = verify(copy)
    assert done.returncode == 2, done.stdout + done.stderr
    assert f".pv/{name}" in done.stderr and "boot-signature" in done.stderr

    with start(copy) as broken:
        broken.wait_for(r"bad signature", timeout=BOOT_SECONDS)
        broken.wait_for(r"revision 0 cannot be booted", timeout=600)
        assert "pantavisor 0." not in broken.console
