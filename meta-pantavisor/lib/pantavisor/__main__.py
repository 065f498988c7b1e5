# SPDX-License-Identifier: MIT
"""``python3 -m pantavisor`` is ``pvr``."""

from __future__ import annotations


def run() -> int:
    """Run the command line; returns the exit status."""
    try:
        # Who interrupts while this loads gets the same status as later, and no traceback.
        from .cli import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(run())
