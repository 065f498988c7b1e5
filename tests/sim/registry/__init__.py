# SPDX-License-Identifier: MIT
"""A registry on loopback that can be made to misbehave.

with Registry() as registry:
    registry.add("web", "1", images.image())
    registry.misbehave("/blobs/", cut(100), times=1)
    ... registry.host, registry.seen
"""

from __future__ import annotations

import base64
import re
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Optional

from . import images

_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs)/(?P<which>[^/]+)")


@dataclass
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]  # of equal names the last
    body: bytes = b""
    accepts: tuple[str, ...] = ()


Action = Callable[["_Handler"], None]


class Registry:
    def __init__(
        self, address: str = "127.0.0.1", certificate: Optional[str] = None, clients: Optional[str] = None
    ) -> None:
        """With ``clients`` it asks who is there: those of that CA are let in."""
        self.manifests: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.blobs: dict[str, bytes] = {}
        self.seen: list[Seen] = []
        self.ranges = True
        self.challenge: Optional[str] = None
        self.users: dict[str, str] = {}
        self.tokens: set[str] = set()
        self.only_scope: Optional[str] = None  # tokens for others open nothing
        self.hides_as: Optional[int] = None  # what strangers get for everything but /v2/
        self._faults: list[list[Any]] = []
        self._server = ThreadingHTTPServer((address, 0), _Handler)
        self._server.daemon_threads = True
        self._server.registry = self  # type: ignore[attr-defined]
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            if clients:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(clients)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.secure = certificate is not None
        self.host = f"{address}:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.host}"

    def __enter__(self) -> Registry:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, name: str, tag: str, *made: images.Made, form: str = "oci") -> str:
        """Serve an image, or several as an index. Returns the digest that the tag names."""
        for one in made:
            self.manifests[(name, one.digest)] = (one.manifest, one.media_type)
            self.blobs.update(one.blobs)
        data, media_type = made[0].manifest, made[0].media_type
        if len(made) > 1:
            data, media_type = images.index(*made, form=form), images.TYPES[form][3]
        return self.add_document(name, tag, data, media_type)

    def add_document(self, name: str, tag: str, data: bytes, media_type: str) -> str:
        self.manifests[(name, tag)] = self.manifests[(name, images.sha(data))] = (data, media_type)
        return images.sha(data)

    def misbehave(self, part: str, action: Action, *, times: int = 1_000_000) -> None:
        """Let ``action`` answer the next ``times`` requests whose path holds ``part``."""
        self._faults.append([part, action, times])

    def paths(self, part: str = "") -> list[str]:
        return [request.path for request in self.seen if part in request.path]

    def fault(self, path: str) -> Optional[Action]:
        for fault in self._faults:
            if fault[0] in path and fault[2] > 0:
                fault[2] -= 1
                return fault[1]  # type: ignore[no-any-return]
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def registry(self) -> Registry:
        return self.server.registry  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        seen = Seen(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
        seen.accepts = tuple(self.headers.get_all("Accept") or ())
        self.registry.seen.append(seen)
        self.close_connection = True
        action = self.registry.fault(self.path)
        if action is not None:
            action(self)
        elif self.path.startswith("/token"):
            self.give_token()
        elif not self.is_allowed() and self.registry.hides_as and self.path != "/v2/":
            self.give(self.registry.hides_as, b"{}", {})
        elif not self.is_allowed():
            self.give(401, b"{}", {"WWW-Authenticate": self.registry.challenge or ""})
        else:
            self.give_content()

    do_POST = do_GET

    def is_allowed(self) -> bool:
        challenge, sent = self.registry.challenge, self.headers.get("Authorization", "")
        if challenge is None:
            return True
        if challenge.lower().startswith("basic"):
            return self.is_user(sent)
        return sent.removeprefix("Bearer ") in self.registry.tokens

    def is_user(self, sent: str) -> bool:
        name, _, password = base64.b64decode(sent.removeprefix("Basic ") or b"").decode().partition(":")
        return name in self.registry.users and self.registry.users[name] == password

    def give_token(self) -> None:
        sent = self.headers.get("Authorization")
        if sent and not self.is_user(sent):
            self.give(401, b"{}", {})
            return
        token = f"token-{len(self.registry.paths('/token')) - 1}"
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("scope", [])
        if self.registry.only_scope in (None, *asked):
            self.registry.tokens.add(token)
        self.give(200, images.dump({"token": token}), {})

    def give_content(self) -> None:
        if self.path == "/v2/":
            self.give(200, b"{}", {})
            return
        match = _PATH.fullmatch(urllib.parse.unquote(self.path))
        found = self.content(match) if match else None
        if found is None:
            error = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown\x1b[31m"}]}
            self.give(404, images.dump(error), {})
            return
        data, media_type = found
        begin = re.fullmatch(r"bytes=(\d+)-\d+", self.headers.get("Range", ""))
        if begin and self.registry.ranges:
            start = int(begin[1])
            place = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self.give(206, data[start:], {"Content-Range": place, "Content-Type": media_type})
        else:
            self.give(200, data, {"Content-Type": media_type})

    def content(self, match: re.Match[str]) -> Optional[tuple[bytes, str]]:
        if match["kind"] == "manifests":
            return self.registry.manifests.get((match["name"], match["which"]))
        data = self.registry.blobs.get(match["which"])
        return None if data is None else (data, "application/octet-stream")

    def data(self) -> bytes:
        """What an honest answer to this request would hold, from its Range on."""
        match = _PATH.fullmatch(urllib.parse.unquote(self.path))
        found = self.content(match) if match else None
        return found[0] if found else b""

    def give(
        self, status: int, body: bytes, headers: dict[str, str], *, length: Optional[int] = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def cut(after: int) -> Action:
    """Promise the whole, break off after some bytes (of what the Range asks for)."""

    def action(handler: _Handler) -> None:
        data = handler.data()
        begin = re.fullmatch(r"bytes=(\d+)-\d+", handler.headers.get("Range", ""))
        start = int(begin[1]) if begin and handler.registry.ranges else 0
        headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        handler.give(206 if start else 200, data[start : start + after], headers, length=len(data) - start)

    return action


def change(edit: Callable[[bytes], bytes]) -> Action:
    """Serve other bytes."""
    return lambda handler: handler.give(
        200, edit(handler.data()), {"Content-Type": "application/octet-stream"}
    )


def answer(status: int, headers: Optional[dict[str, str]] = None, body: bytes = b"{}") -> Action:
    return lambda handler: handler.give(status, body, headers or {})


def redirect(url: Callable[[str], str], status: int = 307) -> Action:
    return lambda handler: handler.give(status, b"", {"Location": url(handler.path)})


def endless(handler: _Handler) -> None:
    """A body without end or length."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(bytes(65536))
    except OSError:
        pass


def endless_chunks(handler: _Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"10000\r\n" + bytes(65536) + b"\r\n")
    except OSError:
        pass


def drip(interval: float) -> Action:
    """One byte at a time."""

    def action(handler: _Handler) -> None:
        data = handler.data()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        try:
            for position in range(len(data)):
                handler.wfile.write(data[position : position + 1])
                handler.wfile.flush()
                time.sleep(interval)
        except OSError:
            pass

    return action


def silence(seconds: float) -> Action:
    return lambda handler: time.sleep(seconds)


def hang_up(handler: _Handler) -> None:
    handler.connection.close()


def endless_continue(handler: _Handler) -> None:
    """100 Continue, for ever."""
    try:
        while True:
            handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.01)
    except OSError:
        pass
