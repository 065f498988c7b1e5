# SPDX-License-Identifier: MIT
"""One HTTP request to a foreign server: bounded redirects, proxies, TLS, and a deadline for the whole
answer.

An Authorization header goes to the scheme, host and port that it was made for; a redirect elsewhere loses
it. https never becomes http, and no other host leads to local services (``reach``). A timer shuts the
socket down when the answer as a whole takes too long, since a socket's own timeout only sees single reads.
"""

from __future__ import annotations

import base64
import http.client
import ssl
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Optional

from . import proxies, reach
from .body import Body
from .deadline import Deadline
from .errors import HttpError
from .exchange import Exchange
from .hosts import host_name, is_loopback
from .options import HttpOptions
from .tls import Certificates

MAX_REDIRECTS = 5
MAX_URL_CHARS = 16 * 1024
_CHUNK = 256 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
_URL_SAFE = "%/:=&?~#+!$,;'@()*[]"


class Answer:
    """A response whose body is read once, in chunks."""

    def __init__(self, response: http.client.HTTPResponse, exchange: Exchange) -> None:
        self.status = response.status
        self.url = exchange.url
        self._response = response
        self._exchange = exchange

    def header(self, name: str) -> Optional[str]:
        return self._response.getheader(name)

    def headers(self, name: str) -> list[str]:
        return self._response.headers.get_all(name) or []

    def chunks(self) -> Iterator[bytes]:
        """Raises Unreachable where the body breaks off noticeably; a plain early end is the caller's to
        see.
        """
        with self._exchange.translated():
            while chunk := self._response.read1(_CHUNK):
                self._exchange.deadline.advance(len(chunk))
                yield chunk

    def read(self, limit: int) -> bytes:
        """The body, or its first ``limit`` + 1 bytes if it is longer."""
        found = bytearray()
        for chunk in self.chunks():
            found += chunk
            if len(found) > limit:
                break
        return bytes(found[: limit + 1])

    def close(self) -> None:
        self._response.close()


class Http:
    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._certificates = Certificates(options)
        self._unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._unverified.check_hostname = False
        self._unverified.verify_mode = ssl.CERT_NONE

    @contextmanager
    def open(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        authorization: Optional[str] = None,
        insecure: bool = False,
        method: str = "GET",
        body: Optional[Body] = None,
        size: int = 0,
        sender: str = "",
    ) -> Iterator[Answer]:
        """The final answer to ``method`` of ``url``, whose body should have ``size`` bytes. What has a
        ``body`` of its own follows no redirect.

        ``sender`` is the host[:port] that named the URL; without, it was the user. Raises HttpError.
        """
        first = origin(url)
        sender = sender or first[1]
        for _ in range(MAX_REDIRECTS + 1):
            sent = dict(headers)
            if authorization is not None and origin(url) == first:
                sent["Authorization"] = authorization
            # The certificate of another host is not excused by a word about this one.
            insecure_hint = insecure and (
                origin(url) == first or is_loopback(urllib.parse.urlsplit(url).hostname or "")
            )
            with self._exchange(url, sent, insecure_hint, method, body, size, sender) as answer:
                if answer.status not in _REDIRECTS or body is not None:
                    yield answer
                    return
                url = _redirected(url, answer.header("Location"))
        raise HttpError(f"{first[1]} redirects more than {MAX_REDIRECTS} times")

    @contextmanager
    def _exchange(
        self,
        url: str,
        headers: Mapping[str, str],
        insecure: bool,
        method: str,
        body: Optional[Body],
        size: int,
        sender: str,
    ) -> Iterator[Answer]:
        moved = size + (body.length if body else 0)
        exchange = Exchange(url, Deadline(4 * self._options.timeout, moved), self._options.insecure_hint)
        answer: Optional[Answer] = None
        connection: Optional[http.client.HTTPConnection] = None
        try:
            with exchange.translated():
                connection, target, login = self._connection(exchange, insecure, sender)
                sent = {
                    "User-Agent": "pantavisor",
                    "Accept-Encoding": "identity",
                    "Connection": "close",
                    **login,
                    **headers,
                }
                _send(connection, method, target, sent, body)
                answer = Answer(connection.getresponse(), exchange)
            yield answer
        finally:
            exchange.deadline.stop()
            if answer is not None:
                answer.close()
            if connection is not None:
                connection.close()

    def _connection(
        self, exchange: Exchange, insecure: bool, sender: str
    ) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
        parts = urllib.parse.urlsplit(exchange.url)
        host = parts.hostname or ""
        reach.check(host, sender)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        proxy = proxies.choose(self._options.proxies, parts.scheme, host, parts.port)
        near = (proxy.hostname or "", proxy.port or proxies.DEFAULT_PORT) if proxy else (host, parts.port)
        near_host, near_port = near
        login = _proxy_login(proxy)
        exchange.proxy = f"{near_host}:{near_port}" if proxy else ""
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = self._unverified if insecure else self._certificates.context(host, parts.port)
            connection = _Https(near_host, near_port, self._options.timeout, exchange.deadline, context)
            if proxy:
                connection.set_tunnel(host, parts.port or 443, headers=login)
        else:
            connection = _Http(near_host, near_port, self._options.timeout, exchange.deadline)
            if proxy:
                target = f"http://{parts.netloc.rpartition('@')[2]}{target}"
        if proxy is None and host != host_name(sender):
            connection._create_connection = reach.connector(sender)  # type: ignore[union-attr]
        return connection, target, login if parts.scheme == "http" else {}


