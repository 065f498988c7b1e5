# SPDX-License-Identifier: MIT
"""The commands on the pages are run as they are printed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sim.pvr_command import ENVIRONMENT

DOCS = Path(__file__).resolve().parents[2] / "meta-pantavisor" / "docs"
REFERENCE = (DOCS / "pvr.md").read_text()
LISTED = re.findall(r"^\| `(pvr .*?--json)` \| (.*?) \|$", REFERENCE, re.MULTILINE)
# Of the repository that the ten lines make, without a device; test_cli_post.py has those with one, and
# test_flash.py those with a disk.
CALLS = [(call, members) for call, members in LISTED if not re.search(" (DEVICE|DISK) ", call)]


def section(page: str, heading: str) -> str:
    """The first block of commands behind a heading."""
    found = re.search(r"```sh\n(.*?)```", page.partition(f"## {heading}\n")[2], re.DOTALL)
    assert found, heading
    return found[1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a root file system, and ``pvr`` on the path."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "bin").mkdir()
    (folder / "bin/pvr").write_text(f'#!/bin/sh\nexec {sys.executable} -m pantavisor "$@"\n')
    (folder / "bin/pvr").chmod(0o755)
    for name in ("sbin/init", "etc/hostname"):
        (folder / "rootfs" / name).parent.mkdir(parents=True)
        shutil.copy("/bin/true", folder / "rootfs" / name)
    return folder


def shell(commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, "PATH": f"{folder / 'bin'}:{ENVIRONMENT['PATH']}", "HOME": str(folder)}
    return subprocess.run(
        ["bash", "-euc", commands], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )


@pytest.fixture(scope="module")
def made(place: Path) -> Path:
    done = shell(section(REFERENCE, "In ten lines"), place)
    assert done.returncode == 0, done.stderr
    assert "0 problems; checked every part signed by a trusted root" in done.stderr
    assert (place / "web.tgz").exists()
    return place


@pytest.mark.parametrize(("call", "members"), CALLS, ids=[call for call, _ in CALLS])
def test_json_has_the_members_of_the_page(call: str, members: str, made: Path) -> None:
    done = shell(f"cd device && {call}", made)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    named = set(re.findall(r"`([#a-z_]+)`", members))
    assert named <= set(found[0] if isinstance(found, list) else found)
    assert named or members.endswith(("src.json](formats/src-json.md)", "device.json itself"))


def test_the_table_has_every_command_with_json() -> None:
    chapters = re.findall(r"^### `(pvr .*?)`\n(.*?)(?=^###|\Z)", REFERENCE, re.MULTILINE | re.DOTALL)
    verbs = {heading for heading, body in chapters if "`--json`" in body}
    assert (
        verbs
        == {
            re.sub(r" --cacerts \S+|( web| DEVICE| IMAGE --to DISK| \.)? --json$", "", call)
            for call, _ in LISTED
        }
        and len(verbs) == 9
    )


@pytest.mark.parametrize(
    ("words", "status"), [("status", 2), ("verify nothing", 2), ("--version", 0), ("stauts", 2)]
)
def test_exit_statuses_are_those_of_the_page(words: str, status: int, place: Path) -> None:
    assert shell(f"cd bin && pvr {words}", place).returncode == status
