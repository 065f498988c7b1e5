# SPDX-License-Identifier: MIT
"""The manual page and the shell completion, from the same parser as ``--help``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from .. import __version__, names
from . import argument_parser
from .console import Console

Parser = argparse.ArgumentParser
HIDDEN = (argparse._SubParsersAction, argparse._HelpAction)
# Only words that make a command longer count: what else is there are options, their values and operands. A
# verb is not a file, but anything may follow an option.
BASH = """\
_pvr() {
    local IFS=$'\\n' offered= line= word last="${COMP_WORDS[COMP_CWORD-1]}" files=1
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "|@COMMANDS@|" in *"|${line:+$line }$word|"*) line="${line:+$line }$word";; esac
    done
    case "$line" in
@CASES@
    esac
    word="${COMP_WORDS[COMP_CWORD]}"
    case "$files$last" in 1*|-*) files=$(compgen -f -- "$word");; esac
    COMPREPLY=($(compgen -W "${offered// /$'\\n'}" -- "$word") $files)
}
complete -o filenames -F _pvr pvr"""
# Not through bashcompinit: zsh gives path, words and ${name:1:length} other meanings.
ZSH = """\
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
_pvr() {
    local offered= line= word files=1
    for word in "${(@)words[2,CURRENT-1]}"; do
        case "|@COMMANDS@|" in *"|${line:+$line }$word|"*) line="${line:+$line }$word";; esac
    done
    case "$line" in
@CASES@
    esac
    compadd -- ${=offered}
    case "$files$words[CURRENT-1]" in 1*|-*) _files;; esac
}
compdef _pvr pvr"""
SCRIPTS = {"bash": BASH, "zsh": ZSH}


def register(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add ``completion`` and ``man``; both need the parser that they are part of."""
    completion = commands.add_parser("completion", help="print completion for a shell")
    completion.add_argument("shell", choices=tuple(SCRIPTS), nargs="?", default="bash",
                            help="shell; in bash, run: eval \"$(pvr completion bash)\"")  # fmt: skip
    completion.set_defaults(run=_completion)
    manual = commands.add_parser("man", help="print the manual page (roff)")
    manual.set_defaults(run=_manual)
    version = commands.add_parser("version", help="print the version, as --version")
    version.set_defaults(run=lambda options, console: console.result(f"pvr {__version__}"))
    helping = commands.add_parser("help", help="print the help of a command, as --help")
    helping.add_argument(
        "words", nargs="*", metavar="COMMAND", help="command, and its verb; default: all commands"
    )
    helping.set_defaults(run=_help)


def walk(
    parser: Parser, words: tuple[str, ...] = (), *, aliases: bool = False
) -> Iterator[tuple[tuple[str, ...], Parser]]:
    """Each command with its parser, the top one first; under its other names too with ``aliases``."""
    yield words, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                if aliases or child.prog.rpartition(" ")[2] == name:
                    yield from walk(child, (*words, name), aliases=aliases)


def completion(parser: Parser, shell: str) -> str:
    """A completion script: commands, verbs and options by position, files elsewhere."""
    commands = {" ".join(words): child for words, child in walk(parser, aliases=True)}
    cases = "\n".join(f'        "{path}") {_case(child)};;' for path, child in commands.items())
    return SCRIPTS[shell].replace("@COMMANDS@", "|".join(commands)).replace("@CASES@", cases)


def manual(parser: Parser) -> str:
    """The page pvr(1)."""
    # Options are to be copied: no hyphens within, no new blanks between.
    lines = [
        f'.TH PVR 1 "" "pvr {__version__}"',
        ".nh",
        ".ad l",
        ".SH NAME",
        f"pvr \\- {_roff(parser.description or '')}",
    ]
    for words, child in walk(parser):
        lines += [".SH COMMAND " + " ".join(words).upper() if words else ".SH OPTIONS"]
        lines += [
            _roff(child.description or ""),
            ".PP",
            ".B " + _roff(" ".join(child.format_usage().split()[1:])),
        ]
        for group in child._action_groups:
            shown = [action for action in group._group_actions if not _is_hidden(action)]
            if shown and group.title not in ("positional arguments", "options", "optional arguments"):
                lines.append(f'.SS "{_roff(str(group.title))}"')
            for action in shown:
                lines += [".TP", ".B " + _roff(_name(action)), _roff(action.help or "")]
    lines += [
        ".SH EXIT STATUS",
        "0 done, 1 a bug in pvr, 2 a mistake of the user, with a hint, 130 interrupted.",
    ]
    return "\n".join(lines)


def _is_hidden(action: argparse.Action) -> bool:
    return isinstance(action, HIDDEN) or action.help == argparse.SUPPRESS


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return str(action.metavar or action.dest)
    value = f" {action.metavar or action.dest.upper()}" if action.nargs != 0 else ""
    return ", ".join(action.option_strings) + value


def _case(parser: Parser) -> str:
    has_verbs = any(isinstance(action, argparse._SubParsersAction) for action in parser._actions)
    return f'offered="{" ".join(_words(parser))}"{" files=" if has_verbs else ""}'


def _words(parser: Parser) -> list[str]:
    words: list[str] = []
    for action in parser._actions:
        words += action.option_strings or action.choices or ()
    return words


def _roff(text: str) -> str:
    return text.replace("\\", "\\\\").replace("-", "\\-").replace("%(default)s", "")


def _help(options: argparse.Namespace, console: Console) -> None:
    found = options.parser
    for word in options.words:
        known = argument_parser.verbs(found)
        if word not in known:
            raise names.unknown(word, known, what="command")
        found = known[word]
    console.result(found.format_help().rstrip())


def _completion(options: argparse.Namespace, console: Console) -> None:
    console.result(completion(options.parser, options.shell))


def _manual(options: argparse.Namespace, console: Console) -> None:
    console.result(manual(options.parser))
