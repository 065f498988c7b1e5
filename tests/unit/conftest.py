# SPDX-License-Identifier: MIT
"""What holds for all unit tests."""

from __future__ import annotations

import gc
import sys

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Random inputs are damage in one place after the other."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("hostile")
    # Tests that use it have imported it by now: a busy machine fails no example for its time.
    if "hypothesis" in sys.modules:
        from hypothesis import HealthCheck, settings

        settings.register_profile(
            "untimed", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        )
        settings.load_profile("untimed")


def pytest_collection_finish() -> None:
    """What was collected stays to the end, and is not looked through again and again."""
    gc.collect()
    gc.freeze()
