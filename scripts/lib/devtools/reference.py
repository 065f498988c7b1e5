# SPDX-License-Identifier: MIT
"""The chapter on commands of docs/pvr.md, written from the parser of ``pvr`` itself;
and docs/variables.md.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
PAGE = PROJECT / "meta-pantavisor" / "docs" / "pvr.md"
BEGIN = "<!-- Written by scripts/reference; do not edit below. -->\n"
# Options that only scripts for the published tool give; published.md lists them.
IDLE = "no effect"
PLAIN = ("positional arguments", "options", "optional arguments")
COLUMNS = 108
REPEATS = {"?": "[{}]", "*": "[{}...]", "+": "{}..."}

sys.path.insert(0, str(PROJECT / "meta-pantavisor" / "lib"))

from pantavisor import cli  # noqa: E402
from pantavisor.cli import manual  # noqa: E402

from . import variables  # noqa: E402


def chapter() -> str:
    """Every command with its operands and options."""
    return (
        "\n".join(line for words, parser in manual.walk(cli.parser()) for line in _section(words, parser))
        + "\n"
    )


def _section(words: tuple[str, ...], parser: argparse.ArgumentParser) -> Iterator[str]:
    """A command and its verbs have one heading each, the options of ``pvr`` itself the first."""
    yield from (
        "",
        f"### `{' '.join(('pvr', *words))}`" if words else "### Before or after every command",
        "",
    )
    if words:
        yield from (
            *_wrapped(_sentence(parser.description or "")),
            "",
            f"`{' '.join(_synopsis(words, parser))}`",
            "",
        )
    for group in parser._action_groups:
        shown = [action for action in group._group_actions if _is_shown(action)]
        if shown and group.title not in PLAIN:
            yield from ("", f"{str(group.title).capitalize()}:", "")
        yield from (
            line for action in shown for line in _wrapped(f"{_name(action)}{_meaning(action)}", "- ", "  ")
        )


def _wrapped(text: str, first: str = "", later: str = "") -> list[str]:
    return textwrap.wrap(
        first + text, COLUMNS, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )


def _synopsis(words: tuple[str, ...], parser: argparse.ArgumentParser) -> Iterator[str]:
    yield from ("pvr", *words)
    required = [action for action in parser._actions if action.option_strings and action.required]
    yield from (f"{action.option_strings[0]} {_value(action)}" for action in required)
    if any(
        action.option_strings and _is_shown(action) and not action.required for action in parser._actions
    ):
        yield "[OPTION...]"
    for action in parser._actions:
        if not action.option_strings:
            yield REPEATS.get(str(action.nargs), "{}").format(_value(action))


def _is_shown(action: argparse.Action) -> bool:
    hidden = isinstance(action, (argparse._HelpAction, argparse._SubParsersAction))
    return not hidden and action.help not in (argparse.SUPPRESS, IDLE)


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{_value(action)}`"
    value = "" if action.nargs == 0 else f" {_value(action)}"
    return ", ".join(f"`{flag}{value}`" for flag in action.option_strings)


def _value(action: argparse.Action) -> str:
    if isinstance(action.metavar, tuple):
        return " ".join(action.metavar)
    if action.metavar is None and action.choices is not None:
        return "|".join(map(str, action.choices))
    return action.metavar or (action.dest.upper() if action.option_strings else action.dest)


def _meaning(action: argparse.Action) -> str:
    text = (action.help or "") % {**vars(action), "prog": "pvr"}
    return f": {text}" if text else ""


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def main() -> int:
    """Write what is generated into the pages."""
    for page, text in ((PAGE, chapter()), (variables.PAGE, variables.page())):
        head, mark, _ = page.read_text().partition(BEGIN)
        if not mark:
            print(f"reference: {page} has no line {BEGIN.strip()}", file=sys.stderr)
            return 1
        page.write_text(head + BEGIN + text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
