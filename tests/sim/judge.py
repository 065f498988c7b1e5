# SPDX-License-Identifier: MIT
"""The runtime's own readers, as a program that answers questions (test/judge.c of the runtime)."""

from __future__ import annotations

import base64
import shutil
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

PROJECT = Path(__file__).resolve().parents[2]
RUNTIME = PROJECT / "meta-pantavisor/recipes-pv/pantavisor/pantavisor"
BUILD = PROJECT / "build/test/runtime"
_LENGTH = struct.Struct("<I")


def build() -> Path:
    """The program, under the sanitizers; built if it is not, or is old."""
    if not (BUILD / "build.ninja").exists():
        shutil.rmtree(BUILD, ignore_errors=True)
        argv = [
            "meson",
            "setup",
            str(BUILD),
            str(RUNTIME),
            "-Db_sanitize=address,undefined",
            "-Dwerror=true",
        ]
        subprocess.run(argv, check=True, capture_output=True, timeout=600)
    subprocess.run(["ninja", "-C", str(BUILD), "test/judge"], check=True, capture_output=True, timeout=600)
    return BUILD / "test/judge"


@dataclass(frozen=True)
class Answer:
    """Yes or no to each question, and why not."""

    yes: tuple[bool, ...]
    why: str


class Judge:
    """One process for all questions: a sanitizer's complaint ends it, and the next question fails."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Judge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        status = self._process.wait(600)
        self._process.stdout.close()
        assert status == 0 or kind, f"the runtime's reader ended with status {status}"

    def pattern(self, pattern: str, path: str) -> Answer:
        """May it be signed by? Does it match? Do readers disagree?"""
        return self._ask(
            "p", pattern.encode("utf-8", "surrogatepass"), path.encode("utf-8", "surrogatepass")
        )

    def chain(self, roots: bytes, algorithm: str, chain: Sequence[bytes]) -> Answer:
        """Is the signer trusted?"""
        return self._ask("c", roots, algorithm.encode(), b"\n".join(map(base64.b64encode, chain)))

    def state(self, roots: bytes, text: bytes) -> Answer:
        """Does it parse? Do all signatures hold, and cover it? Do the manifests read?"""
        return self._ask("s", roots, text)

    def rights(self, roots: bytes, signers: bytes, text: bytes) -> Answer:
        """Is that a table of signers? Does the state verify by it? Without one: with a set signature
        required?
        """
        return self._ask("r", roots, signers, text)

    def conf(self, text: str) -> Answer:
        """Does that lxc.container.conf confine the container "web"?"""
        return self._ask("i", text.encode())

    def _ask(self, letter: str, *texts: bytes) -> Answer:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(
            letter.encode() + b"".join(_LENGTH.pack(len(text)) + text for text in texts)
        )
        self._process.stdin.flush()
        line = self._process.stdout.readline().decode("utf-8", "replace")
        assert line.endswith("\n"), (
            f"the runtime's reader ended with status {self._process.wait(600)} on {texts!r}"
        )
        digits, _, why = line[:-1].partition(" ")
        return Answer(tuple(digit == "1" for digit in digits), why)
