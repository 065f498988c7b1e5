# SPDX-License-Identifier: MIT
"""One blob into one file: hashed while it arrives, resumed where it broke off, gone if it is not what was
promised.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import BinaryIO, Optional

from ..digest import CHUNK, Digest
from ..errors import DigestError
from ..http import Answer, HttpError, TooSlow, Unreachable
from ..oci import Descriptor
from .options import Endpoint
from .session import Cancelled, RegistrySession

MAX_RESUMES = 100  # of one blob, each of which brought it further
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(?:\d{1,18}|\*)")

Advance = Callable[[int], None]


class Download:
    """One blob on its way into ``target``. ``advance`` hears of bytes as they come, and of lost ones as
    negative.
    """

    def __init__(
        self,
        session: RegistrySession,
        endpoint: Endpoint,
        wanted: Descriptor,
        target: BinaryIO,
        advance: Advance,
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self._wanted = wanted
        self._target = target
        self._advance = advance
        self._resumed = False
        self._seen = 0
        self._hasher = hashlib.new(wanted.digest.algorithm)

    def run(self) -> None:
        """Raises DigestError for other bytes than promised, HttpError for none."""
        try:
            self._fill()
            self._check()
        except DigestError:
            if not self._resumed:
                raise
            # Two servers behind one name may have given two halves that do not fit; a fresh start shows it.
            self._restart()
            self._fill(resume=False)
            self._check()

    def forget(self) -> None:
        """Take back what ``advance`` was given."""
        self._advance(-self._seen)

    def _fill(self, *, resume: bool = True) -> None:
        failures = 0
        for _ in range(MAX_RESUMES):
            before = self._seen
            if self._session.stop.is_set():
                raise Cancelled("stopped")
            try:
                self._request()
                if self._seen == self._wanted.size:
                    return
                raise Unreachable(
                    f"{self._endpoint.name} breaks off after {self._seen} "
                    f"of {self._wanted.size} bytes of blob {self._wanted.digest}"
                )
            except HttpError as error:
                progress = self._seen > before and resume and not isinstance(error, TooSlow)
                failures = 0 if progress else failures + 1
                if not error.temporary or failures >= self._session.options.attempts:
                    raise
                if not resume:
                    self._restart()
                self._session.wait(max(failures, 1), error)
        raise Unreachable(f"{self._endpoint.name} breaks off again and again in blob {self._wanted.digest}")

    def _request(self) -> None:
        # With its end: some registries know no open range.
        headers = {"Range": f"bytes={self._seen}-{self._wanted.size - 1}"} if self._seen else {}
        accept = (200, 206, 416) if self._seen else (200,)
        what = f"blob {self._wanted.digest} of {self._endpoint.repository}"
        left = self._wanted.size - self._seen
        with self._session.get(
            self._endpoint,
            f"blobs/{self._wanted.digest}",
            what=what,
            accept=accept,
            headers=headers,
            size=left,
        ) as answer:
            if self._seen and not self._continues(answer):
                self._restart()
                if answer.status == 416:
                    raise Unreachable(f"{self._endpoint.name} cannot resume blob {self._wanted.digest}")
            for chunk in answer.chunks():
                self._take(chunk)

    def _continues(self, answer: Answer) -> bool:
        found = _CONTENT_RANGE.fullmatch(answer.header("Content-Range") or "")
        self._resumed = answer.status == 206 and found is not None and int(found[1]) == self._seen
        return self._resumed

    def _take(self, chunk: bytes) -> None:
        if self._session.stop.is_set():
            raise Cancelled("stopped")
        if self._seen + len(chunk) > self._wanted.size:
            raise DigestError(
                f"{self._endpoint.name} gives more than the {self._wanted.size} bytes "
                f"of blob {self._wanted.digest}"
            )
        self._target.write(chunk)
        self._hasher.update(chunk)
        self._seen += len(chunk)
        self._advance(len(chunk))

    def _restart(self) -> None:
        self.forget()
        self._target.seek(0)
        self._target.truncate()
        self._seen = 0
        self._hasher = hashlib.new(self._wanted.digest.algorithm)

    def _check(self) -> None:
        if self._hasher.hexdigest() != self._wanted.digest.hex:
            raise DigestError(
                f"{self._endpoint.name} gives other bytes for blob {self._wanted.digest}",
                hint="try another network: something between here and the registry is broken or hostile",
            )


def matches(path: str, digest: Digest, size: Optional[int] = None) -> Optional[bool]:
    """Whether the file at ``path`` is the blob, of ``size`` bytes if known; None if there is no file."""
    hasher = hashlib.new(digest.algorithm)
    seen = 0
    try:
        with open(path, "rb") as stream:
            while chunk := stream.read(CHUNK):
                hasher.update(chunk)
                seen += len(chunk)
    except FileNotFoundError:
        return None
    return size in (None, seen) and hasher.hexdigest() == digest.hex
