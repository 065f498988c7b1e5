# SPDX-License-Identifier: MIT
"""One object on its way to a device.

The device is asked whether it expects the object, and where. Ours also reports how much of it has come
(``Upload-Offset`` of HEAD) and takes the rest (``Content-Range``), so what broke off goes on; to another
one the whole is sent. It goes in one request, since a device hashes what came before for each of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Optional

from ..errors import FormatError
from ..http import Answer, Body, HttpError
from ..objects import ObjectPool
from .client import Device
from .description import resolved
from .session import Refused

EXISTS = 409
OFFSET = "Upload-Offset"


class Upload:
    """The object ``object_id`` of ``pool``, which is at ``path`` of the state.

    ``advance`` is given the number of bytes that the device has more, a negative one where it lost some.
    """

    def __init__(
        self, device: Device, pool: ObjectPool, object_id: str, path: str, advance: Callable[[int], None]
    ) -> None:
        self._session = device.session
        self._endpoint = f"{device.description.objects_url}/"
        self._pool = pool
        self._id = object_id
        self._path = path
        self._size = pool.size(object_id)
        self._what = f"object {object_id[:12]} ({path})"
        self._advance = advance
        self._done = 0

    def run(self) -> None:
        """Raises Refused, with the device's reason, and HttpError, FormatError,
        DigestError."""
        self._pool.verify(self._id)
        failures = 0
        while True:
            before = self._done
            try:
                url = self._offer()
                if url is not None:
                    self._send(url)
                self._count_up_to(self._size)
                return
            except HttpError as error:
                failures = 1 if self._done > before else failures + 1
                self._session.wait(failures, error)

    def _offer(self) -> Optional[str]:
        """Where it is to go; None if the device has it."""
        document: dict[str, Any] = {
            "id": "", "storage-id": "", "owner": "", "objectname": self._path, "sha256sum": self._id,
            "size": str(self._size), "mime-type": "application/octet-stream", "signed-puturl": "",
            "signed-geturl": "", "now": "", "expire-time": "",
        }  # fmt: skip
        status, found = self._session.ask(self._endpoint, self._what, document, accept=(200, EXISTS))
        if status == EXISTS or found is None:
            return None
        return resolved(found.get("signed-puturl"), self._session.url, f"the place of {self._what}")

    def _send(self, url: str) -> None:
        offset = self._received(url)
        with self._pool.open(self._id) as stream:
            if offset is None:
                self._count_up_to(0)
                self._put(url, Body(stream, self._size, self._count), {})
                return
            self._count_up_to(offset)
            if offset == self._size > 0:
                return
            stream.seek(offset)
            length = self._size - offset
            # A whole object is what any device takes.
            headers = {"Content-Range": f"bytes {offset}-{self._size - 1}/{self._size}"} if offset else {}
            self._put(url, Body(stream, length, self._count), headers)

    def _put(self, url: str, body: Body, headers: dict[str, str]) -> None:
        try:
            with self._session.open("PUT", url, self._what, body=body, headers=headers) as answer:
                answer.read(0)
        except Refused as error:
            # Another connection sends it, ours that broke off perhaps, or some of it was lost: in a moment
            # the device is asked again what it has.
            error.temporary |= error.status == EXISTS
            raise

    def _received(self, url: str) -> Optional[int]:
        """How much of it the device has; None where it cannot report it."""
        try:
            with self._session.open("HEAD", url, self._what, accept=(200, 404)) as answer:
                return self._size if answer.status == 200 else _offset(answer, self._size)
        except Refused as error:
            if error.temporary:
                raise
            return None

    def _count(self, count: int) -> None:
        self._done += count
        self._advance(count)

    def _count_up_to(self, done: int) -> None:
        self._count(done - self._done)


def _offset(answer: Answer, size: int) -> Optional[int]:
    text = answer.header(OFFSET)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) > size:
        raise FormatError("the device reports more bytes of the object than it has")
    # One that came whole, and was cut before the device kept it, is finished by its last byte.
    return min(int(text), max(size - 1, 0))
