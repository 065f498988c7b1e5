# SPDX-License-Identifier: MIT
"""BitBake's own library, for tests that run our code inside of it."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

LAYER = Path(__file__).parents[2] / "meta-pantavisor"


def need() -> None:
    """Have ``bb`` importable, from BITBAKE_LIB or from where the quickstart keeps it. Without it the module
    is left out, and in CI fails.
    """
    place = os.environ.get("BITBAKE_LIB") or str(Path(__file__).parents[2] / "kas/quickstart/bitbake/lib")
    sys.path.append(place)
    if importlib.util.find_spec("bb") is not None and (Path(place) / "bb/fetch2").is_dir():
        return
    reason = f"BitBake's library is not in {place}: run scripts/setup-bitbake, or set BITBAKE_LIB"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def recipe(*classes: str) -> Any:
    """The data of a recipe that inherits ``classes`` of the layer."""
    import bb.data

    made = bb.data.init()
    for name, value in {"PN": "demo", "BPN": "demo", "TARGET_ARCH": "x86_64"}.items():
        made.setVar(name, value)
    made.setVar("PANTAVISOR_LAYERDIR", str(LAYER))
    made.setVar("__inherit_cache", [f"{LAYER}/classes/{name}.bbclass" for name in classes])
    return made


def skipped(d: Any) -> str:
    """Why a recipe that names a container's source is skipped."""
    import bb.parse
    import pvbb.sources
    import pvbb.variables

    with pytest.raises(bb.parse.SkipRecipe) as caught:
        pvbb.variables.check(d)
        pvbb.sources.container(d)
    return str(caught.value)
