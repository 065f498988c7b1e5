# SPDX-License-Identifier: MIT
"""docs/glossary.md has the words of the command and the control socket, with the values of the code."""

import re
from pathlib import Path

import pytest
from pantavisor import cli
from pantavisor.cli import manual
from pantavisor.manifests import device, device_edit, members

LAYER = Path(__file__).resolve().parents[2] / "meta-pantavisor"
RUNTIME = LAYER / "recipes-pv/pantavisor/pantavisor"
GLOSSARY = (LAYER / "docs/glossary.md").read_text()
ROWS = dict(re.findall(r"^\| (\*\*.*?) \| (.*) \|$", GLOSSARY, re.MULTILINE))
TERMS = [word for cells in ROWS.items() for word in re.findall(r"\*\*(.+?)\*\*", " ".join(cells))]
PAGES = "\n".join(page.read_text() for page in sorted(LAYER.rglob("*.md")) if page.name != "glossary.md")
# Placeholders of the command in plain English or of other standards, which need no explanation here.
PLAIN = {
    "ADDRESS", "ADDRESS/LENGTH", "CAPABILITY", "COMMAND", "COUNT", "DEVICE", "DIR", "FILE", "FILE:TARGET",
    "FLAGS", "GOAL", "HEX", "HOST", "HOW", "IMAGE", "INTERFACE", "JSON", "KEY", "KIND", "LABEL",
    "LEVEL", "LENGTH", "LINE", "LINK", "MIRROR", "MODE", "MODULE", "NAME", "NAMES", "NETWORK", "NUMBER",
    "OPTIONS", "OTHER", "PASSWORD", "PEM", "PLACES", "POLICY", "PORT", "PROGRAM", "REPO", "RULE", "SECONDS",
    "SIZE", "SOURCE", "TARGET", "TEXT", "TOKEN", "TREE", "TYPE", "URL", "USER", "UUID", "VALUE", "VERB",
    "I", "R", "PATTERN",
}  # fmt: skip


def row(term: str) -> str:
    return next(text for cell, text in ROWS.items() if f"**{term}**" in cell)


def test_each_word_is_explained_once() -> None:
    assert len(TERMS) > 40 and len(set(TERMS)) == len(TERMS)


def test_the_placeholders_of_the_command_are_explained_or_plain() -> None:
    shown = {
        word
        for _, parser in manual.walk(cli.parser())
        for action in parser._actions
        for metavar in ([action.metavar] if isinstance(action.metavar, str) else action.metavar or ())
        for word in re.findall(r"[A-Z]+", metavar)
    }
    assert "GROUP" in shown
    assert {word.lower() for word in shown - PLAIN} <= set(TERMS)


def test_what_device_json_declares_is_explained() -> None:
    assert set(device_edit.KINDS) <= set(TERMS)


def test_what_the_control_socket_lists_is_explained() -> None:
    collections = re.findall(r'\{"/(\w+)s/", ', (RUNTIME / "src/route.c").read_text())
    assert collections and set(collections) <= set(TERMS)


@pytest.mark.parametrize(
    ("term", "values"),
    [
        ("role", members.ROLES),
        ("restart policy", members.RESTART_POLICIES),
        ("volume", members.PERSISTENCES),
        ("group", [group.name for group in device.DEFAULT_GROUPS]),
    ],
)
def test_the_values_of_a_word_are_those_of_the_library(term: str, values: "list[str]") -> None:
    for value in values:
        assert re.search(rf"\b{value}\b", row(term)), value


def test_the_statuses_of_a_container_are_those_of_the_runtime() -> None:
    (names,) = re.findall(r"status_names\[\w+\] = \{([^}]*)\}", (RUNTIME / "src/goal.c").read_text())
    assert re.findall(r"\b[A-Z]{5,}\b", row("status")) == re.findall(r"[A-Z]+", names)


def test_the_ends_of_an_update_are_those_of_the_runtime() -> None:
    known = re.findall(r'= \{"([A-Z]+)", (\d+)\}', (RUNTIME / "src/progress.c").read_text())
    named = set(re.findall(r"\b[A-Z]{3,}\b", row("progress")))
    assert named == {name for name, percent in known if percent in ("0", "100")}


@pytest.mark.parametrize("term", TERMS)
def test_each_word_is_used_on_another_page(term: str) -> None:
    assert re.search(rf"\b{re.escape(term)}", PAGES, re.IGNORECASE)
