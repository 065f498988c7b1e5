# SPDX-License-Identifier: MIT
"""docs/pvr.md is the reference of the command: every verb, option and variable, as the code has them."""

from __future__ import annotations

import argparse
import ast
import re
from pathlib import Path

import pytest
from devtools import reference
from pantavisor import cli
from pantavisor.cli import manual

LIBRARY = Path(cli.__file__).resolve().parents[1]
PAGE = reference.PAGE.read_text()
PUBLISHED = reference.PAGE.with_name("published.md").read_text()
VARIABLE = re.compile(
    r"PVR_[A-Z0-9_]+|REGISTRY_AUTH_FILE|DOCKER_CONFIG|XDG_\w+|SSL_CERT_\w+|SOURCE_DATE_EPOCH|SUDO_UID|HOME"
    r"|(https?|no)_proxy"
)
# Template arguments of a container, which are not variables of the environment.
ARGUMENTS = {"PVR_LXC_CGROUP_DEVICES_WHITE", "PVR_LXC_CGROUP_V1"}
PARSERS = {" ".join(words): parser for words, parser in manual.walk(cli.parser())}


def test_the_chapter_on_commands_is_the_parser_s() -> None:
    assert PAGE.partition(reference.BEGIN)[2] == reference.chapter(), "run: scripts/reference"


@pytest.mark.parametrize("words", sorted(PARSERS))
def test_every_option_of_a_command_is_on_a_page(words: str) -> None:
    for action in PARSERS[words]._actions:
        if isinstance(action, argparse._HelpAction) or action.help == argparse.SUPPRESS:
            continue
        for flag in action.option_strings:
            assert re.search(rf"`{re.escape(flag)}[` ]", PAGE) or f"`{flag}`" in PUBLISHED, flag


def test_every_variable_that_the_library_knows_is_on_the_page() -> None:
    nodes = [node for path in LIBRARY.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    known = {text for text in texts if VARIABLE.fullmatch(text)} - ARGUMENTS
    assert len(known) > 15
    assert [name for name in sorted(known) if f"`{name}`" not in PAGE] == []
    named = set(
        re.findall(
            r"`([A-Z_0-9]+|\w+_proxy)`", PAGE.partition("## Variables")[2].partition("## For programs")[0]
        )
    )
    assert named == known
