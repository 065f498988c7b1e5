# SPDX-License-Identifier: MIT
"""A device's door for laptops on loopback, /cgi-bin/pvr, that can be made to misbehave.

with Door(state, objects) as door:
    door.answers["/json"] = (200, b"nonsense")
    door.breaks = [1000]             # connections that end after so many bytes of an object, either way
    ... door.url, door.seen, door.posts
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Optional

BASE = "/cgi-bin/pvr"
Shown = Optional[dict[str, Any]]


class Door:
    def __init__(self, state: bytes, objects: Mapping[str, bytes]) -> None:
        self.state = state
        self.objects = dict(objects)
        self.parts: dict[str, bytes] = {}
        self.seen: list[str] = []
        self.posts: list[dict[str, Any]] = []
        self.answers: dict[str, tuple[int, bytes]] = {}
        # Of a revision, what is answered in turn; None: nothing, as while the device boots.
        self.progress: dict[str, list[Shown]] = {}
        self.outcome: list[Shown] = [{"status": "DONE", "status-msg": "", "progress": 100}]
        self.resumes = True  # whether it knows pieces
        self.watches = True  # whether it shows progress
        self.collects = False  # whether it can be asked to
        self.breaks: list[int] = []
        self.busy = 0  # how often an object is refused, since another connection sends it
        self.loses_answer = False  # to a revision that it takes
        self.is_crowded = False  # whether each request finds no place at first
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.door = self  # type: ignore[attr-defined]
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}{BASE}"

    def __enter__(self) -> Door:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def description(self) -> dict[str, Any]:
        found = {
            "pvr-spec": "pvr-pantahub-1", "json-get-url": f"{self.url}/json", "json-key": "state",
            "objects-endpoint": f"{self.url}/objects", "post-url": f"{self.url}/steps",
            "post-fields": ["commit-msg"], "post-fields-opt": ["rev"],
        }  # fmt: skip
        found |= {"progress-url": "progress"} if self.watches else {}
        return found | ({"gc-url": "gc"} if self.collects else {})


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    @property
    def door(self) -> Door:
        return self.server.door  # type: ignore[attr-defined,no-any-return]

    def _answer(self, status: int, body: bytes = b"", **fields: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **fields}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, status: int, document: Any) -> None:
        self._answer(status, json.dumps(document).encode())

    def _serve(self) -> None:
        self.close_connection = True
        path = self.path[len(BASE) :]
        is_first = f"{self.command} {path}" not in self.door.seen
        self.door.seen.append(f"{self.command} {path}")
        if self.door.is_crowded and is_first:
            self._answer(503, b'{"Error":"too many connections"}', Retry_After="1")
            return
        if path in self.door.answers:
            self._answer(*self.door.answers[path])
            return
        kind, _, name = path[1:].partition("/")
        {".pvrremote": self._describe, "json": self._state, "objects": self._object, "blobs": self._blob,
         "steps": self._step, "progress": self._progress}[kind](name)  # fmt: skip

    do_GET = do_HEAD = do_PUT = do_POST = _serve

    def _body(self, limit: Optional[int] = None) -> bytes:
        length = int(self.headers["Content-Length"])
        return self.rfile.read(length if limit is None else min(length, limit))

    def _describe(self, _: str) -> None:
        self._json(200, self.door.description)

    def _state(self, _: str) -> None:
        self._answer(200, self.door.state)

    def _object(self, name: str) -> None:
        if self.command == "GET":
            size = str(len(self.door.objects[name]))
            self._json(200, {"signed-geturl": f"{self.door.url}/blobs/{name}", "size": size})
            return
        wanted = json.loads(self._body())["sha256sum"]
        if wanted in self.door.objects:
            self._json(409, {"Error": "it is there"})
        else:
            self._json(200, {"signed-puturl": f"{self.door.url}/blobs/{wanted}"})

    def _blob(self, name: str) -> None:
        if self.command == "GET":
            self._send_blob(self.door.objects[name])
        elif self.command == "HEAD" and self.door.resumes:
            status = 200 if name in self.door.objects else 404
            self._answer(status, Upload_Offset=str(len(self.door.parts.get(name, b""))))
        elif self.command == "HEAD":
            self._answer(400)
        else:
            self._take_blob(name)

    def _send_blob(self, data: bytes) -> None:
        found = re.match(r"bytes=([0-9]+)-", self.headers.get("Range", ""))
        first = int(found[1]) if found and self.door.resumes else 0
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        stop = self.door.breaks.pop(0) if self.door.breaks else len(data)
        self.wfile.write(data[first : first + stop])

    def _take_blob(self, name: str) -> None:
        if self.door.busy:
            self.door.busy -= 1
            self._body()
            self._json(409, {"Error": "it is being sent by another connection"})
            return
        limit = self.door.breaks.pop(0) if self.door.breaks else None
        found = re.fullmatch(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)", self.headers.get("Content-Range", ""))
        before = self.door.parts.get(name, b"")[: int(found[1])] if found else b""
        if self.door.resumes or limit is None:
            self.door.parts[name] = before + self._body(limit)
        if limit is not None:
            return
        if not found or int(found[2]) + 1 == int(found[3]):
            content = self.door.parts.pop(name)
            if hashlib.sha256(content).hexdigest() != name:
                self._json(422, {"Error": "Object has bad checksum"})
                return
            self.door.objects[name] = content
        self._answer(200)

    def _step(self, _: str) -> None:
        document = json.loads(self._body())
        self.door.posts.append(document)
        self.door.progress[document["rev"]] = list(self.door.outcome)
        if not self.door.loses_answer:
            self._json(200, {"rev": -1, "revlocal": document["rev"]})

    def _progress(self, name: str) -> None:
        known = self.door.progress.get(name)
        if not known:
            self._json(404, {"Error": "there is no such step"})
            return
        found = known.pop(0) if len(known) > 1 else known[0]
        if found is None:
            self._answer(502)
        else:
            self._json(200, found)
