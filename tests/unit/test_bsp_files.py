# SPDX-License-Identifier: MIT
"""Which deployed files the variables of a bsp name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sim import bitbake_library

bitbake_library.need()

import bb  # noqa: E402
import bb.data  # noqa: E402
import pvbb.tasks  # noqa: E402
import pvbb.tool  # noqa: E402


@pytest.fixture
def d(tmp_path: Path) -> Any:
    made = bb.data.init()
    deploy = tmp_path / "deploy"
    for name in ("kernel", "initramfs", "one.dtb", "vendor/two.dtb", "two.dtb", "board.fit"):
        (deploy / name).parent.mkdir(parents=True, exist_ok=True)
        (deploy / name).write_text(name)
    values = {"PN": "bsp", "DEPLOY_DIR_IMAGE": str(deploy), "PVR_BSP_KERNEL": "kernel", "B": str(tmp_path),
              "PVR_BSP_INITRAMFS": "initramfs", "PVS_SIGN": "0"}  # fmt: skip
    for name, value in values.items():
        made.setVar(name, value)
    return made


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(pvbb.tool, "run", lambda d, verb, job: found.append(job))
    return found


def test_a_device_tree_is_found_with_and_without_its_directory(d: Any, jobs: list[dict[str, Any]]) -> None:
    d.setVar("PVR_BSP_FDT", "vendor/one.dtb vendor/two.dtb two.dtb")
    pvbb.tasks.export_bsp(d)
    deploy = d.getVar("DEPLOY_DIR_IMAGE")
    assert jobs[0]["device_trees"] == {
        "vendor/one.dtb": f"{deploy}/one.dtb",
        "vendor/two.dtb": f"{deploy}/vendor/two.dtb",
        "two.dtb": f"{deploy}/two.dtb",
    }
    assert jobs[0]["fdt"] == f"{deploy}/one.dtb"


def test_two_device_trees_of_one_file_name_are_refused(
    d: Any, jobs: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    """The kernel's recipe has deployed one over the other."""
    d.setVar("PVR_BSP_FDT", "vendor/one.dtb other/one.dtb")
    with pytest.raises(bb.BBHandledException):
        pvbb.tasks.export_bsp(d)
    assert "PVR_BSP_FDT names vendor/one.dtb and other/one.dtb, and " in caplog.text
    assert "hint: deploy each by a file name of its own" in caplog.text and not jobs


def test_a_device_tree_that_is_named_twice_is_one(d: Any, jobs: list[dict[str, Any]]) -> None:
    d.setVar("PVR_BSP_FDT", "one.dtb one.dtb")
    pvbb.tasks.export_bsp(d)
    assert jobs[0]["device_trees"] is None


def test_a_device_tree_that_nothing_deploys_is_named(
    d: Any, jobs: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    d.setVar("PVR_BSP_FDT", "vendor/three.dtb")
    with pytest.raises(bb.BBHandledException):
        pvbb.tasks.export_bsp(d)
    assert "PVR_BSP_FDT names vendor/three.dtb, which is not in" in caplog.text and not jobs


def test_a_fit_is_taken_in_place_of_kernel_and_initramfs(d: Any, jobs: list[dict[str, Any]]) -> None:
    d.setVar("PVR_BSP_FIT", "board.fit")
    pvbb.tasks.export_bsp(d)
    names = ("kernel", "initramfs", "fit")
    deploy = d.getVar("DEPLOY_DIR_IMAGE")
    assert [jobs[0][name] for name in names] == [None, None, f"{deploy}/board.fit"]
