# SPDX-License-Identifier: MIT
"""A template argument that a recipe has by several ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sim import bitbake_library
from sim.bitbake_library import recipe

bitbake_library.need()

import bb  # noqa: E402
import pvbb.arguments  # noqa: E402
import pvbb.tasks  # noqa: E402


def fatal(text: str) -> None:
    raise SystemExit(text)


@pytest.fixture
def d() -> Any:
    made = recipe("pvrexport")
    made.setVar("PVR_ARGS", "PV_X=1 PV_ROLES=mgmt PV_Z=a,b")
    return made


def test_ways_that_say_the_same_are_kept(d: Any) -> None:
    d.setVar("PVR_ROLES", " mgmt ")
    written = {"PV_X": 1, "PV_ROLES": ["mgmt"], "PV_Y": ["a b"], "PV_Z": ["a", "b"]}
    assert pvbb.arguments.further(d, {"PV_X": "1"}, {"PVR_ARGS_JSON": written}) == written


@pytest.mark.parametrize(
    ("group", "options", "file", "sentence"),
    [("root", {}, {"PV_GROUP": "app"}, 'PV_GROUP is "root" by PVR_GROUP, and "app" by PVR_ARGS_JSON'),
     ("root", {"PV_GROUP": "app"}, {}, 'is "root" by PVR_GROUP, and "app" by PVR_APP_ADD_EXTRA_ARGS'),
     ("", {"PV_X": "2"}, {}, 'PV_X is "1" by PVR_ARGS, and "2" by PVR_APP_ADD_EXTRA_ARGS'),
     ("", {"PV_Y": "2"}, {"PV_Y": ["3"]}, 'PV_Y is "2" by PVR_APP_ADD_EXTRA_ARGS, and ["3"] by PVR_ARGS')],
)  # fmt: skip
def test_one_that_differs_ends_the_task(
    d: Any,
    group: str,
    options: dict[str, Any],
    file: dict[str, Any],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    d.setVar("PVR_GROUP", group)
    monkeypatch.setattr(bb, "fatal", fatal)
    with pytest.raises(SystemExit, match="keep one of them") as caught:
        pvbb.arguments.further(d, options, {"PVR_ARGS_JSON": file})
    assert sentence in str(caught.value)


def test_a_member_of_the_config_that_differs_ends_the_task(
    d: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bb, "fatal", fatal)
    file = tmp_path / "config.json"
    d.setVar("UNPACKDIR", str(tmp_path))
    d.setVar("PVR_CONFIG_JSON", file.name)
    d.setVar("PVR_APP_WORDS", '{"config": {"User": "app", "Cmd": ["a", "b"]}}')
    file.write_text('{"Cmd": ["a", "b"], "WorkingDir": "/"}')
    assert pvbb.tasks._image_config(d) == {"User": "app", "Cmd": ["a", "b"], "WorkingDir": "/"}
    file.write_text('{"User": "root"}')
    with pytest.raises(SystemExit, match="keep one of them") as caught:
        pvbb.tasks._image_config(d)
    assert 'User is "app" by PVR_APP_ADD_EXTRA_ARGS, and "root" by PVR_CONFIG_JSON' in str(caught.value)
