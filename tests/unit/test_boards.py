# SPDX-License-Identifier: MIT
"""What is known of machines, by the variables of their BSP layers."""

from __future__ import annotations

from typing import Any

import pytest
from sim import bitbake_library

bitbake_library.need()

import bb.data  # noqa: E402
import pvbb.boards  # noqa: E402


def machine(**variables: str) -> Any:
    d = bb.data.init()
    for name, value in variables.items():
        d.setVar(name, value)
    return d


@pytest.mark.parametrize(
    ("architecture", "kernel", "command"),
    [
        ("aarch64", "Image", "booti"),
        ("aarch64", "uImage", "bootm"),
        ("arm", "zImage", "bootz"),
        ("arm", "uImage", "bootm"),  # Allwinner, and 32-bit Raspberry Pis with U-Boot
        ("arm", "", "bootz"),
    ],
)
def test_a_kernel_is_started_by_the_command_for_its_form(
    architecture: str, kernel: str, command: str
) -> None:
    assert pvbb.boards.command(machine(TARGET_ARCH=architecture, KERNEL_IMAGETYPE=kernel)) == command
    named = machine(TARGET_ARCH=architecture, KERNEL_IMAGETYPE="vmlinux", PVR_BSP_KERNEL=kernel)
    assert pvbb.boards.command(named) == command
