# SPDX-License-Identifier: MIT
"""A small whole device to examine and to damage: two containers and a bsp, signed, as tree, disk image and
export.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pantavisor import disk, export, keys, pvs, trail
from pantavisor.board import Board
from pantavisor.objects import ObjectPool
from pantavisor.state import State

VECTORS = Path(__file__).parents[1] / "vectors"
EPOCH = 1_700_000_000
LXC = """lxc.tty.max = 8
lxc.rootfs.path = overlayfs:/volumes/{name}/root.squashfs:/volumes/{name}/lxc-overlay/upper
lxc.init.cmd = /bin/{name} "--flag"
lxc.namespace.keep = user  net  ipc
lxc.mount.auto = proc  sys:rw  cgroup
lxc.mount.entry = /volumes/{name}/docker--data data none bind,rw,create=dir 0 0
"""


@dataclass(frozen=True)
class Device:
    """Where everything lies. ``trust`` is the root certificate (PEM)."""

    folder: Path
    state: State
    storage: Path
    trust: bytes
    loader: Path

    @property
    def pool(self) -> ObjectPool:
        return ObjectPool(self.storage / "objects")

    def signer(self) -> keys.Signer:
        return keys.PemSigner.load(self.folder / "keys/key.pem", self.folder / "keys/x5c.pem")

    def image(self) -> Path:
        """The disk image, made at the first call."""
        path = self.folder / "device.img"
        if not path.exists():
            files = {"EFI/BOOT/BOOTX64.EFI": self.loader}
            disk.build(path, Board.efi(files), self.storage, epoch=EPOCH, seed=self.state.digest())
        return path

    def export(self) -> Path:
        path = self.folder / "device.tgz"
        if not path.exists():
            export.write(path, self.state, self.pool)
        return path


def make(folder: Path) -> Device:
    """Make the device in the new ``folder``."""
    folder.mkdir(parents=True)
    keys.generate(folder / "keys", common_name="Test", algorithm="ES256", days=30)
    pool = ObjectPool(folder / "storage/objects")
    state = State.empty().with_files(
        {**bsp_files(pool), **container_files(pool, "web"), **verity_files(pool)}
    )
    loader = folder / "loader.efi"
    loader.write_bytes(
        b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<H", 0x8664) + bytes(9000)
    )
    device = Device(folder, state, folder / "storage", (folder / "keys/ca.crt").read_bytes(), loader)
    state = sign(device, state)
    trail.write(device.storage, state, pool, "0")
    return Device(folder, state, device.storage, device.trust, loader)


def sign(device: Device, state: State) -> State:
    """Every part signed as a factory does."""
    signer = device.signer()
    for name in pvs.all_part_names(state):
        selection = pvs.bsp_selection() if name == "bsp" else pvs.container_selection(name)
        state = keys.sign_state(state, name, selection, signer)
    return state


def bsp_files(pool: ObjectPool) -> dict[str, Any]:
    return {
        "bsp/drivers.json": {"#spec": "driver-aliases@1", "all": {"wifi": ["mac80211"]}},
        "bsp/kernel.img": pool.put_bytes(b"kernel" * 30_000),
        "bsp/modules.squashfs": pool.put_bytes((VECTORS / "dm/root.squashfs").read_bytes()),
        "bsp/pantavisor": pool.put_bytes(b"initrd" * 10_000),
        "bsp/run.json": {
            "addons": [], "initrd": "pantavisor", "initrd_config": "", "linux": "kernel.img",
            "modules": "modules.squashfs",
        },
        "bsp/src.json": {},
        "device.json": {
            "disks_v2": [{"name": "data", "aliases": ["storage"], "type": "volume-disk"}],
            "groups": [{"name": "app", "restart_policy": "container", "status_goal": "STARTED",
                        "timeout": 30}],
            "volumes": {"pv--devmeta": {"persistence": "permanent"}},
        },
    }  # fmt: skip


def container_files(pool: ObjectPool, name: str, *, root: str = "root.squashfs") -> dict[str, Any]:
    content = (VECTORS / "dm/root.squashfs").read_bytes()
    if root == "root.squashfs":
        # Another object than that of the other container: one more block of padding.
        content += bytes(4096)
    root_id = pool.put_bytes(content)
    return {
        f"_config/{name}/etc/app.conf": pool.put_bytes(f"for {name}\n".encode()),
        f"{name}/lxc.container.conf": pool.put_bytes(LXC.format(name=name).encode()),
        f"{name}/root.squashfs": root_id,
        f"{name}/root.squashfs.rootfs-digest": pool.put_bytes(f"sha256:{root_id}".encode()),
        f"{name}/run.json": {
            "#spec": "service-manifest-run@1", "config": "lxc.container.conf",
            "drivers": {"manual": [], "optional": ["none"], "required": ["wifi"]}, "group": "app",
            "name": name, "restart_policy": "container", "roles": ["nobody"], "root-volume": root,
            "status_goal": "STARTED", "storage": {
                "docker--data": {"disk": "storage", "persistence": "permanent"},
                "lxc-overlay": {"persistence": "boot"},
            },
            "type": "lxc", "volumes": [],
        },
        f"{name}/src.json": {"#spec": "service-manifest-src@1", "docker_name": name},
    }  # fmt: skip


def verity_files(pool: ObjectPool, name: str = "safe") -> dict[str, Any]:
    from pantavisor import cjson

    manifest = cjson.load_object((VECTORS / "dm/_dm/root.squashfs.json").read_bytes())
    return {
        **container_files(pool, name, root="dm:root.squashfs"),
        f"{name}/_dm/root.squashfs.json": manifest,
        f"{name}/root.squashfs.hash": pool.put_bytes((VECTORS / "dm/root.squashfs.hash").read_bytes()),
    }
