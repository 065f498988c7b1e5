# SPDX-License-Identifier: MIT
"""What the layer leaves alone: the tasks of others."""

from __future__ import annotations

import re
from pathlib import Path

from checkouts import LAYER, Build, Checkout
from test_closure import MASK

TARGETS = ("openssl-native", "python3-native", "zstd-native")
FEWEST_TASKS = 100


def test_the_layer_changes_no_task_of_openembedded_core(checkout: Checkout, tmp_path: Path) -> None:
    """In one directory, since its place is in some of them."""
    found = []
    for layers in ([], [LAYER]):
        build = Build.make(checkout, tmp_path, layers, MASK)
        done = build.bitbake("-S", "lockedsigs", *TARGETS)
        locked = build.directory / "locked-sigs.inc"
        assert locked.exists(), done.stdout
        found.append(set(re.findall(r"\S+:do_\w+:[0-9a-f]{64}", locked.read_text())))
        locked.unlink()
    without, beside = found
    assert len(without) > FEWEST_TASKS
    assert beside == without, sorted(beside ^ without)[:9]
