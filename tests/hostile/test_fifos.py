# SPDX-License-Identifier: MIT
"""A FIFO that no program writes to, in the place of each file that a command is given, and in a directory
that it is given: no command waits for it.
"""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from pantavisor import cli
from pantavisor.cli import manual

SECONDS = 60  # of a command that takes a tenth of one
# What directories of ours and of others hold.
NAMES = (
    "a.json", "a.zip", "a.birth.json", "index.json", "oci-layout", "key.pem", "ca.crt", "x5c.pem",
    "etc/os-release", "rootfs", ".pvr/json", ".pvr/config", "trails/0/.pvr/json",
)  # fmt: skip
VALUES = (
    "fifo",
    "folder",
    "part=fifo",
    "fifo=part",
    "oci:folder",
    "oci-archive:fifo",
    "docker-archive:fifo",
)


def commands() -> Iterator[tuple[str, ...]]:
    for words, parser in manual.walk(cli.parser()):
        if not any(isinstance(action, argparse._SubParsersAction) for action in parser._actions):
            yield words


def calls(words: tuple[str, ...]) -> Iterator[list[str]]:
    """The command with one argument such a value, and a plain file for all others that it needs."""
    parser = dict(manual.walk(cli.parser()))[words]
    actions = [action for action in parser._actions if action.nargs != 0 and not action.choices]
    for given in actions:
        for value in VALUES:
            call = list(words)
            for action in actions:
                is_needed = action.required or (
                    not action.option_strings and action.nargs not in ("?", "*")
                )
                if action is given or is_needed:
                    call += action.option_strings[-1:] + [value if action is given else "file"]
            yield call


def lay_out(root: Path) -> None:
    os.mkfifo(root / "fifo")
    (root / "file").write_text("file")
    for name in NAMES:
        (root / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(root / "folder" / name)


def status_of(call: list[str], root: Path) -> int:
    """As waitpid has it; a command that waits is killed."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    os.chdir(root)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(SECONDS)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    try:
        os._exit(cli.main(call))
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)
    finally:
        os._exit(1)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_no_command_waits_for_a_fifo(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    lay_out(tmp_path)
    # 2 is a mistake of the user, and 0 an argument that has no use for a file.
    wrong = [call for call in calls(words) if status_of(call, tmp_path) not in (0, 2 << 8)]
    assert not wrong
