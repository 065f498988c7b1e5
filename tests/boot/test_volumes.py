# SPDX-License-Identifier: MIT
"""Volumes and the configuration overlay of a container, on an image that is changed and signed anew."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from devtools import guest as qemu
from devtools import services
from monitor import order, press_reset
from pantavisor import cjson, keys
from pantavisor.state import State
from place import BOOT_SECONDS, KEY_DIR
from storage import STATE_PATH, Storage

WEB = "demo-nginx"
CONF = f"{WEB}/lxc.container.conf"
RUN = f"{WEB}/run.json"
PAGE = f"_config/{WEB}/usr/share/nginx/html/from/state.json"
# The image's own, with a folder that belongs to its user.
PLACE = "var/lib/nginx"
VOLUME = "docker--var-lib-nginx"
PERMANENT = f"/disks/perm/{WEB}/{VOLUME}"
WWW_DATA = 33
ANSWER_SECONDS = 600
SLOW = 400_000  # bytes a second


def add_volume(storage: Storage, place: str, tmp_path: Path) -> None:
    """Gives the container a permanent volume at ``place`` of its root, and a page that only the state
    holds.
    """
    volume = f"docker--{place.replace('/', '-')}"
    old = State.parse(storage.read(STATE_PATH, tmp_path))
    conf = storage.read(f"/trails/0/{CONF}", tmp_path)
    conf += f"lxc.mount.entry = /volumes/{WEB}/{volume} {place} none bind,rw,create=dir 0 0\n".encode()
    run = json.loads(storage.read(f"/trails/0/{RUN}", tmp_path))
    run["storage"][volume] = {"persistence": "permanent"}
    storage.remove(f"/trails/0/{CONF}")
    conf_id = storage.add_object(f"/trails/0/{CONF}", conf, tmp_path)
    signer = keys.PemSigner.load(KEY_DIR / "key.pem", KEY_DIR / "x5c.pem")
    state = keys.resign(old.with_files({CONF: conf_id, RUN: run, PAGE: {"from": "the state"}}), signer)
    storage.replace(STATE_PATH, state.dumps(), tmp_path)
    storage.add(f"/trails/0/{PAGE}", cjson.dumps(state[PAGE]), tmp_path)
    for path, value in state.inline().items():
        if path in old and old[path] != value:
            storage.replace(f"/trails/0/{path}", cjson.dumps(value), tmp_path)


@pytest.fixture
def storage(copy: Path, tmp_path: Path) -> Storage:
    """The image with a permanent volume and a page that only the state holds."""
    storage = Storage.of(copy)
    add_volume(storage, PLACE, tmp_path)
    return storage


def owner_and_mode(storage: Storage, path: str) -> tuple[int, int]:
    found = re.search(r"Mode:\s+0?(\d+).*?User:\s+(\d+)", storage.debugfs(f"stat {path}"), re.DOTALL)
    assert found
    return int(found[2]), int(found[1], 8)


def test_volume_begins_as_the_image_has_it_and_keeps_what_becomes_of_it(
    storage: Storage, start: Callable[..., qemu.Guest], tmp_path: Path
) -> None:
    with start(storage.image, persist=True) as device:
        device.wait_for("revision 0 RUNNING", timeout=BOOT_SECONDS)
        page = services.ask_http(
            f"http://127.0.0.1:{device.port(80)}/from/state.json", timeout=ANSWER_SECONDS
        )
        assert json.loads(page) == {"from": "the state"}
    storage.replay(tmp_path)
    assert owner_and_mode(storage, PERMANENT)[0] == WWW_DATA
    assert owner_and_mode(storage, f"{PERMANENT}/body")[0] == WWW_DATA
    assert not storage.exists(f"{PERMANENT}#new")
    # Its next use changes nothing of what became of it.
    storage.debugfs(f"rmdir {PERMANENT}/body", f"set_inode_field {PERMANENT} uid 7", write=True)
    with start(storage.image, persist=True) as device:
        device.wait_for("revision 0 RUNNING", timeout=BOOT_SECONDS)
    storage.replay(tmp_path)
    assert owner_and_mode(storage, PERMANENT)[0] == 7
    assert not storage.exists(f"{PERMANENT}/body")


@pytest.mark.parametrize("link", ["/disks/perm", f"/disks/perm/{WEB}", PERMANENT])
def test_link_in_place_of_a_volume_leads_nowhere(
    storage: Storage, start: Callable[..., qemu.Guest], link: str
) -> None:
    if storage.exists(link):
        storage.debugfs(f"rmdir {link}", write=True)
    storage.add_link(link, "/")
    with start(storage.image, persist=True) as device:
        line = device.wait_for(
            f"container {WEB} cannot be mounted: .*a symbolic link is in the way", timeout=BOOT_SECONDS
        )
        assert line
        device.wait_for("container demo-system STARTED", timeout=BOOT_SECONDS)
        assert f"container {WEB} STARTED" not in device.console


def test_device_obeys_while_a_large_volume_is_filled_and_begins_it_anew(
    copy: Path, start: Callable[..., qemu.Guest], tmp_path: Path
) -> None:
    storage, monitor = Storage.of(copy), tmp_path / "monitor"
    add_volume(storage, "usr", tmp_path)
    extra = ("-monitor", f"unix:{monitor},server,nowait")
    with start(storage.image, persist=True, reboot=False, extra=extra) as device:
        device.wait_for("revision 0 verified", timeout=BOOT_SECONDS)
        # A slow medium: the 60 MB of the image's usr take minutes.
        order(monitor, f"block_set_io_throttle disk 0 0 {SLOW} 0 0 0")
        device.wait_for("container demo-system STARTED", timeout=BOOT_SECONDS)
        press_reset(device, monitor)
        assert f"container {WEB} MOUNTED" not in device.console
        order(monitor, "block_set_io_throttle disk 0 0 0 0 0 0")
        device.wait_for("ending: rebooting", timeout=ANSWER_SECONDS)
        device.wait_end(timeout=ANSWER_SECONDS)
    storage.replay(tmp_path)
    assert not storage.exists(f"/disks/perm/{WEB}/docker--usr")
    with start(storage.image, persist=True) as device:
        device.wait_for("revision 0 RUNNING", timeout=BOOT_SECONDS)
        page = services.ask_http(
            f"http://127.0.0.1:{device.port(80)}/from/state.json", timeout=ANSWER_SECONDS
        )
        assert json.loads(page) == {"from": "the state"}
    storage.replay(tmp_path)
    assert storage.exists(f"/disks/perm/{WEB}/docker--usr/sbin/nginx")
    assert not storage.exists(f"/disks/perm/{WEB}/docker--usr#new")
