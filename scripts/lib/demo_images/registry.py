# SPDX-License-Identifier: MIT
"""The registry on the loopback interface: Debian's docker-registry with its data in the build directory.

It listens on a free port, by preference the one of the last time. Recipes name it by a name of its own,
HOST, which PVR_REGISTRY_MIRRORS leads to that port: what is built is the same whatever the port is.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import secrets
import socket
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .failure import Failure
from .service import Service

# RFC 6761: a name below .test is never anybody's server.
HOST = "registry.test"
LOOPBACK = "127.0.0.1"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
TIMEOUT_SECONDS = 30
# Another program may take a free port before the registry does.
PORTS_TRIED = 5
TOKEN_HEADER = "X-Demo-Registry"

CONFIG = """\
version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: {data}
http:
  addr: {host}
  headers:
    {header}: [{token}]
"""


@dataclass(frozen=True)
class Manifest:
    """What the registry reports of one manifest."""

    digest: str
    size: int
    media_type: str


@dataclass(frozen=True)
class Registry:
    """A registry at 127.0.0.1:port; ``root`` holds its data, configuration and log."""

    root: Path
    port: int

    @property
    def host(self) -> str:
        """Where it listens."""
        return f"{LOOPBACK}:{self.port}"

    def start(self) -> Service:
        """The daemon, to be used in a ``with`` statement."""
        self.root.mkdir(parents=True, exist_ok=True)
        token = secrets.token_hex(16)
        config = self.root / "config.yml"
        config.write_text(
            CONFIG.format(data=self.root / "data", host=self.host, header=TOKEN_HEADER, token=token)
        )
        return Service(
            ["docker-registry", "serve", str(config)],
            log=self.root / "registry.log",
            ready=lambda: self._answers(token),
        )

    def find(self, repository: str, reference: str) -> Manifest | None:
        """The manifest of a tag or digest, None when the registry has none."""
        accept = {"Accept": f"{MANIFEST_LIST}, {MANIFEST}"}
        status, headers, body = self._request("GET", f"{repository}/manifests/{reference}", None, accept)
        if status == 404:
            return None
        if status != 200:
            raise Failure(f"the registry answers {status} for {repository}:{reference}")
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        return Manifest(digest=digest, size=len(body), media_type=headers["Content-Type"] or MANIFEST)

    def put_index(self, repository: str, tag: str, members: Sequence[tuple[Manifest, str]]) -> Manifest:
        """Tag an index of manifests, each with its architecture."""
        index = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_LIST,
            "manifests": [
                {
                    "mediaType": manifest.media_type,
                    "digest": manifest.digest,
                    "size": manifest.size,
                    "platform": {"architecture": architecture, "os": "linux"},
                }
                for manifest, architecture in members
            ],
        }
        return self.put(repository, tag, json.dumps(index).encode(), MANIFEST_LIST)

    def put(self, repository: str, tag: str, document: bytes, media_type: str = MANIFEST) -> Manifest:
        """Tag a manifest or an index, whose blobs are stored."""
        headers = {"Content-Type": media_type}
        status, _, answer = self._request("PUT", f"{repository}/manifests/{tag}", document, headers)
        if status != 201:
            raise Failure(f"the registry refuses {repository}:{tag}: {answer.decode(errors='replace')}")
        found = self.find(repository, tag)
        if found is None:
            raise Failure(f"the registry lost {repository}:{tag}")
        return found

    def put_blob(self, repository: str, path: Path, digest: str) -> None:
        """Store a file under its digest."""
        status, headers, _ = self._request("POST", f"{repository}/blobs/uploads/")
        place = urllib.parse.urlsplit(headers["Location"] or "")
        if status == 202:
            query = urllib.parse.urlencode([*urllib.parse.parse_qsl(place.query), ("digest", digest)])
            content = {"Content-Type": "application/octet-stream"}
            target = f"{place.path.removeprefix('/v2/')}?{query}"
            status, _, _ = self._request("PUT", target, path.read_bytes(), content)
        if status != 201:
            raise Failure(f"the registry answers {status} to a blob of {repository}")

    def _answers(self, token: str) -> bool:
        """Whether it is this registry, and no other program, that listens."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().headers[TOKEN_HEADER] == token
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _request(
        self, method: str, place: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, f"/v2/{place}", body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.msg, answer.read()
        finally:
            connection.close()


@contextlib.contextmanager
def serve(root: Path, *, port: int = 0) -> Iterator[Registry]:
    """A running registry on ``port`` (0: any free one), with its data in ``root``."""
    if port and not _is_free(port):
        raise Failure(
            f"port {port} of this machine is in use by another program",
            f"leave out --port for a free one; `ss -ltnp 'sport = :{port}'` names the program",
        )
    with contextlib.ExitStack() as stack:
        registry = _start(stack, root, port)
        _last_port(root).write_text(f"{registry.port}\n")
        yield registry


def _start(stack: contextlib.ExitStack, root: Path, port: int) -> Registry:
    for attempt in range(PORTS_TRIED):
        registry = Registry(root, port or _free_port(root))
        try:
            stack.enter_context(registry.start())
        except Failure:
            if port or attempt + 1 == PORTS_TRIED or _is_free(registry.port):
                raise
        else:
            break
    return registry


def _free_port(root: Path) -> int:
    """The port of the last time, so that nothing is parsed again; any free one where that is taken."""
    with contextlib.suppress(OSError, ValueError):
        port = int(_last_port(root).read_text())
        if 0 < port < 1 << 16 and _is_free(port):
            return port
    with socket.create_server((LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return False
    return True


def _last_port(root: Path) -> Path:
    return root / "port"
