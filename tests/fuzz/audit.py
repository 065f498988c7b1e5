# SPDX-License-Identifier: MIT
"""The verifier on states and exports: whatever is wrong with them becomes findings.

The first byte of an input says what the rest is: 0 a state on a device; 1 run.json of a container, and 2
device.json, in an else good state; 3 an export, whose checksums are put right first; 4 the LXC
configuration of a container.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import partial

from pantavisor import audit, cjson
from pantavisor.audit import containers, content, manifests, rights, signatures
from pantavisor.audit.context import Context
from pantavisor.audit.demands import Demands
from pantavisor.audit.report import Report
from pantavisor.audit.verify import check_texts, salts
from pantavisor.errors import PantavisorError
from pantavisor.readers import Findings, parse_states
from sim.layers import with_checksums

from . import export, state
from .target import OBJECT, scratch

JSON = True
WORDS = (
    *state.WORDS,
    *export.WORDS,
    *(f"lxc.{family}" for family in sorted(containers.lxc.FAMILIES)),
    "/volumes/",
    "optional",
)
CONFIG = b"""lxc.rootfs.path = overlay:/volumes/web/root.squashfs:/volumes/web/lxc-overlay/upper
lxc.init.cmd = /sbin/init
lxc.mount.entry = /volumes/web/logs var/log none bind,rw,create=dir 0 0
"""
VERITY = {
    "type": "dm-verity", "data_device": "root.squashfs", "hash_device": "root.squashfs.hash",
    "root_hash": OBJECT, "salt": "00", "uuid": "00000000-0000-0000-0000-000000000000",
}  # fmt: skip
CONFIG_ID, HASH_ID = "b" * 64, "c" * 64
GOOD = {
    **state.WHOLE, "bsp/drivers.json": {"all": {"usb": ["usb"]}}, "web/_dm/root.squashfs.json": VERITY,
    "web/root.squashfs.hash": HASH_ID, "web/lxc.container.conf": CONFIG_ID,
    "web/root.squashfs.docker-digest": "d" * 64, "_config/web/etc/web.conf": OBJECT,
}  # fmt: skip
_LARGE = b"hsqs" + bytes(4092)


def one_input(content_bytes: bytes) -> None:
    if not content_bytes:
        return
    kind, rest = content_bytes[0] % 5, content_bytes[1:]
    if kind == 3:
        with scratch() as folder:
            (folder / "export.tar").write_bytes(with_checksums(rest))
            _check(audit.verify(folder / "export.tar", strict=True))
        return
    name = {1: "web/run.json", 2: "device.json"}.get(kind)
    text = rest if kind == 0 else cjson.dumps(GOOD)
    if name:
        try:
            text = cjson.dumps({**GOOD, name: cjson.loads(rest)})
        except PantavisorError:
            return
    _examine(text, rest if kind == 4 else CONFIG)


def _examine(text: bytes, config: bytes) -> None:
    findings, counts = Findings(), Counter[str]()
    states = parse_states({"0": text}, findings)
    check_texts({"0": text}, states, findings, canonical=True)
    for found in states.values():
        pieces = {OBJECT: _LARGE, CONFIG_ID: config, HASH_ID: b"verity\0\0" + bytes(4088)}
        objects = {name: partial(iter, [data]) for name, data in pieces.items()}
        facts = content.scan(objects, salts([found], objects))
        for whole in (False, True):
            context = Context(found, facts, findings, counts, "revision 0", whole)
            manifests.check(context)
            containers.check(context)
            rights.check(context, confined=whole)
            signatures.check(context, Demands(strict=whole))
    _check(Report(state.VECTORS, "tree", "", tuple(findings), dict(counts)))


def _check(report: Report) -> None:
    cjson.dumps(report.as_json())
    str(report).encode()
    for finding in report.findings:
        assert "\n" not in str(finding)


def seeds() -> dict[str, bytes]:
    found = {f"state-{name}": text for name, text in state.seeds().items() if text[:1] == b"\0"}
    kinds = {"whole": (0, GOOD), "run": (1, state.RUN), "device": (2, state.DEVICE)}
    made = {name: bytes([kind]) + json.dumps(document).encode() for name, (kind, document) in kinds.items()}
    return {**found, **made, "export": b"\3" + export.seeds()["plain"][1:], "lxc": b"\4" + CONFIG}
