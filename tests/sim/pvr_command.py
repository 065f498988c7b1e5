# SPDX-License-Identifier: MIT
"""The command as its users start it: in this process or as one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pantavisor import cli

LIBRARY = Path(cli.__file__).resolve().parents[2]
# Whether and where Python keeps what it compiled: once, not at every start.
COMPILED = {
    name: os.environ[name]
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    if name in os.environ
}
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(LIBRARY), "LC_ALL": "C.UTF-8", **COMPILED}
# A container and a file besides.
WEB = {
    "web/run.json": '{"name": "web", "group": "app"}',
    "web/root.squashfs": "root",
    "README.md": "read me",
}


class PvrCommand:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str, status: int = 0) -> str:
        """Run in this process; returns stdout."""
        return self.both(*words, status=status)[0]

    def both(self, *words: str, status: int = 0) -> tuple[str, str]:
        self._capsys.readouterr()
        found = cli.main(list(words))
        said = self._capsys.readouterr()
        assert found == status, said.err
        return said.out, said.err


def begin(pvr: PvrCommand, monkeypatch: pytest.MonkeyPatch, root: Path, files: dict[str, str]) -> Path:
    """An initialised repository with ``files``, and the current directory there."""
    pvr("init", str(root))
    monkeypatch.chdir(root)
    write(root, files)
    return root


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def process(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pantavisor", *words],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=600,
    )
