# SPDX-License-Identifier: MIT
"""Each test runs once for each release that OECORE_DIR has; without one it is skipped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkouts import LAYER, MASK, PRODUCT, RELEASES, Build, Checkout, find, why_missing


@pytest.fixture(scope="session", params=RELEASES)
def checkout(request: pytest.FixtureRequest) -> Checkout:
    found = find(request.param)
    if found is None:
        pytest.skip(why_missing(request.param))
    return found


@pytest.fixture(scope="session")
def masked(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """openembedded-core's configuration and classes, none of its recipes, and those of this layer and of a
    product.
    """
    root = tmp_path_factory.mktemp(checkout.release)
    product: Path = shutil.copytree(PRODUCT, root / "product")
    yield Build.make(checkout, root / "build", [LAYER, product], MASK)
    shutil.rmtree(root, ignore_errors=True)
