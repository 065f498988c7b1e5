"""Programs and rights that a test compares with. Missing ones skip it with a reason, and fail it where CI is set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import NoReturn

import pytest

TIMEOUT_SECONDS = 120


def miss(reason: str) -> NoReturn:
    """Leave the test out, or fail it in a pipeline."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def has(program: str) -> bool:
    """Whether a program is here."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is not None


def need(program: str, *, package: str) -> str:
    """The program's path."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        miss(f"{program} is not here: apt install {package}")
    return found


def need_root() -> None:
    """Rights to mount and to make devices."""
    if os.geteuid() != 0:
        miss("this comparison mounts and makes devices, which takes root")


def need_shared_python() -> None:
    """An interpreter that other users may run too, and the rights to become one."""
    need_root()
    try:
        done = subprocess.run([sys.executable, "-c", ""], user=65534, group=65534, extra_groups=[], capture_output=True)
        shared = done.returncode == 0
    except PermissionError:
        shared = False
    if not shared:
        miss(f"{sys.executable} is not for other users to run")


def run(*arguments: object) -> str:
    """Run a program that must succeed; its standard output."""
    words = [str(word) for word in arguments]
    done = subprocess.run(words, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
    said = [text.decode("utf-8", "backslashreplace") for text in (done.stdout, done.stderr)]
    assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}:\n{said[0]}{said[1]}"
    return said[0]
