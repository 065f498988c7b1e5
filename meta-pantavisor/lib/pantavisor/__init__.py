# SPDX-License-Identifier: MIT
"""Pantavisor state, container and disk image formats, and the work of making them. Knows nothing of
BitBake.
"""

from __future__ import annotations

__version__ = "0.1.0"
