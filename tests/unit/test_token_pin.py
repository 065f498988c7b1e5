# SPDX-License-Identifier: MIT
"""The PIN of a token in a build: read from its file where a token signs, and never shown."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, Optional

import pytest
from sim import bitbake_library

bitbake_library.need()

import bb  # noqa: E402
import bb.data  # noqa: E402
import pvbb.tool  # noqa: E402

LAYER = Path(__file__).parents[2] / "meta-pantavisor"
# What the tool is in these tests: prints whether it has the PIN, and not the PIN.
SHOW = '#!/bin/sh\necho "${PVR_PKCS11_PIN-none}" | sed s/1234/given/ >"$0.out"\n'


@pytest.fixture
def d(tmp_path: Path) -> Any:
    (tmp_path / "python").write_text(SHOW)
    (tmp_path / "python").chmod(0o755)
    (tmp_path / "pin").write_text("1234\nmore\n")
    made = bb.data.init()
    for name, value in {
        "PN": "demo",
        "PANTAVISOR_LAYERDIR": str(LAYER),
        "PATH": os.environ["PATH"],
        "PVR_LIBSQUASHFS": "",
        "PVR_PYTHON": str(tmp_path / "python"),
        "PVS_PKCS11_PIN_FILE": str(tmp_path / "pin"),
        "TMPDIR": str(tmp_path / "tmp"),
    }.items():
        made.setVar(name, value)
    return made


@pytest.mark.parametrize(
    "way, seen", [("PVS_PKCS11", "given"), ("PVS_COMMAND", "none"), ("PVS_KEY", "none")]
)
def test_only_what_signs_with_a_token_gets_its_pin(d: Any, tmp_path: Path, way: str, seen: str) -> None:
    d.setVar(way, "/x")
    pvbb.tool.call(d, ["version"])
    assert (tmp_path / "python.out").read_text() == f"{seen}\n"


def test_a_file_that_is_not_read_for_a_program_may_be_missing(d: Any, tmp_path: Path) -> None:
    d.setVar("PVS_COMMAND", "/x")
    (tmp_path / "pin").unlink()
    pvbb.tool.call(d, ["version"])


def test_the_end_of_a_line_is_none_of_the_pin(d: Any, tmp_path: Path) -> None:
    """A card takes only some wrong PINs."""
    d.setVar("PVS_PKCS11", "/x")
    for content in (b"1234", b"1234\r\nmore\r\n"):
        (tmp_path / "pin").write_bytes(content)
        pvbb.tool.call(d, ["version"])
        assert (tmp_path / "python.out").read_bytes() == b"given\n"


@pytest.mark.parametrize(
    "content", [b"12\x0034\n", b"12\xff34\n", b"1234" * 99 + b"\n", b"", b"\n1234\n", None]
)
def test_a_file_that_holds_no_pin_is_refused_without_its_content(
    d: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: Optional[bytes]
) -> None:
    d.setVar("PVS_PKCS11", "/x")
    (tmp_path / "pin").unlink() if content is None else (tmp_path / "pin").write_bytes(content)
    with pytest.raises(bb.BBHandledException):
        pvbb.tool.call(d, ["version"])
    (error,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert f"PVS_PKCS11_PIN_FILE is {tmp_path}/pin, " in error
    assert not any(shown in error.replace(str(tmp_path), "") for shown in ("12", "34", "0xff", "x00"))
