"""The registry on the loopback interface: Debian's docker-registry with its data in the build directory."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .failure import Failure
from .service import Service

HOST = "127.0.0.1"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
TIMEOUT_SECONDS = 30

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
  addr: {host}:{port}
"""


@dataclass(frozen=True)
class Manifest:
    """What the registry says of one manifest."""

    digest: str
    size: int
    media_type: str


@dataclass(frozen=True)
class Registry:
    """A registry at 127.0.0.1:port; ``root`` holds its data, configuration and log."""

    root: Path
    port: int

    def serve(self) -> Service:
        """The daemon, to be used in a ``with`` statement."""
        if self._listening():
            raise Failure(
                f"port {self.port} of this machine is in use by another program",
                f"`ss -ltnp 'sport = :{self.port}'` names it; `systemctl stop docker-registry` if it is the"
                " distribution's registry",
            )
        self.root.mkdir(parents=True, exist_ok=True)
        config = self.root / "config.yml"
        config.write_text(CONFIG.format(data=self.root / "data", host=HOST, port=self.port))
        return Service(
            ["docker-registry", "serve", str(config)], log=self.root / "registry.log", ready=self._listening
        )

    def find(self, repository: str, reference: str) -> Manifest | None:
        """The manifest behind a tag or digest, None when the registry has none."""
        status, headers, body = self._request("GET", repository, reference)
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
        status, _, body = self._request("PUT", repository, tag, json.dumps(index).encode())
        if status != 201:
            answer = body.decode(errors="replace")
            raise Failure(f"the registry refuses the index of {repository}:{tag}: {answer}")
        found = self.find(repository, tag)
        if found is None:
            raise Failure(f"the registry lost the index of {repository}:{tag}")
        return found

    def _listening(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((HOST, self.port)) == 0

    def _request(
        self, method: str, repository: str, reference: str, body: bytes | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=TIMEOUT_SECONDS)
        headers = {"Accept": f"{MANIFEST_LIST}, {MANIFEST}"}
        if body is not None:
            headers["Content-Type"] = MANIFEST_LIST
        try:
            connection.request(method, f"/v2/{repository}/manifests/{reference}", body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.msg, answer.read()
        finally:
            connection.close()
