# SPDX-License-Identifier: MIT
"""Each ``pvr`` on a page is a command with options that exist; other tests run those that can run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from pantavisor import cli

PROJECT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "meta-pantavisor/docs/**/*.md", "kas/**/*.md", "examples/**/*.md")
    for path in PROJECT.glob(pattern)
)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
ASSIGNED = re.compile(r'^(\w+)="(.*)"$', re.MULTILINE)
PROGRAM = re.compile(r"(?:sudo )?(?:\S*/)?pvr ")


def commands(text: str) -> Iterator[str]:
    """What follows ``pvr`` in blocks of shell, lines joined and the block's own variables put in."""
    for block in BLOCK.findall(text):
        joined = block.replace("\\\n", " ")
        for line in joined.splitlines():
            values = dict(ASSIGNED.findall(joined[: joined.index(line)]))
            for part in re.split(r"&&|\|\||;|(?<!\\)\|", line):
                found = PROGRAM.match(part.strip())
                if found:
                    words = part.strip()[found.end() :]
                    yield re.sub(r"\$(\w+)", lambda name, known=values: known.get(name[1], "x"), words)


CASES = [
    pytest.param(words, id=f"{path.name}: pvr {words[:60]}")
    for path in PAGES
    for words in commands(path.read_text())
]


def test_there_are_many() -> None:
    assert len(CASES) > 50


@pytest.mark.parametrize("words", CASES)
def test_the_command_and_its_options_exist(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = shlex.split(re.split(r"\s+>{1,2}\s*\S+", words)[0], comments=True)
    try:
        cli.parser(next((word for word in given if not word.startswith("-")), None)).parse_args(given)
    except SystemExit as error:
        assert not error.code, capsys.readouterr().err


def test_an_option_that_does_not_exist_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ('HSM="--pkcs11 m.so"', "pvr sig add $HSM --part web \\", "    --lable boot && pvr init x")
    text = "\n".join(["```sh", *lines, "```", ""])
    first, second = commands(text)
    assert first.split() == ["sig", "add", "--pkcs11", "m.so", "--part", "web", "--lable", "boot"]
    assert second == "init x"
    with pytest.raises(SystemExit):
        cli.parser("sig").parse_args(first.split())
    assert "has no option --lable" in capsys.readouterr().err
