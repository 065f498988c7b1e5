# SPDX-License-Identifier: MIT
"""``python3 -m pantavisor`` is ``pvr``."""

from __future__ import annotations

import gc

GARBAGE_OBJECTS = 1_000_000


def run() -> int:
    """Run the command line; returns the exit status."""
    # A command ends soon and makes few cycles, but many small objects: looking for cycles among them takes
    # a twentieth of its time.
    gc.set_threshold(GARBAGE_OBJECTS)
    try:
        # Who interrupts while this loads gets the same status as later, and no traceback.
        from .cli import main

        return main()
    except KeyboardInterrupt:
        return 130
    finally:
        # Python would look through all of them once more at its end; the memory goes back as a whole.
        gc.freeze()


if __name__ == "__main__":
    raise SystemExit(run())
