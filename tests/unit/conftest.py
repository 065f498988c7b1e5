# SPDX-License-Identifier: MIT
"""What holds for all unit tests."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """What was collected stays to the end, and is not looked through again and again."""
    gc.collect()
    gc.freeze()
