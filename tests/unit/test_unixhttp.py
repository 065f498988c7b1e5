# SPDX-License-Identifier: MIT
"""HTTP over a Unix socket, with a real server at its other end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pantavisor import unixhttp
from pantavisor.unixhttp import SocketError


@contextmanager
def answering(path: Path, answer: bytes) -> Iterator[list[bytes]]:
    """A server that gives one caller ``answer``, whatever it asks; the requests so far."""
    seen: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                seen.append(connection.recv(4096))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield seen
        thread.join()


def get(path: Path) -> tuple[int, bytes]:
    with unixhttp.get(str(path), "/version?x=1", timeout=600) as response:
        return response.status, b"".join(response.chunks())


def test_status_and_body_are_given(tmp_path: Path) -> None:
    with answering(tmp_path / "s", b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello") as seen:
        assert get(tmp_path / "s") == (404, b"hello")
    assert seen[0].startswith(b"GET /version?x=1 HTTP/1.1\r\n")


def test_chunked_body_is_given_whole(tmp_path: Path) -> None:
    with answering(
        tmp_path / "s",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
    ):
        assert get(tmp_path / "s") == (200, b"abc")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"what?\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    ],
)
def test_answer_that_is_not_whole_is_an_error(tmp_path: Path, answer: bytes) -> None:
    with answering(tmp_path / "s", answer), pytest.raises(SocketError):
        get(tmp_path / "s")


def test_no_socket_is_an_error_and_errors_of_the_block_pass(tmp_path: Path) -> None:
    with pytest.raises(SocketError, match="No such file or directory"):
        get(tmp_path / "none")
    with (
        answering(tmp_path / "s", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
        pytest.raises(OSError, match="mine"),
    ):
        with unixhttp.get(str(tmp_path / "s"), "/", timeout=600):
            raise OSError("mine")
