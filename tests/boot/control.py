# SPDX-License-Identifier: MIT
"""A device spoken to by its control socket, from inside of containers."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

import pytest
from devtools import guest as qemu
from place import BOOT_SECONDS, PROJECT

RUNTIME = PROJECT / "meta-pantavisor/recipes-pv/pantavisor/pantavisor"
COMPILERS = {
    "qemux86-64": "gcc",
    "qemuarm64": "aarch64-linux-gnu-gcc",
    "qemuarm64-uboot": "aarch64-linux-gnu-gcc",
    "qemuarm-uboot": "arm-linux-gnueabihf-gcc",
}
ANSWER_SECONDS = 600


def add_programs(root: Path, machine: str) -> None:
    """/relay, which leads a connection to a socket, and /pvcontrol; both run in any root of the machine."""
    compile_for(machine, root / "relay", PROJECT / "tests/boot/relay.c")
    compile_for(machine, root / "pvcontrol", *sorted((RUNTIME / "pvcontrol").glob("*.c")))


def compile_for(machine: str, target: Path, *sources: Path, how: tuple[str, ...] = ("-static",)) -> None:
    """A program that runs in any root of the machine."""
    argv = [
        COMPILERS[machine], "-std=c17", "-D_GNU_SOURCE", "-Os", *how, "-o", str(target),
        *map(str, sources),
    ]  # fmt: skip
    subprocess.run(argv, check=True, timeout=600)


class Caller:
    """Requests to the control socket, as one of the containers."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, method: str, path: str, body: Optional[bytes] = None, **fields: str) -> tuple[int, Any]:
        """Status and document; an answer that is not JSON comes as it is."""
        connection = http.client.HTTPConnection(qemu.LOOPBACK, self.port, timeout=ANSWER_SECONDS)
        try:
            names = {name.replace("_", "-"): value for name, value in fields.items()}
            connection.request(method, path, body=body, headers=names)
            answer = connection.getresponse()
            content = answer.read()
            self.fields = answer.headers
        finally:
            connection.close()
        try:
            return answer.status, json.loads(content) if content else None
        except ValueError:
            return answer.status, content

    def command(self, op: str, payload: str = "") -> tuple[int, Any]:
        return self.ask("POST", "/commands", json.dumps({"op": op, "payload": payload}).encode())


def found(documents: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(document for document in documents if document["name"] == name)


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(BOOT_SECONDS):
        if condition():
            return
        time.sleep(1)
    pytest.fail(f"not so within {BOOT_SECONDS} seconds")
