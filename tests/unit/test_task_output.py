# SPDX-License-Identifier: MIT
"""What of the tool's output a build shows: warnings and notes on the screen, the rest in the task's log."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from sim import bitbake_library

bitbake_library.need()

import bb  # noqa: E402
import bb.data  # noqa: E402
import bb.msg  # noqa: E402
import pvbb.tool  # noqa: E402

LAYER = Path(__file__).parents[2] / "meta-pantavisor"
LINES = "echo 'pvr: warning: one' >&2; echo 'note: two' >&2; echo three >&2"


def test_notes_and_warnings_reach_the_screen(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "python").write_text(f"#!/bin/sh\n{LINES}\n")
    (tmp_path / "python").chmod(0o755)
    d = bb.data.init()
    for name, value in {
        "PN": "demo", "PANTAVISOR_LAYERDIR": str(LAYER), "PATH": os.environ["PATH"], "PVR_LIBSQUASHFS": "",
        "PVR_PYTHON": str(tmp_path / "python"), "TMPDIR": str(tmp_path / "tmp"),
    }.items():  # fmt: skip
        d.setVar(name, value)
    with caplog.at_level(logging.DEBUG):
        pvbb.tool.call(d, ["version"])
    found = {record.getMessage(): record.levelno for record in caplog.records}
    assert found["demo: one"] == bb.msg.BBLogFormatter.WARNING
    assert found["demo: note: two"] == bb.msg.BBLogFormatter.PLAIN
    assert found["three"] == bb.msg.BBLogFormatter.NOTE