def _send(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: Optional[Body],
) -> None:
    """The request. A header whose value has several lines is sent once for each.

    A server that refuses a body need not take it: its answer has the reason, if there is one.
    """
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in headers.items():
        for line in value.split("\n"):
            connection.putheader(name, line)
    if body is not None:
        connection.putheader("Content-Length", str(body.length))
    try:
        connection.endheaders(body)
    except (BrokenPipeError, ConnectionResetError):
        if body is None:
            raise


class _Http(http.client.HTTPConnection):
    def __init__(self, host: str, port: Optional[int], timeout: float, deadline: Deadline) -> None:
        super().__init__(host, port, timeout=timeout)
        self._deadline = deadline

    def connect(self) -> None:
        super().connect()
        self._deadline.start(self.sock)


class _Https(http.client.HTTPSConnection):
    def __init__(
        self, host: str, port: Optional[int], timeout: float, deadline: Deadline, context: ssl.SSLContext
    ) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._deadline = deadline
        self._tls = context
        self._server: Optional[str] = None

    def set_tunnel(
        self, host: str, port: Optional[int] = None, headers: Optional[Mapping[str, str]] = None
    ) -> None:
        super().set_tunnel(host, port, headers)
        self._server = host

    def connect(self) -> None:
        # In two steps, so that the deadline also sees a TLS handshake that drips.
        http.client.HTTPConnection.connect(self)
        self._deadline.start(self.sock)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._server or self.host)


def _redirected(url: str, location: Optional[str]) -> str:
    host = urllib.parse.urlsplit(url).netloc
    if not location or len(location) > MAX_URL_CHARS:
        raise HttpError(f"{host} redirects without an address")
    try:
        target = urllib.parse.urljoin(url, urllib.parse.quote(location, safe=_URL_SAFE))
        parts = urllib.parse.urlsplit(target)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise HttpError(f"{host} redirects to something that is not a web address")
    if url.startswith("https:") and parts.scheme != "https":
        raise HttpError(f"{host} redirects from https to plain http, which is not followed")
    return target


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what credentials belong to."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _proxy_login(proxy: Optional[urllib.parse.SplitResult]) -> dict[str, str]:
    if proxy is None or not proxy.username:
        return {}
    pair = f"{urllib.parse.unquote(proxy.username)}:{urllib.parse.unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
