# SPDX-License-Identifier: MIT
"""The control socket of a running device, spoken to from inside of containers."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Optional

import pytest
from control import ANSWER_SECONDS, Caller, add_programs, found, wait_until
from devtools import guest as qemu
from made import Desk
from pantavisor import keys
from pantavisor.state import State
from place import BOOT_SECONDS, KEY_DIR, TRUST

SOCKET = "/pantavisor/pv-ctrl"
# What listens in the guest: the socket as each container has it, and the program for containers.
MANAGER, SERVICE, USER, PROGRAM, UNIT = 8091, 8092, 8093, 8094, 8095
RELEASE = 2
STARTS = {
    "manager": f"nc -ll -p {PROGRAM} -e /program & exec nc -ll -p {MANAGER} -e /relay {SOCKET}",
    "service": f"nc -ll -p {UNIT} -e /bin/cat /pantavisor/unit.json & "
    f"nc -ll -p {USER} -e /relay {SOCKET} 65534 & exec nc -ll -p {SERVICE} -e /relay {SOCKET}",
}
PROGRAM_TEXT = """#!/bin/sh
for words in "containers ls" "cmd run locals/none" "objects get x" "nonsense"; do
	echo "$words: $(/pvcontrol $words 2>&1 | tr '\\n' ' ')"; \
