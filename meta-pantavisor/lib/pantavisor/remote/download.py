# SPDX-License-Identifier: MIT
"""The objects of a device, fetched as they are opened: to copy only what is missing fetches only that."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from .. import cjson
from ..errors import FormatError
from ..http import Answer, HttpError, Unreachable
from ..http.body import ignore_advance
from ..objects import ObjectPool
from .client import Device
from .description import MAX_BYTES, resolved

MAX_OBJECT_BYTES = 64 * 1024**3
_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/(?:[0-9]{1,18}|\*)")


class DevicePool(ObjectPool):
    """What ``device`` has; to be read only. ``advance`` is given the number of bytes that came."""

    def __init__(self, device: Device, advance: Callable[[int], None] = ignore_advance) -> None:
        super().__init__(Path(device.session.host.replace("/", "")))
        self._device = device
        self._advance = advance

    def open(self, object_id: str) -> BinaryIO:
        """A stream that only reads; who keeps the content verifies it. Raises HttpError and
        FormatError as it is read."""
        self.path(object_id)
        return cast(BinaryIO, _Stream(self._chunks(object_id)))

    def _chunks(self, object_id: str) -> Iterator[bytes]:
        url, size = self._place(object_id)
        seen = failures = 0
        while seen < size:
            before = seen
            try:
                for chunk in self._request(object_id, url, seen, size):
                    seen += len(chunk)
                    self._advance(len(chunk))
                    yield chunk
                if seen < size:
                    raise Unreachable(f"{self._device.session.host} breaks off in object {object_id}")
            except HttpError as error:
                failures = 1 if seen > before else failures + 1
                self._device.session.wait(failures, error)

    def _place(self, object_id: str) -> tuple[str, int]:
        """Where the object is, and how long the device calls it."""
        device = self._device
        what = f"object {object_id}"
        url = f"{device.description.objects_url}/{object_id}"
        text = device.session.patiently(lambda: device.session.document(url, what))
        found = cjson.load_object(text, what=what, max_bytes=MAX_BYTES)
        url = resolved(found.get("signed-geturl"), device.session.url, f"the place of {what}")
        return url, _size(found.get("size"), what)

    def _request(self, object_id: str, url: str, seen: int, size: int) -> Iterator[bytes]:
        headers = {"Range": f"bytes={seen}-{size - 1}"} if seen else {}
        session = self._device.session
        what = f"object {object_id}"
        with session.open("GET", url, what, headers=headers, accept=(200, 206), size=size - seen) as answer:
            skipped = _first(answer, seen, what)
            for chunk in answer.chunks():
                rest = chunk[skipped:]
                skipped -= len(chunk) - len(rest)
                seen += len(rest)
                if seen > size:
                    raise FormatError(f"{session.host} gives more than the {size} bytes of {what}")
                if rest:
                    yield rest


class _Stream:
    """As a file, for a ``with`` statement."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._chunks.close()  # type: ignore[attr-defined]

    def read(self, _: int = -1) -> bytes:
        """The next piece, whatever its length; nothing at the end."""
        return next(self._chunks, b"")


def _first(answer: Answer, seen: int, what: str) -> int:
    """How many bytes of the answer are known already: a server need not know ranges."""
    if answer.status == 200:
        return seen
    found = _RANGE.fullmatch(answer.header("Content-Range") or "")
    if found is None or int(found[1]) != seen:
        raise FormatError(f"the answer has another piece of {what} than the one asked for")
    return 0


def _size(value: Any, what: str) -> int:
    """Published servers write it as a string."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
        value = int(value)
    if not isinstance(value, int) or not 0 <= value <= MAX_OBJECT_BYTES:
        raise FormatError(f"{what} has no size")
    return value
