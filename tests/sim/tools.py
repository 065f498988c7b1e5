# SPDX-License-Identifier: MIT
"""Programs and rights that tests compare with.

A missing program skips a test with a reason, and fails it where CI is set: scripts/setup installs all of
them. Missing rights skip it everywhere.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

TIMEOUT_SECONDS = 600
NOBODY = 65534


def miss(reason: str) -> NoReturn:
    """Leave the test out, or fail it in a pipeline."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def find(program: str) -> str | None:
    """The program's path, also in directories that are not on the path of users."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def has(program: str) -> bool:
    """Whether a program is here."""
    return find(program) is not None


def need(program: str, *, package: str) -> str:
    """The program's path."""
    found = find(program)
    if found is None:
        miss(f"{program} is not here: apt install {package}")
    return found


def need_root() -> None:
    """Rights to mount, to make devices and to become another user. No pipeline can install them: the test
    is left out.
    """
    if os.geteuid() != 0:
        pytest.skip("this takes root, who may mount, make devices and become another user")


@functools.cache
def nobody() -> tuple[str, ...]:
    """Words before a command that make it another user's, one who may read this checkout and owns nothing.

    Where the checkout is in a home that is closed to others, as /root is, that user gets the right to read,
    and no other.
    """
    need_root()
    plain = (
        need("setpriv", package="util-linux"),
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
    )
    readers = (plain, (*plain, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"))
    for words in readers:
        if not subprocess.run(
            [*words, sys.executable, "-c", "import pantavisor"], cwd="/", capture_output=True
        ).returncode:
            return words
    pytest.skip(
        f"other users may not run {sys.executable}, and root may not let them: "
        "use a checkout outside of /root"
    )


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder for every user, outside of pytest's, which each start of pytest closes to others."""
    with tempfile.TemporaryDirectory(prefix="pantavisor-open.") as name:
        os.chmod(name, 0o777)
        yield Path(name)


def run(*arguments: object) -> str:
    """Run a program that must succeed; its standard output."""
    words = [str(word) for word in arguments]
    words[0] = find(words[0]) or words[0]
    done = subprocess.run(words, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
    said = [text.decode("utf-8", "backslashreplace") for text in (done.stdout, done.stderr)]
    assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}:\n{said[0]}{said[1]}"
    return said[0]
