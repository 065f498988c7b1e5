# SPDX-License-Identifier: MIT
"""The demonstration device and a laptop: its state is cloned, changed, signed and posted back."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from devtools import guest as qemu
from devtools import services
from made import COMMAND, ENVIRONMENT
from place import BOOT_SECONDS, KEY_DIR
from storage import Storage

DOOR, WEB = 12368, 80
ANSWER_SECONDS = 600
VERIFIED_BYTES = 64 * 1024 * 1024  # takes a device seconds to read once more
PAGE = "_config/demo-nginx/usr/share/nginx/html/index.html"
KEYS = ("--key", str(KEY_DIR / "key.pem"), "--x5c", str(KEY_DIR / "x5c.pem"))


@pytest.fixture(scope="module")
def device(image: Path, machine: str) -> Iterator[qemu.Guest]:
    """With the door for laptops, and the page that is to change."""
    with qemu.Guest(qemu.Setup(image, machine, qemu.free_ports(DOOR, WEB))) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        yield running


@pytest.fixture(scope="module")
def laptop(device: qemu.Guest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what runs there, with a change that is committed, not signed."""
    folder = tmp_path_factory.mktemp("laptop") / "work"
    change(folder, device, b"changed on the laptop\n")
    return folder


def change(folder: Path, device: qemu.Guest, page: bytes) -> None:
    """A clone in which the page is another one."""
    pvr("clone", door(device), str(folder), inside=folder.parent)
    (folder / PAGE).parent.mkdir(parents=True)
    (folder / PAGE).write_bytes(page)
    pvr("add", inside=folder)
    pvr("commit", "-m", "another page", inside=folder)


def door(device: qemu.Guest) -> str:
    return f"http://{qemu.LOOPBACK}:{device.port(DOOR)}/cgi-bin/pvr"


def pvr(*words: str, inside: Path, status: int = 0) -> tuple[str, str]:
    """What a command prints, results and progress."""
    done = subprocess.run(
        [*COMMAND, *words], cwd=inside, env=ENVIRONMENT, text=True, capture_output=True, timeout=3600
    )
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def test_what_runs_is_what_was_cloned(laptop: Path) -> None:
    parts = {path.partition("/")[0] for path in json.loads((laptop / ".pvr/json").read_text())}
    assert {"bsp", "demo-nginx", "demo-system", "pv-sdk"} <= parts
    assert (laptop / "pv-sdk/root.squashfs").stat().st_size < 1024 * 1024


def test_a_state_that_is_not_signed_is_refused_with_the_reason(device: qemu.Guest, laptop: Path) -> None:
    _, notes = pvr("post", inside=laptop, status=2)
    assert "refuses revision locals/pvr-" in notes and "_sigs/demo-nginx.json" in notes
    assert "is being verified" not in device.console


def test_a_signed_state_is_posted_tried_and_kept(
    device: qemu.Guest, laptop: Path, ask_page: Callable[[], str]
) -> None:
    pvr("sig", *KEYS, "update", inside=laptop)
    pvr("sig", "set", *KEYS, inside=laptop)
    results, notes = pvr("post", "--timeout", "3000", "--json", inside=laptop)
    found = json.loads(results)
    assert (found["status"], found["objects"]) == ("UPDATED", 1)
    assert f"{found['revision']}: TESTING" in notes and f"{found['revision']}: UPDATED" in notes
    # Only the web server is another one.
    assert "rebooting" not in device.console
    assert ask_page() == "changed on the laptop\n"
    assert "runs this state already" in pvr("post", inside=laptop)[1]


@pytest.fixture
def ask_page(device: qemu.Guest) -> Callable[[], str]:
    url = f"http://{qemu.LOOPBACK}:{device.port(WEB)}/"
    return lambda: services.ask_http(url, timeout=ANSWER_SECONDS)


def test_parts_of_what_runs_are_taken(device: qemu.Guest, laptop: Path) -> None:
    other = laptop.parent / "other"
    pvr("init", str(other), inside=laptop.parent)
    pvr("get", f"{door(device)}#demo-nginx", inside=other)
    pvr("checkout", inside=other)
    assert (other / PAGE).read_text() == "changed on the laptop\n"


def test_a_post_goes_on_when_power_is_cut_while_the_device_verifies(
    copy: Path, machine: str, tmp_path: Path
) -> None:
    setup = qemu.Setup(copy, machine, qemu.free_ports(DOOR), persist=True)
    folder = tmp_path / "work"
    with qemu.Guest(setup) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        change(folder, running, random.Random(1).randbytes(VERIFIED_BYTES))
        pvr("sig", *KEYS, "update", inside=folder)
        pvr("sig", "set", *KEYS, inside=folder)
        words = (*COMMAND, "post", "--timeout", "3000")
        posting = subprocess.Popen(words, cwd=folder, env=ENVIRONMENT, text=True, stderr=subprocess.PIPE)
        notes = follow(posting, "NEW: Update ready to be run")
    try:
        assert record(copy, tmp_path)["status"] == "NEW", "the device had verified it before the cut"
        with qemu.Guest(setup) as running:
            notes += posting.communicate(timeout=3000)[1]
            assert posting.returncode == 0, notes
            running.wait_for(r"revision locals/pvr-\S+ is being verified", timeout=1)
        assert ": UPDATED" in notes, notes
    finally:
        posting.kill()


def follow(posting: subprocess.Popen[str], text: str) -> str:
    """What it reports up to a line with this text."""
    assert posting.stderr is not None
    notes = ""
    for line in posting.stderr:
        notes += line
        if text in line:
            return notes
    pytest.fail(f"pvr post ended without that: {notes}")


def record(image: Path, scratch: Path) -> dict[str, str]:
    """The progress of the one revision that was posted."""
    storage = Storage.of(image)
    storage.replay(scratch)
    (name,) = storage.names("/trails/locals") - {".", ".."}
    found: dict[str, str] = json.loads(storage.read(f"/trails/locals/{name}/.pv/progress", scratch))
    return found