/pvcontrol $words >/dev/null 2>&1; echo "status $?"
done
"""


@pytest.fixture(scope="module")
def device(machine: str, image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[qemu.Guest]:
    """A device whose container "service" is to signal that it is ready, and whose "manager" manages it."""
    desk = Desk(tmp_path_factory.mktemp("control"), machine)
    root = desk.root("demo-system")
    add_programs(root, machine)
    for name, text in STARTS.items():
        (root / name).write_text(f"#!/bin/sh\necho {name} is up\n{text}\n")
        (root / name).chmod(0o755)
    (root / "program").write_text(PROGRAM_TEXT)
    (root / "program").chmod(0o755)
    exports = [desk.export("pantavisor-bsp"), desk.export("demo-system")]
    words = {
        "manager": ("--role", "mgmt", "--group", "platform"),
        "service": ("--status-goal", "READY", "--group", "app"),
    }
    for name, more in words.items():
        exports.append(desk.container(name, root, "--config", f'Entrypoint=["/bin/sh", "/{name}"]', *more))
    made = desk.image(exports, release=RELEASE)
    (desk.folder / "plan.csv").write_text("serial,value.colour\nA-1,red\n")
    desk.pvr("factory", "ledger", "plan.csv.ledger", "--new")
    desk.pvr("factory", "personalise", str(made), "--from", "plan.csv", "--trust", str(TRUST))
    forwards = qemu.free_ports(MANAGER, SERVICE, USER, PROGRAM, UNIT)
    with qemu.Guest(qemu.Setup(made, machine, forwards)) as running:
        running.wait_for(r"container service STARTED", timeout=BOOT_SECONDS)
        yield running


@pytest.fixture(scope="module")
def manager(device: qemu.Guest) -> Caller:
    return Caller(device.port(MANAGER))


@pytest.fixture(scope="module")
def service(device: qemu.Guest) -> Caller:
    return Caller(device.port(SERVICE))


def test_a_group_waits_for_the_signal_of_its_container(
    device: qemu.Guest, manager: Caller, service: Caller
) -> None:
    assert found(manager.ask("GET", "/groups")[1], "app")["status"] == "UNACHIEVED"
    assert found(manager.ask("GET", "/containers")[1], "service")["status"] == "STARTED"
    # Any user of the container may say so.
    assert Caller(device.port(USER)).ask("POST", "/signal", b'{"type":"ready","payload":""}')[0] == 200
    device.wait_for(r"container service READY", timeout=ANSWER_SECONDS)
    device.wait_for(r"group app ACHIEVED", timeout=ANSWER_SECONDS)
    device.wait_for(r"revision 0 RUNNING", timeout=ANSWER_SECONDS)
    assert found(manager.ask("GET", "/containers")[1], "service")["status"] == "READY"
    assert found(manager.ask("GET", "/groups")[1], "app")["status"] == "ACHIEVED"
    # A container of another goal has nothing to signal.
    assert manager.ask("POST", "/signal", b'{"type":"ready"}')[0] == 500


def test_a_container_without_the_role_is_refused(device: qemu.Guest, service: Caller) -> None:
    refused = (403, {"Error": "Request not sent from a mgmt platform"})
    for path in ("/containers", "/groups", "/objects", "/steps", "/storage", "/buildinfo"):
        assert service.ask("GET", path) == refused
    assert service.command("REBOOT_DEVICE") == refused
    assert service.ask("PUT", "/containers/manager", b'{"action":"stop"}')[0] == 403
    assert service.ask("PUT", f"/objects/{'a' * 64}", b"x")[0] == 403
    # Nor has a user of a container that manages more than a signal.
    assert Caller(device.port(USER)).ask("GET", "/containers") == refused
    assert "asks to reboot" not in device.console


def test_what_the_device_has_is_listed(manager: Caller) -> None:
    names = {document["name"]: document["roles"] for document in manager.ask("GET", "/containers")[1]}
    assert names == {"demo-system": ["nobody"], "manager": ["mgmt"], "service": ["nobody"]}
    assert set(manager.ask("GET", "/buildinfo")[1]) == {"pantavisor"}
    storage = manager.ask("GET", "/storage")[1]
    assert 0 < storage["free"] < storage["total"]
    (step,) = manager.ask("GET", "/steps")[1]
    assert (step["name"], step["progress"]["status"]) in (
        ("0", "DONE"),
        ("0", "TESTING"),
        ("0", "INPROGRESS"),
    )
    state = manager.ask("GET", "/steps/current")[1]
    objects = {entry["sha256"] for entry in manager.ask("GET", "/objects")[1]}
    assert state["#spec"] == "pantavisor-service-system@1" and state["service/root.squashfs"] in objects


def test_a_container_reads_what_it_printed(device: qemu.Guest, manager: Caller, service: Caller) -> None:
    status, text = service.ask("GET", "/logs")
    assert (status, text) == (200, b"service is up\r\n")
    assert service.ask("GET", "/logs", Range="bytes=8-") == (206, text[8:])
    assert service.ask("GET", "/logs", Range=f"bytes={len(text)}-") == (204, None)
    assert service.ask("GET", "/logs/previous")[0] == 404
    # Each has its own, and no user but root.
    assert manager.ask("GET", "/logs")[1] == b"manager is up\r\n"
    assert Caller(device.port(USER)).ask("GET", "/logs")[0] == 403


def test_a_container_sees_which_unit_it_runs_on(device: qemu.Guest) -> None:
    with socket.create_connection(
        (qemu.LOOPBACK, device.port(UNIT)), timeout=ANSWER_SECONDS
    ) as connection:
        unit = json.loads(connection.makefile("rb").read())
    assert (unit["serial"], unit["values"]) == ("A-1", {"colour": "red"})


def test_the_program_for_containers(device: qemu.Guest) -> None:
    with socket.create_connection(
        (qemu.LOOPBACK, device.port(PROGRAM)), timeout=ANSWER_SECONDS
    ) as connection:
        text = connection.makefile().read()
    assert '{"name":"manager"' in text
    assert "State JSON not found" in text and "there is no such object" in text
    assert [line for line in text.splitlines() if line.startswith("status ")] == [
        "status 0", "status 255", "status 255", "status 2",
    ]  # fmt: skip


def test_nonsense_and_dawdlers_keep_no_one_waiting(
    device: qemu.Guest, manager: Caller, service: Caller
) -> None:
    with ExitStack() as stack:
        for number in range(40):
            port = device.port(SERVICE if number % 2 else MANAGER)
            connection = stack.enter_context(
                socket.create_connection((qemu.LOOPBACK, port), timeout=ANSWER_SECONDS)
            )
            connection.sendall([b"GET /conta", b"\x16\x03\x01\x02\x00", b"x" * 20000, b"\r\n"][number % 4])
        # The service has all its connections in use, and the manager a few free before long.
        for _ in range(30):
            status, answer = manager.ask("GET", "/containers")
            if status == 200:
                break
            assert (status, answer) == (503, {"Error": "too many connections"})
            time.sleep(1)
        assert status == 200
    assert "ended with status" not in device.console


def test_an_object_is_sent_in_pieces(manager: Caller) -> None:
    content = hashlib.sha256(b"seed").digest() * 100_000
    path = f"/objects/{hashlib.sha256(content).hexdigest()}"
    half = len(content) // 2
    assert (
        manager.ask("PUT", path, content[:half], Content_Range=f"bytes 0-{half - 1}/{len(content)}")[0]
        == 200
    )
    assert manager.ask("HEAD", path)[0] == 404 and manager.fields["Upload-Offset"] == str(half)
    rest = f"bytes {half}-{len(content) - 1}/{len(content)}"
    assert manager.ask("PUT", path, content[half:], Content_Range=rest)[0] == 200
    assert manager.ask("GET", path) == (200, content)
    assert manager.ask("PUT", f"/objects/{'0' * 64}", b"x") == (422, {"Error": "Object has bad checksum"})
    status, reclaimed = manager.ask("POST", "/storage/gc")
    assert status == 200 and reclaimed["reclaimed"] >= len(content)
    assert manager.ask("GET", path)[0] == 400


def test_a_step_is_run_tested_and_committed(device: qemu.Guest, manager: Caller, service: Caller) -> None:
    status, state = manager.ask("GET", "/steps/current")
    text = json.dumps(state, sort_keys=True, separators=(",", ":")).encode()
    broken = text.replace(state["service/root.squashfs"].encode(), b"0" * 64)
    status, answer = manager.ask("PUT", "/steps/locals/next", broken)
    assert status == 422 and answer["Error"]
    assert manager.ask("PUT", "/steps/locals/next", text) == (200, None)
    assert manager.ask("PUT", "/steps/locals/next/commitmsg", b"from inside") == (200, None)
    assert manager.ask("GET", "/steps/locals/next/progress")[1]["status"] == "NEW"
    assert manager.command("LOCAL_RUN_COMMIT", "locals/next") == (200, None)
    device.wait_for(r"revision locals/next is tried: stopping containers", timeout=BOOT_SECONDS)
    device.wait_for(r"revision locals/next verified", timeout=BOOT_SECONDS)
    wait_until(lambda: service_status(manager) == "STARTED")
    # While it is tested the device is not left halfway.
    assert manager.command("REBOOT_DEVICE")[0] == 503 and manager.fields["Retry-After"] == "600"
    assert service.ask("POST", "/signal", b'{"type":"ready"}')[0] == 200
    device.wait_for(r"revision locals/next COMMITTED", timeout=BOOT_SECONDS)
    steps = {step["name"]: step for step in manager.ask("GET", "/steps")[1]}
    assert (
        steps["locals/next"]["progress"]["status"] == "DONE"
        and steps["locals/next"]["commitmsg"] == "from inside"
    )


def test_an_older_release_is_refused(manager: Caller) -> None:
    current = State.parse(json.dumps(manager.ask("GET", "/steps/current")[1]).encode())
    signer = keys.PemSigner.load(KEY_DIR / "key.pem", KEY_DIR / "x5c.pem")
    older = keys.sign_set(current, signer, RELEASE - 1).dumps()
    status, answer = manager.ask("PUT", "/steps/locals/older", older)
    reason = f"its release {RELEASE - 1} is older than {RELEASE}, which this device has had"
    assert (status, answer) == (422, {"Error": reason})
    assert manager.ask("GET", "/steps/locals/older")[0] == 404
    same = keys.sign_set(current, signer, RELEASE).dumps()
    assert manager.ask("PUT", "/steps/locals/same", same)[0] == 200


def service_status(manager: Caller) -> Optional[str]:
    """None while the device boots."""
    try:
        return str(found(manager.ask("GET", "/containers")[1], "service")["status"])
    except (OSError, http.client.HTTPException, StopIteration, TypeError):
        return None


def test_the_device_powers_off_on_request(device: qemu.Guest, manager: Caller) -> None:
    # The container that has the network ends as well, but not before the answer has left.
    assert manager.command("POWEROFF_DEVICE", "good night") == (200, None)
    device.wait_for(r"manager asks to power off: good night: stopping containers", timeout=ANSWER_SECONDS)
    assert device.wait_end(timeout=BOOT_SECONDS) == 0
