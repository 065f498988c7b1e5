# SPDX-License-Identifier: MIT
"""Making devices.

    first_revision  signed exports to the first revision and its disk image     build(), assemble()
    memory          whether the memory that containers may take fits into the board
"""

from __future__ import annotations

from .first_revision import REVISION, assemble, build

__all__ = ["REVISION", "assemble", "build"]
