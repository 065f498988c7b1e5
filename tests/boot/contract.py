# SPDX-License-Identifier: MIT
"""What the tests of the boot contract share, whichever boot loader has to keep it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Boot:
    """How a boot went: the console, and what the boot loader noted for itself."""

    console: str
    notes: Mapping[str, str]

    @property
    def words(self) -> list[str]:
        """The command line of what was started, or nothing where nothing was."""
        lines = [line for line in self.console.splitlines() if line.startswith("CMDLINE ")]
        return lines[0].split()[1:] if lines else []


def run(*command: str) -> None:
    """A program that must succeed; what it prints is its error's."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
