# SPDX-License-Identifier: MIT
"""The storage of a device as a card in a reader: mounted here, with revisions deployed onto it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from made import COMMAND, ENVIRONMENT
from sim import tools
from storage import Storage


@contextmanager
def mounted(storage: Storage, folder: Path) -> Iterator[Path]:
    """The storage at ``folder``."""
    folder.mkdir(exist_ok=True)
    tools.run("mount", "-o", f"loop,offset={storage.offset}", storage.image, folder)
    try:
        yield folder
    finally:
        tools.run("umount", folder)


def deploy(*words: object) -> str:
    """What ``pvr deploy`` says; CalledProcessError when it fails."""
    argv = [*COMMAND, "deploy", *map(str, words)]
    return subprocess.run(
        argv, env=ENVIRONMENT, capture_output=True, text=True, check=True, timeout=600
    ).stderr
