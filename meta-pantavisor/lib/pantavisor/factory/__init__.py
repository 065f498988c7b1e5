# SPDX-License-Identifier: MIT
"""Making devices.

    first_revision  signed exports to the first revision and its disk image     build(), assemble()
    memory          whether the memory that containers may take fits into the board
    drive           a disk that nothing else uses
    flash           one image onto several disks, each read back                flash()
"""

from __future__ import annotations

from .first_revision import REVISION, assemble, build
from .flash import Flashed, flash

__all__ = ["REVISION", "Flashed", "assemble", "build", "flash"]
