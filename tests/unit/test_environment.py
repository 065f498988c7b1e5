# SPDX-License-Identifier: MIT
"""A misspelt variable of the environment is answered by the right one, in each command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pantavisor import cli
from pantavisor.cli import environment

LIBRARY = Path(cli.__file__).parents[1]
# Arguments of a container, which are in no environment.
ARGUMENTS = {"PVR_LXC_CGROUP_DEVICES_WHITE", "PVR_LXC_CGROUP_V1"}
MEMBER = Path("cli/environment.py")


def test_the_list_has_what_the_library_reads_and_the_page_shows() -> None:
    texts = [path.read_text() for path in LIBRARY.rglob("*.py") if path.relative_to(LIBRARY) != MEMBER]
    read = {name for text in texts for name in re.findall(r'"(PVR_[A-Z0-9_]+)"', text)}
    assert environment.NAMES == read - ARGUMENTS
    page = (LIBRARY.parents[1] / "docs/pvr.md").read_text().partition("## Variables of the environment")[2]
    assert environment.NAMES <= set(re.findall(r"PVR_[A-Z0-9_]+", page.partition("\n## ")[0]))


@pytest.mark.parametrize(
    ("name", "near"),
    [("PVR_SIG_KYE", "PVR_SIG_KEY"), ("PVR_CACHEDIR", "PVR_CACHE_DIR"), ("pvr_sig_key", "PVR_SIG_KEY"),
     ("PVR_PKCS11_PINS", "PVR_PKCS11_PIN"), ("PVR_REGISTRY_MIRROR", "PVR_REGISTRY_MIRRORS")],
)  # fmt: skip
def test_a_misspelt_variable_is_warned_of(
    name: str, near: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "x")
    assert cli.main(["man"]) == 0
    assert f'the environment has {name}, which nothing reads; use "{near}"' in capsys.readouterr().err


@pytest.mark.parametrize(
    "name",
    ["PVR_SIG_KEY", "PVR_DOCKER_REF", "PVR_OF_ANOTHER_TOOL", "PATH", "PVR", "PVR_CACHE_DIRECTORY",
     "PVR_PKCS11", "PVR_PKCS11_TOKEN", "PVR_PKCS11_PIN_FILE", "PVR_CACHE_URL"],
)  # fmt: skip
def test_others_are_left_alone(name: str) -> None:
    assert list(environment.misspelt([name])) == []
