# SPDX-License-Identifier: MIT
"""Which documents of openembedded-core go into the bill of materials of a device."""

from pathlib import Path
from typing import Any

import pytest
from sim import bitbake_library

bitbake_library.need()

import bb  # noqa: E402
import bb.data  # noqa: E402
import pvbb.bills  # noqa: E402


@pytest.fixture
def d() -> Any:
    made = bb.data.init()
    for name, value in {"PVROOT_BSP": "bsp", "PVROOT_SBOM": "cyclonedx spdx"}.items():
        made.setVar(name, value)
    made.setVar("__inherit_cache", ["/oe/meta/classes/create-spdx-3.0.bbclass"])
    return made


def test_those_of_image_recipes_and_of_the_initramfs_are_waited_for_and_found(
    d: Any, tmp_path: Path
) -> None:
    files = {"web": "web.built.spdx.json", "bsp": "pantavisor-initramfs.built.spdx.json"}
    for name in files.values():
        (tmp_path / name).touch()
    exports = {name: f"/deploy/{name}.tgz" for name in (*files, "docker")}
    found = pvbb.bills.of_exports(d, str(tmp_path), exports)
    assert found == {f"/deploy/{name}.tgz": [f"{tmp_path}/{file}"] for name, file in files.items()}
    assert pvbb.bills.task(d) == pvbb.bills.TASK


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PVROOT_SBOM", "cyclonedx"), ("PVROOT_MULTICONFIG", "parts"), ("__inherit_cache", [])],
)
def test_none_are_where_none_is_written_or_waited_for(
    d: Any, tmp_path: Path, variable: str, value: Any
) -> None:
    (tmp_path / "web.built.spdx.json").touch()
    d.setVar(variable, value)
    assert pvbb.bills.task(d) == ""
    assert pvbb.bills.of_exports(d, str(tmp_path), {"web": "/deploy/web.tgz"}) == {}
