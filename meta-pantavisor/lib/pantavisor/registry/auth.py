# SPDX-License-Identifier: MIT
"""Answer a registry's challenge: Basic, or Bearer with a token from the server that the challenge names.

Source: distribution-spec and the distribution project's "token" and "oauth2" authentication pages.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from ..http import AccessDenied, Body, Http, reach
from . import credentials
from .errors import MAX_ERROR_BYTES, RegistryError, for_status
from .options import Credentials, Endpoint, RegistryOptions

MAX_TOKEN_BYTES = 256 * 1024
MAX_CHALLENGE_CHARS = 8192
MAX_SCOPES = 16
_PARAMETER = re.compile(r'\s*([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)')
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]*)(?:\s*,|\s+(?!=)|$)")
_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Challenge:
    """One scheme of a WWW-Authenticate header; scheme and parameter names in lower case."""

    scheme: str
    parameters: dict[str, str]


def parse_challenges(headers: list[str]) -> list[Challenge]:
    """The challenges that can be understood; RFC 9110 allows several in one header."""
    found = []
    for header in headers:
        position, text = 0, header[:MAX_CHALLENGE_CHARS]
        while match := _SCHEME.match(text, position):
            parameters = {}
            position = match.end()
            while parameter := _PARAMETER.match(text, position):
                value = parameter[2] if parameter[2] is not None else parameter[3]
                parameters[parameter[1].lower()] = re.sub(r"\\(.)", r"\1", value)
                position = parameter.end()
            found.append(Challenge(match[1].lower(), parameters))
    return found


class Authorizer:
    """Remembers what each repository of each host wants to hear."""

    def __init__(self, http: Http, options: RegistryOptions) -> None:
        self._http = http
        self._options = options
        self._known: dict[tuple[str, str], str] = {}
        self._shown: dict[tuple[str, str], str] = {}
        self._secrets = {secret for given in options.credentials.values() for secret in _secrets(given)}
        self._lock = threading.Lock()

    def header(self, endpoint: Endpoint) -> Optional[str]:
        with self._lock:
            return self._known.get((endpoint.host, endpoint.repository))

    def secrets(self) -> frozenset[str]:
        """What was found so far that no message may hold."""
        with self._lock:
            return frozenset(self._secrets) | {known.partition(" ")[2] for known in self._known.values()}

    def shown(self, endpoint: Endpoint) -> Optional[str]:
        """Where the credentials are from that this host was answered with, None if it got none."""
        with self._lock:
            return self._shown.get((endpoint.host, endpoint.repository))

    def answer(
        self, endpoint: Endpoint, base: str, headers: list[str], refused: Optional[str]
    ) -> Optional[str]:
        """The Authorization for a 401 that came for ``refused``,
        or None if there is nothing (else) to try. Raises AccessDenied and RegistryError.
        """
        with self._lock:
            known = self._known.get((endpoint.host, endpoint.repository))
            if known is not None and known != refused:
                return known  # another thread was quicker
            found = self._find(endpoint, base, parse_challenges(headers))
            if found is None or found == refused or not _is_header(found):
                return None
            self._known[(endpoint.host, endpoint.repository)] = found
            return found

    def _find(self, endpoint: Endpoint, base: str, challenges: list[Challenge]) -> Optional[str]:
        mine = credentials.find(endpoint, self._options)
        if mine is not None:
            self._secrets |= _secrets(mine)
            self._shown[(endpoint.host, endpoint.repository)] = mine.place
        if mine is not None and mine.registry_token:
            return f"Bearer {mine.registry_token}"
        for challenge in challenges:
            if challenge.scheme == "bearer" and "realm" in challenge.parameters:
                return f"Bearer {self._token(endpoint, base, challenge.parameters, mine)}"
            if challenge.scheme == "basic" and mine is not None and mine.username:
                return _basic(mine)
        return None

    def _token(
        self, endpoint: Endpoint, base: str, asked: dict[str, str], mine: Optional[Credentials]
    ) -> str:
        request = _token_request(_checked_realm(endpoint, base, asked["realm"]), endpoint, asked, mine)
        with self._http.open(
            request.url,
            {"Content-Type": "application/x-www-form-urlencoded"} if request.form else {},
            authorization=request.authorization,
            insecure=endpoint.insecure,
            method="POST" if request.form else "GET",
            body=Body.of(request.form) if request.form else None,
            sender=endpoint.host,
        ) as answer:
            if not 200 <= answer.status < 300:
                what = f"a token for {endpoint.repository}"
                body = answer.read(MAX_ERROR_BYTES)
                shown = mine.place if mine is not None else None
                raise for_status(
                    answer.status, what, endpoint.name, body, None, secrets=self._secrets, shown=shown
                )
            return _token_of(answer.read(MAX_TOKEN_BYTES), endpoint)


@dataclass(frozen=True)
class _TokenRequest:
    """What a token server is asked, with a ``form`` by POST."""

    url: str
    form: Optional[bytes] = None
    authorization: Optional[str] = None


def _token_request(
    realm: str, endpoint: Endpoint, asked: Mapping[str, str], mine: Optional[Credentials]
) -> _TokenRequest:
    """With an identity token a form (page "oauth2"), else a query (page "token")."""
    scopes = _scopes(endpoint, asked)
    service = [("service", asked["service"])] if asked.get("service") else []
    if mine is not None and mine.identity_token:
        form = [
            *service,
            ("scope", " ".join(scopes)),
            ("grant_type", "refresh_token"),
            ("client_id", "pantavisor"),
            ("refresh_token", mine.identity_token),
        ]
        return _TokenRequest(realm, form=urllib.parse.urlencode(form).encode())
    query = urllib.parse.urlencode([*service, *(("scope", scope) for scope in scopes)])
    url = realm + ("&" if "?" in realm else "?") + query
    return _TokenRequest(url, authorization=_basic(mine) if mine is not None and mine.username else None)


def _scopes(endpoint: Endpoint, asked: Mapping[str, str]) -> list[str]:
    """What to ask a token for: as the challenge names it, which may not be a docker scope at all, or one
    for another path.
    """
    return asked.get("scope", "").split()[:MAX_SCOPES] or [f"repository:{endpoint.repository}:pull"]


def _checked_realm(endpoint: Endpoint, base: str, realm: str) -> str:
    try:
        parts = urllib.parse.urlsplit(realm)
        port_is_good = parts.port != 0
    except ValueError:
        parts, port_is_good = urllib.parse.urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_good or parts.fragment:
        raise RegistryError(f"{endpoint.name} names a token server that is not a web address")
    reach.check(parts.hostname, endpoint.host)
    if parts.scheme == "http" and not (base.startswith("http:") or reach.is_local(parts.hostname)):
        raise AccessDenied(
            f"{endpoint.name} asks for credentials in plain text to {parts.hostname}",
            hint="ask the owner of the registry for a token server with https",
        )
    return urllib.parse.quote(realm, safe="%/:=&?~+!$,;'@()*[]")


def _token_of(body: bytes, endpoint: Endpoint) -> str:
    try:
        value = json.loads(body)
        token = value.get("token") or value.get("access_token")
    except (ValueError, AttributeError, RecursionError):
        token = None
    if not isinstance(token, str) or not _HEADER_SAFE.fullmatch(token):
        raise RegistryError(f"the token server of {endpoint.name} gives no token")
    return token


def _secrets(mine: Credentials) -> set[str]:
    return {mine.password, mine.identity_token, mine.registry_token, _basic(mine).partition(" ")[2]}


def _basic(mine: Credentials) -> str:
    return f"Basic {base64.b64encode(f'{mine.username}:{mine.password}'.encode()).decode()}"


def _is_header(text: str) -> bool:
    return re.fullmatch(r"[\x20-\x7e]+", text) is not None
