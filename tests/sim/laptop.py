# SPDX-License-Identifier: MIT
"""A device as laptops see it: pv-sdk in front of the real server of the control socket on a storage tree
(test/device.c of the runtime).
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .judge import BUILD, build

PROGRAMS = ("test/test-pv-sdk", "test/device", "test/test-pv-usb", "test/bounded-pv-sdk")
STICK_READER = BUILD / PROGRAMS[2]
BOUNDED = BUILD / PROGRAMS[3]
LIMIT_SECONDS = 600
REVISIONS = 24


def programs() -> None:
    """Built, if they are not or are old."""
    build()
    argv = ["ninja", "-C", str(BUILD), *PROGRAMS]
    subprocess.run(argv, check=True, capture_output=True, timeout=LIMIT_SECONDS)


@dataclass(frozen=True)
class Served:
    """``log`` is what the programs say on stderr, ``sdk`` the process of pv-sdk."""

    port: int
    socket: Path
    log: Path
    sdk: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/cgi-bin/pvr"

    def raw(self, data: bytes, *, ends: bool = False) -> tuple[int, str]:
        """Status and body that these bytes are answered with; 0 without an answer. ``ends``: nothing
        follows.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT_SECONDS) as connection:
            connection.sendall(data)
            if ends:
                connection.shutdown(socket.SHUT_WR)
            found = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = found.decode().partition("\r\n\r\n")
        return int(head.split()[1]) if head else 0, body

    def ask(self, method: str, path: str, body: bytes = b"", *fields: str) -> tuple[int, str]:
        """The same of a request below /cgi-bin/pvr."""
        lines = [f"{method} /cgi-bin/pvr{path} HTTP/1.1", "Host: device:12368", *fields]
        if body or method in ("PUT", "POST"):
            lines.append(f"Content-Length: {len(body)}")
        return self.raw("".join(f"{line}\r\n" for line in (*lines, "")).encode() + body)

    def stick(self, export: Path) -> tuple[int, str]:
        """Exit status and lines of pv-usb, given this export."""
        argv = [str(STICK_READER), "-s", str(self.socket), str(export)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_SECONDS)
        assert "Sanitizer" not in done.stderr, done.stderr
        return done.returncode, done.stdout


def fill(storage: Path) -> None:
    """So many revisions that a device takes no more."""
    for number in range(REVISIONS):
        folder = storage / f"trails/locals/old-{number}/.pvr"
        folder.mkdir(parents=True)
        (folder / "json").write_text("{}")


@contextmanager
def serve(storage: Path, roots: Path, folder: Path, sdk: Path = BUILD / PROGRAMS[0]) -> Iterator[Served]:
    """The door of the device with ``storage``, which trusts ``roots``; ``folder`` is for what it needs."""
    programs()
    folder.mkdir()
    place = folder / "pv-ctrl"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    device = BUILD / PROGRAMS[1]
    with open(folder / "log", "wb") as log:
        running = [
            _start([device, storage, place, roots], log.fileno()),
            _start([sdk, "-p", str(port), "-s", place], log.fileno()),
        ]
        try:
            yield Served(port, place, folder / "log", running[1].pid)
        finally:
            for program in running:
                program.terminate()
                program.wait(LIMIT_SECONDS)
    assert b"Sanitizer" not in (folder / "log").read_bytes(), (folder / "log").read_text()


def _start(argv: list[object], log: int) -> subprocess.Popen[bytes]:
    """Once it says that it is ready."""
    program = subprocess.Popen(list(map(str, argv)), stdout=subprocess.PIPE, stderr=log)
    assert program.stdout is not None and program.stdout.readline(), argv
    return program
