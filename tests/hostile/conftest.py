# SPDX-License-Identifier: MIT
"""All tests of this folder belong to its suite; single ones of tests/unit are marked for it."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("hostile")
