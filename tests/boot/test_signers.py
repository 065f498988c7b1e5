# SPDX-License-Identifier: MIT
"""A device whose initramfs has a table of signers asks it before anything runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from devtools import guest as qemu
from made import Desk
from pantavisor import keys
from place import BOOT_SECONDS, KEY_DIR

PLACE = "/etc/pantavisor/pvs/signers"


def table(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"#spec": "pantavisor-signers@1", "signers": entries}).encode()


def name() -> str:
    """Whose key the build signs with."""
    chain = keys.PemSigner.load(KEY_DIR / "key.pem", KEY_DIR / "x5c.pem").x5c
    return keys.subject_of(chain[0], what="x5c.pem").removeprefix("CN=")


@pytest.mark.parametrize(
    ("may", "line"),
    [
        ("all", r"revision 0 RUNNING"),
        (["bsp/**", "device.json", "#spec", "_sigs/**", "demo-system/**"],
         r"revision 0 is unusable: .*demo-nginx.* its signer \".*\" may not sign demo-nginx/"),
        # Without the right to sign the bsp there is none for what is outside of folders, nor for what
        # reaches the device.
        (["*", "demo-system/**", "demo-nginx/**"], r"revision 0 is unusable: .*may not sign"),
        (None, r"table of signers"),
    ],
    ids=["all", "not-nginx", "not-bsp", "damaged"],
)  # fmt: skip
def test_the_table_decides(
    may: Any, line: str, machine: str, image: Path, start: Callable[..., qemu.Guest], tmp_path: Path
) -> None:
    desk = Desk(tmp_path, machine)
    signers = table({"name": name(), "may": may}) if may is not None else b"{"
    exports = [desk.bsp({PLACE: signers}), desk.export("demo-system"), desk.export("demo-nginx")]
    with start(desk.image(exports)) as running:
        assert running.wait_for(line, timeout=BOOT_SECONDS)
        if may != "all":
            assert "STARTED" not in running.console
