# SPDX-License-Identifier: MIT
"""What holds for all unit tests."""

from __future__ import annotations

import gc

import pytest
from hypothesis import HealthCheck, settings

# A busy machine fails no example for its time. @given takes what is in force where it stands.
settings.register_profile(
    "untimed", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Random inputs are damage in one place after the other."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("hostile")


def pytest_collection_finish() -> None:
    """What was collected stays to the end, and is not looked through again and again."""
    gc.collect()
    gc.freeze()
