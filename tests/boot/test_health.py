# SPDX-License-Identifier: MIT
"""Health checks on a device: one that makes its container ready, one that fails later, one that hangs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from devtools import guest as qemu
from devtools import services
from made import Desk
from place import BOOT_SECONDS

PORT = 8095
UID = 1234
ANSWER_SECONDS = 600
# What the check finds around it, in one line. The program's own state is next to it.
CHECK = """[ -e /marks/up ] || exit 1
show() {
	id -u; id -g; pwd; echo $GREETING; cat /proc/self/cgroup; readlink /proc/$1/ns/net
	grep -E '^(Seccomp|NoNewPrivs|CapBnd):' /proc/$1/status
}
show self | tr '\\n' ' ' >/marks/check
show 1 | tr '\\n' ' ' >/marks/program
"""
PROGRAMS = {
    "well": f"sleep 3; : >/marks/up; exec nc -ll -p {PORT} -e /answer",
    "ill": ": >/marks/up; sleep 8; rm /marks/up; while sleep 1; do :; done",
    "stuck": "while sleep 1; do :; done",
}
CHECKS = {
    "well": {"Test": ["CMD", "sh", "/check"], "Interval": "2s", "Timeout": "20s"},
    "ill": {"Test": ["CMD-SHELL", "test -e /marks/up"], "Interval": "1s", "Timeout": "20s", "Retries": 2},
    "stuck": {"Test": ["CMD-SHELL", "sleep 100"], "Interval": "1s", "Timeout": "1s", "Retries": 1},
}
WORDS = {
    "well": ("--config", f"User={UID}:{UID}", "--config", "WorkingDir=/marks", "--env", "GREETING=hello",
             "--status-goal", "READY", "--memory", "32M"),
    "ill": (),
    "stuck": ("--auto-recovery", '{"policy":"no"}'),
}  # fmt: skip


@pytest.fixture(scope="module")
def device(machine: str, image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[qemu.Guest]:
    desk = Desk(tmp_path_factory.mktemp("health"), machine)
    root = desk.root("demo-system")
    (root / "marks").mkdir()
    (root / "marks").chmod(0o777)
    (root / "check").write_text(CHECK)
    (root / "answer").write_text("#!/bin/sh\necho $(cat /marks/check) / $(cat /marks/program)\n")
    (root / "answer").chmod(0o755)
    exports = [desk.export("pantavisor-bsp"), desk.export("demo-system")]
    for name, program in PROGRAMS.items():
        words = ["--config", f"Entrypoint={json.dumps(['/bin/sh', '-c', program])}"]
        words += ["--config", f"Healthcheck={json.dumps(CHECKS[name])}", *WORDS[name]]
        exports.append(desk.container(name, root, *words))
    with qemu.Guest(qemu.Setup(desk.image(exports), machine, qemu.free_ports(PORT))) as running:
        running.wait_for("revision 0 verified", timeout=BOOT_SECONDS)
        yield running


def test_a_container_is_ready_once_its_check_passes(device: qemu.Guest) -> None:
    device.wait_for("container well STARTED", timeout=BOOT_SECONDS)
    device.wait_for("container well READY", timeout=BOOT_SECONDS)
    lines = [line for line in device.console.splitlines() if "container well " in line]
    assert "is healthy" in lines[-2] and lines[-1].endswith("READY"), lines


def test_a_check_has_what_the_program_has_and_no_more(device: qemu.Guest) -> None:
    check, program = (
        part.split()
        for part in services.ask_line(device.port(PORT), timeout=ANSWER_SECONDS).split(" / ")
    )
    # User, group, directory, environment, cgroup, network and rights.
    assert check == program and check[:4] == [str(UID), str(UID), "/marks", "hello"]
    assert "NoNewPrivs: 1 Seccomp: 2" in " ".join(check)


def test_a_container_whose_check_fails_is_ended_and_started_again(device: qemu.Guest) -> None:
    device.wait_for(
        "container ill is UNHEALTHY: its check failed 2 times, the last one ended with status 1",
        timeout=BOOT_SECONDS,
    )
    device.wait_for("container ill RECOVERING, retry 2", timeout=BOOT_SECONDS)
    assert device.console.count("container ill is healthy") >= 2


def test_a_check_that_hangs_has_failed_and_a_container_without_recovery_runs_on(device: qemu.Guest) -> None:
    device.wait_for("container stuck is UNHEALTHY: .* did not end within 1 s", timeout=BOOT_SECONDS)
    assert "container stuck RECOVERING" not in device.console
    assert "container stuck ended" not in device.console
