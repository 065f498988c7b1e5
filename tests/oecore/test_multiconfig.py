# SPDX-License-Identifier: MIT
"""A device whose parts another configuration of BBMULTICONFIG builds, with a device.json of its own."""

from __future__ import annotations

import json
from pathlib import Path

import device
from checkouts import MASK, Checkout
from pantavisor import export

GROUPS = {
    "groups": [{"name": "app", "restart_policy": "container", "status_goal": "STARTED", "timeout": 9}]
}
LINES = """\
BBMULTICONFIG = "parts"
PVROOT_MULTICONFIG:pn-device = "parts"
PVROOT_DEPLOY_DIR:pn-device = "${TOPDIR}/FOLDER/deploy/images/${MACHINE}"
FILESEXTRAPATHS:prepend:pn-pantavisor-bsp := "${TOPDIR}/conf:"
SRC_URI:append:pn-pantavisor-bsp = " file://device.json"
PVR_DEVICE_JSON:pn-pantavisor-bsp = "device.json"
"""


def test_another_configuration_builds_the_parts(checkout: Checkout, tmp_path: Path) -> None:
    assert device.pvr("keys", "generate", tmp_path / "keys").returncode == 0
    # To TMPDIR, scarthgap appends the name of the C library.
    folder = "tmp-parts-glibc" if checkout.release == "scarthgap" else "tmp-parts"
    with device.served(tmp_path / "registry") as lines:
        build = device.make(
            checkout, tmp_path / "build", tmp_path / "keys", MASK + lines + LINES.replace("FOLDER", folder)
        )
        conf = build.directory / "conf"
        (conf / "multiconfig").mkdir()
        (conf / "multiconfig/parts.conf").write_text('TMPDIR = "${TOPDIR}/tmp-parts"\n')
        (conf / "device.json").write_text(json.dumps(GROUPS))
        done = build.bitbake("device")
    assert done.returncode == 0 and "ERROR" not in done.stdout, done.stdout
    assert "mc:parts:" in done.stdout
    here = {path.name: path for path in device.deployed(build)}
    there = build.directory / f"{folder}/deploy/images/{device.MACHINE}"
    app, bsp, image = device.PARTS
    assert {path.parent for name, path in here.items() if name != image} == {there}
    done = device.pvr("verify", "--strict", "--set", "--trust", tmp_path / "keys/ca.crt", here[image])
    assert done.returncode == 0, done.stdout
    state = export.read_state(there / bsp)
    assert state["device.json"]["groups"] == GROUPS["groups"]  # type: ignore[index]
    assert app in here
