# SPDX-License-Identifier: MIT
"""The help of each command and option can be read by itself: it is not the second half of a sentence."""

import argparse
from collections.abc import Iterator

import pytest
from pantavisor import cli
from pantavisor.cli import manual

# A text that begins with one of these goes on with what is read elsewhere, if at all.
JOINTS = frozenset(
    "of for or and in by within with to as even such where when that which from at on".split()
)


def helps(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Each command's options and words, with their help."""
    for words, command in manual.walk(parser):  # type: ignore[arg-type]
        for action in command._actions:
            if action.help and action.help != argparse.SUPPRESS:
                name = "/".join(action.option_strings) or str(action.metavar or action.dest)
                yield f"pvr {' '.join((*words, name))}", action.help


def halves(parser: argparse.ArgumentParser) -> "list[str]":
    return [f"{place}: {text}" for place, text in helps(parser) if text.split()[0].rstrip(":;,") in JOINTS]


def test_no_help_is_half_a_sentence() -> None:
    assert len(list(helps(cli.parser()))) > 300
    assert halves(cli.parser()) == []


@pytest.mark.parametrize("text, good", [("of the file system", False), ("UUID of the file system", True)])
def test_half_a_sentence_is_found(text: str, good: bool) -> None:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--uuid", help=text)
    assert (halves(parser) == []) is good
