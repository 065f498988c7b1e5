# SPDX-License-Identifier: MIT
"""A device made as a build makes it: two containers from OCI images and a bsp, exported by their jobs, then
the disk image.
"""

from __future__ import annotations

import io
import json
import struct
import tarfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Optional, Union

from pantavisor import bsp, container, factory, jobs, keys
from pantavisor.board import Board

from . import newc
from .registry import images

EPOCH = 1_700_000_000
TEXT = " ".join(str(number * number % 7919) for number in range(30_000)).encode()
DEVICE: dict[str, Any] = {
    "disks_v2": [{"aliases": ["storage"], "name": "data", "type": "volume-disk"}],
    "groups": [
        {"name": "platform", "restart_policy": "system", "status_goal": "MOUNTED", "timeout": 30},
        {"name": "app", "restart_policy": "container", "status_goal": "STARTED", "timeout": 30},
    ],
    "volumes": {"pv--devmeta": {"disk": "data", "persistence": "permanent"}},
}
TRUST_STORE = "etc/pantavisor/pvs/trust/ca-certificates.crt"
CONFIG = "etc/pantavisor.config"
CONTAINERS: dict[str, dict[str, Any]] = {
    "web": {
        "arguments": {"PV_GROUP": "app", "PV_ROLES": ["nobody"]},
        "volumes": ("/var/lib/web:permanent",),
    },
    "safe": {"arguments": {"PV_GROUP": "platform", "PV_LXC_EXTRA_ENV": ["A=b"]}, "verity": True},
}
Job = Union[jobs.ExportContainer, jobs.ExportBsp, jobs.BuildRoot]
VERBS = {
    jobs.ExportContainer: "export-container",
    jobs.ExportBsp: "export-bsp",
    jobs.BuildRoot: "build-root",
}


def sources(folder: Path, *, bulk: int = 1, config: str = "") -> None:
    """What jobs start from, in the new ``folder``: images, kernel, modules, boot loader, device.json, keys.

    ``bulk``: how many times a text lies in each image, never at the same place of a block. ``config``: what
    the initramfs has as the runtime's configuration.
    """
    folder.mkdir(parents=True)
    for name in CONTAINERS:
        text = b"".join(bytes(number) + TEXT for number in range(bulk))
        files = {"etc/name": name.encode(), "etc/text": text, "sbin/init": b"init\n"}
        image = images.image(files, config={"Cmd": ["/sbin/init"], "Env": ["PATH=/bin"]})
        images.write_files(folder / f"{name}.oci", images.layout_files(image))
    (folder / "kernel").write_bytes(b"kernel" * 30_000)
    (folder / "loader.efi").write_bytes(loader())
    (folder / "device.json").write_text(json.dumps(DEVICE))
    with tarfile.open(folder / "modules.tar", "w") as archive:
        for name in ("a.ko", "b.ko"):
            member = tarfile.TarInfo(f"lib/modules/6.1/kernel/{name}")
            member.size, member.mtime = len(TEXT), EPOCH - 7
            archive.addfile(member, io.BytesIO(TEXT))
    keys.generate(folder / "keys", common_name="Test", algorithm="ES256", days=30)
    trusted = (folder / "keys/ca.crt").read_bytes()
    initramfs = {"init": b"initramfs" * 7_000, TRUST_STORE: trusted, CONFIG: config.encode()}
    (folder / "initramfs").write_bytes(newc.write(initramfs))


def loader() -> bytes:
    """A program for UEFI on x86, as far as its head says."""
    return (
        b"MZ"
        + bytes(58)
        + struct.pack("<I", 64)
        + b"PE\0\0"
        + struct.pack("<H", 0x8664)
        + bytes(range(256)) * 40
    )


def all_jobs(
    given: Path, made: Path, *, epoch: Optional[int] = EPOCH, release: Optional[int] = None
) -> list[Job]:
    """The jobs that make ``made``/device.img from the ``sources()`` in ``given``, in order. ``epoch``: of
    the exports.
    """
    signing = jobs.Signing(given / "keys/key.pem", given / "keys/x5c.pem")
    common: dict[str, Any] = {"profile": "fast", "signing": signing, "work": made, "epoch": epoch}
    exports: list[Job] = [
        jobs.ExportContainer(
            name=name, layout=given / f"{name}.oci", reference=f"localhost/{name}:1",
            platform="linux/amd64", output=made / f"{name}.tgz", **{"volumes": (), **more}, **common,
        )
        for name, more in CONTAINERS.items()
    ]  # fmt: skip
    exports.append(
        jobs.ExportBsp(
            kernel=given / "kernel", initramfs=given / "initramfs", modules=given / "modules.tar",
            device=given / "device.json", output=made / "bsp.tgz", **common,
        )
    )  # fmt: skip
    root = jobs.BuildRoot(
        exports=tuple(job.output for job in exports),
        board=Board.efi({"EFI/BOOT/BOOTX64.EFI": given / "loader.efi"}), trust=given / "keys/ca.crt",
        epoch=EPOCH, work=made, output=made / "device.img", release=release, signing=signing,
    )  # fmt: skip
    return [*exports, root]


def run(job: Job) -> None:
    """Do a job here."""
    if isinstance(job, jobs.ExportContainer):
        container.export_container(job)
    elif isinstance(job, jobs.ExportBsp):
        bsp.export_bsp(job)
    else:
        factory.build(job)


def exports(folder: Path) -> None:
    """The exports of ``device`` in ``folder``, from the sources in ``folder``/given."""
    sources(folder / "given")
    for job in all_jobs(folder / "given", folder)[:-1]:
        run(job)


def device(folder: Path, *, release: int, config: str = "") -> None:
    """``folder``/made/device.img and the exports next to it, from the sources in ``folder``/given."""
    sources(folder / "given", config=config)
    (folder / "made").mkdir()
    for job in all_jobs(folder / "given", folder / "made", release=release):
        run(job)


def document(job: Job) -> str:
    """A job as a file for ``pvr``."""
    return json.dumps(asdict(job), default=str)
