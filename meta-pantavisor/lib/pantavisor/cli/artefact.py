# SPDX-License-Identifier: MIT
"""The finished artefact that a command reads: a disk image, storage tree, export or repository."""

from __future__ import annotations

import argparse
from pathlib import Path

KINDS = "IMAGE|TREE|EXPORT|REPO"


def declare(command: argparse.ArgumentParser, what: str) -> None:
    """As ``target``, this repository unless another is named; ``what`` describes its use."""
    command.add_argument(
        "target",
        type=Path,
        nargs="?",
        default=Path("."),
        metavar=KINDS,
        help=f"{what}; default: this repository",
    )
