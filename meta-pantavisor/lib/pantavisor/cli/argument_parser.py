# SPDX-License-Identifier: MIT
"""argparse in our words: one sentence and a hint for a wrong word, the nearest right word, no value
repeated.

What follows an unknown option may be a password, so a message names the option alone. Abbreviations
are not taken: a script that uses one breaks with the next option that begins alike.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from .. import names
from ..errors import PantavisorError
from . import console

STATUS = 2


class Parser(argparse.ArgumentParser):
    """A parser whose commands are such parsers too; ``absent`` are commands that it does not have, each
    with a hint.
    """

    absent: Mapping[str, str] = {}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._words = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        if "required" in message:
            self._refuse_misspelt()
        message = re.sub(r"ignored explicit argument .*", "takes no value", message, flags=re.DOTALL)
        self.refuse(PantavisorError(message, hint=f"run: {self.prog} --help"))

    def refuse(self, error: PantavisorError) -> NoReturn:
        """End with the error."""
        console.write_stderr(f"pvr: {error}")
        raise SystemExit(STATUS)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self._deepest(found)._refuse_unknown(
                unknown, is_secret=getattr(found, "password", None) is not None
            )
        return found

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            if str(value) in self.absent:
                hint = self.absent[str(value)]
                self.refuse(
                    PantavisorError(
                        f'{self.prog} has no {str(action.metavar).lower()} "{value}"', hint=hint
                    )
                )
            what = "/".join(action.option_strings) or str(action.metavar or action.dest).lower()
            self.refuse(names.unknown(str(value), _choices(action), what=what))

    def _refuse_misspelt(self) -> None:
        """What is required may be given under a misspelt name."""
        for word in self._words[: (*self._words, "--").index("--")]:
            if word.startswith("--") and word.partition("=")[0] not in self._option_string_actions:
                self._refuse_unknown([word], is_secret=True)

    def _refuse_unknown(self, words: list[str], *, is_secret: bool) -> NoReturn:
        option = next((word for word in words if word.startswith("-") and word != "-"), None)
        if option is None:
            word = "a word" if is_secret else f'"{words[0]}"'
            hint = f"leave it out, or run: {self.prog} --help"
            self.refuse(PantavisorError(f"unexpected argument {word}", hint=hint))
        name = option.partition("=")[0] if option.startswith("--") else option[:2]
        known = [
            flag for action in self._actions for flag in action.option_strings if flag.startswith("--")
        ]
        nearest = names.hint(name, known if name.startswith("--") else (), f"run: {self.prog} --help")
        self.refuse(PantavisorError(f"{self.prog} has no option {name}", hint=nearest))

    def _deepest(self, found: argparse.Namespace) -> Parser:
        """The parser of the command that the words came to."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                child = action.choices.get(str(getattr(found, action.dest, "")))
                if isinstance(child, Parser):
                    return child._deepest(found)
        return self


def accept_everywhere(parser: argparse.ArgumentParser, switches: Iterable[tuple[str, ...]]) -> None:
    """Let each command below ``parser`` take its ``switches``, which only its own help lists."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in dict.fromkeys(action.choices.values()):  # an alias is the same parser
                for switch in switches:
                    # Without a default, what comes before the command is not taken back.
                    child.add_argument(
                        *switch, action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
                    )
                accept_everywhere(child, switches)


def verbs(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands below ``parser``, by each of their names."""
    found = (action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(next(found, {}))


def rename(parser: argparse.ArgumentParser, name: str, others: Iterable[str]) -> None:
    """Let the command ``name`` below ``parser`` have ``others`` for names too."""
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for other in others:
        assert (
            commands._name_parser_map.setdefault(other, commands._name_parser_map[name])
            is commands.choices[name]
        ), other
    for choice in commands._choices_actions:
        if choice.dest == name and others:
            choice.metavar = f"{name} ({', '.join(others)})"


def add_spellings(parser: argparse.ArgumentParser, option: str, others: Iterable[str]) -> None:
    """Let the ``option`` of ``parser`` be spelled in ``others`` as well."""
    action = parser._option_string_actions[option]
    for other in others:
        assert parser._option_string_actions.setdefault(other, action) is action, other
        action.option_strings = [*action.option_strings, other]


def default_from(parser: argparse.ArgumentParser, option: str, variable: str) -> None:
    """Let ``option`` be what the environment's ``variable`` holds where it is not given."""
    action = parser._option_string_actions[option]
    action.required = False
    parser.set_defaults(filled=[*(parser.get_default("filled") or ()), (action, variable)])


def apply_variables(options: argparse.Namespace) -> None:
    """Take the values of variables for options that were left out; lists have commas there."""
    for action, variable in getattr(options, "filled", ()):
        if getattr(options, action.dest, None) in (None, []):
            text = os.environ[variable]
            setattr(
                options,
                action.dest,
                text.split(",") if isinstance(action, argparse._AppendAction) else text,
            )


def describe(parser: argparse.ArgumentParser) -> None:
    """Give each command without a description the line that the list of commands has of it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            for child in action.choices.values():
                line = helps.get(child.prog.rpartition(" ")[2])
                if child.description is None and line:
                    child.description = f"{line[0].upper()}{line[1:]}."
                describe(child)


def _choices(action: argparse.Action) -> list[str]:
    """What may be written, without the short names of commands."""
    if isinstance(action, argparse._SubParsersAction):
        return [choice.dest for choice in action._choices_actions]
    return [str(choice) for choice in action.choices or ()]
