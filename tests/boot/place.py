# SPDX-License-Identifier: MIT
"""Where the things under test are."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
BUILD = PROJECT / "build"
KEY_DIR = BUILD / "pvs-keys"
TRUST = KEY_DIR / "ca.crt"
DEPLOYED = "tmp/deploy/images/{machine}/pantavisor-demo-{machine}.img"
# QEMU interprets; a busy machine with two cores needs most of it.
BOOT_SECONDS = 600
