# SPDX-License-Identifier: MIT
"""scripts/lib/devtools/guest.py: how QEMU is called, and what of its console counts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from devtools import guest


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A machine whose firmware is there and whose emulator is a shell that prints a console."""
    (tmp_path / "code").touch()
    (tmp_path / "variables").touch()
    script = tmp_path / "emulator"
    script.write_text("#!/bin/sh\nprintf 'first\\r\\n\\033[2Jrevision 0 RUNNING\\r\\n'\nexec sleep 60\n")
    script.chmod(0o755)
    firmware = ((str(tmp_path / "code"), str(tmp_path / "variables")),)
    small = guest.Machine(str(script), ("-machine", "small"), firmware, "firmware")
    monkeypatch.setattr(guest, "MACHINES", {"small": small})
    return "small"


def test_image_is_a_snapshot_unless_asked_otherwise(machine: str) -> None:
    argv = guest.Setup(Path("/a,b.img"), machine).argv(interactive=False)
    assert "if=none,id=disk,format=raw,snapshot=on,file=/a,,b.img" in argv
    argv = guest.Setup(Path("/x.img"), machine, persist=True).argv(interactive=False)
    assert "if=none,id=disk,format=raw,snapshot=off,file=/x.img" in argv


def test_ports_are_forwarded_on_loopback_only(machine: str) -> None:
    argv = guest.Setup(Path("/x.img"), machine, (guest.Forward(9080, 80),)).argv(interactive=False)
    assert "user,id=net,hostfwd=tcp:127.0.0.1:9080-:80" in argv


@pytest.mark.parametrize("text", ["80", "80:", "80:0", "80:65536", "65536:80", "a:b", "1:2:3", "\u0668:80"])
def test_forward_refuses_what_is_not_a_pair_of_ports(text: str) -> None:
    with pytest.raises(guest.GuestError):
        guest.Forward.parse(text)


def test_a_taken_port_is_replaced_unless_it_was_asked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = guest.Forward(other.getsockname()[1], 80)
        (instead,) = guest.claim([taken], instead=True)
        assert instead.guest == 80 and instead.host not in (0, taken.host)
        with pytest.raises(guest.GuestError, match=f"port {taken.host} .*in use\n.*--port 0:GUEST"):
            guest.claim([taken])
    assert guest.claim([taken]) == (taken,)


def test_no_two_forwards_share_a_port() -> None:
    hosts = {forward.host for forward in guest.claim([guest.Forward.parse("0:80")] * 20)}
    assert len(hosts) == 20 and 0 not in hosts
    with pytest.raises(guest.GuestError, match="in use"):
        guest.claim([guest.Forward(min(hosts), 80), guest.Forward(min(hosts), 81)])


def test_console_is_read_without_escapes(machine: str) -> None:
    with guest.Guest(guest.Setup(Path("/x.img"), machine)) as running:
        assert running.wait_for("RUNNING", timeout=600) == "revision 0 RUNNING"


def test_missing_pattern_ends_with_the_console(machine: str) -> None:
    with guest.Guest(guest.Setup(Path("/x.img"), machine)) as running:
        running.wait_for("RUNNING", timeout=600)
        with pytest.raises(guest.GuestError, match="(?s)did not show.*first"):
            running.wait_for("never", timeout=0.2)


def test_missing_firmware_names_the_package(machine: str, tmp_path: Path) -> None:
    (tmp_path / "code").unlink()
    with pytest.raises(guest.GuestError, match="install firmware"):
        guest.Setup(Path("/x.img"), machine).argv(interactive=True)


@pytest.mark.parametrize("name", ["qemux86-64", "qemuarm64", "qemuarm64-uboot", "qemuarm-uboot"])
def test_machine_is_known_by_the_name_of_the_image(name: str) -> None:
    assert guest.machine_of(Path(f"pantavisor-demo-{name}.img")) == name


def test_firmware_without_variables_is_given_as_it_is(machine: str, tmp_path: Path) -> None:
    code = tmp_path / "code"
    uboot = guest.Machine("emulator", ("-machine", "virt"), ((str(code),),), "u-boot")
    assert uboot.argv() == ["emulator", "-machine", "virt", "-bios", str(code)]
    code.unlink()
    with pytest.raises(guest.GuestError, match="install u-boot"):
        uboot.argv()


def test_unknown_image_name_asks_for_the_machine() -> None:
    with pytest.raises(guest.GuestError, match="--machine"):
        guest.machine_of(Path("disk.img"))
