# SPDX-License-Identifier: MIT
"""docs/factory.md, command by command, as its reader types them; two loop devices are the disks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from pantavisor import keys
from sim import built, loops
from sim.pvr_command import ENVIRONMENT

PAGE = Path(__file__).resolve().parents[2] / "meta-pantavisor/docs/factory.md"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE.read_text(), re.DOTALL)
PEM = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ2hh\n-----END CERTIFICATE-----\n"


def shell(commands: str, folder: Path) -> str:
    environment = {**ENVIRONMENT, "PATH": f"{folder}/bin:{ENVIRONMENT['PATH']}", "HOME": str(folder)}
    words = ["bash", "-euc", commands]
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, f"{commands}\n{done.stderr}"
    return done.stdout


def test_the_page_leads_from_exports_to_units(tmp_path: Path) -> None:
    built.exports(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pvr").write_text(f'#!/bin/sh\nexec {sys.executable} -m pantavisor "$@"\n')
    (tmp_path / "bin/pvr").chmod(0o755)
    (tmp_path / "grub.efi").write_bytes(built.loader())
    (tmp_path / "keys").symlink_to("given/keys")
    keys.generate(tmp_path / "station", common_name="Station", algorithm="ES256")
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs/A-0001.pem").write_text(PEM)
    (plan,) = [text for language, text in BLOCKS if not language]
    (tmp_path / "plan.csv").write_text(plan)
    size = 192 * 1024 * 1024
    with loops.disk(tmp_path / "b", size=size) as one, loops.disk(tmp_path / "c", size=size) as other:
        printed = ""
        for language, commands in BLOCKS:
            if language == "sh":
                commands = commands.replace("/dev/sdb", str(one)).replace("/dev/sdc", str(other))
                printed += shell(commands, tmp_path)
    assert "A-0001\n" in printed and printed.endswith("A-0002\n")
    assert f"{other}: " in printed and "FAILED" not in printed
    certified = json.loads(printed[printed.index("{") : printed.rindex("}") + 1])
    assert certified["serial"] == "A-0001" and certified["result"] == "passed"
    assert sorted(path.name for path in (tmp_path / "births").iterdir()) == [
        "A-0001.birth.json",
        "A-0002.birth.json",
    ]
