# SPDX-License-Identifier: MIT
"""Making devices.

    first_revision  signed exports to the first revision and its disk image     build(), assemble()
"""

from __future__ import annotations

from .first_revision import REVISION, assemble, build

__all__ = ["REVISION", "assemble", "build"]
