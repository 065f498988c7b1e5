# SPDX-License-Identifier: MIT
"""A cache that is never in the way: whatever is wrong with it, the work goes on without."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, TypeVar

from ..errors import FormatError, PantavisorError
from .entries import Entries, is_busy, is_refused
from .place import FILE, own_place, remove

DEFAULT_SIZE = "4G"
MIN_BYTES = 1024 * 1024
_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_BATCH_BYTES = 1024 * 1024  # what is held back, to be written in one transaction

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class CacheReport:
    """What a cache holds: the number of its entries, and bytes of its file; ``max_bytes`` is its bound."""

    directory: Path
    entries: int
    bytes: int
    max_bytes: int


def byte_count(text: str) -> int:
    """The bytes that a size such as 500M or 4G names. Raises FormatError."""
    found = re.fullmatch(r"([0-9]{1,12})([KMGT]?)", text)
    size = int(found[1]) * _UNITS.get(found[2], 1) if found else 0
    if size < MIN_BYTES:
        raise FormatError(
            f'"{text[:40]}" is not the size of a cache', hint="use a number with M, G or T, such as 4G"
        )
    return size


class Cache:
    """Values by key in ``directory``, which is made when it is first needed; for several threads at once.
    ``note`` is called with a sentence where the cache cannot be used, or not be written, once for each.
    """

    def __init__(self, directory: Path, max_bytes: int, *, note: Callable[[str], None]) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._note = note
        self._lock = threading.Lock()
        self._entries: Optional[Entries] = None
        self._is_off = self._is_read_only = self._was_renewed = False
        self._added: dict[bytes, bytes] = {}
        self._added_bytes = 0

    def get(self, key: bytes) -> Optional[bytes]:
        """The value, or None."""
        with self._lock:
            if key in self._added:
                return self._added[key]
            return self._attempt(lambda entries: entries.find(key))

    def put(self, key: bytes, value: bytes) -> None:
        """Keep ``value``."""
        with self._lock:
            self._added[key] = value
            self._added_bytes += len(value)
            if self._added_bytes >= _BATCH_BYTES:
                self._write()

    def flush(self) -> None:
        """Write what is held back."""
        with self._lock:
            self._write()

    def report(self) -> CacheReport:
        """Raises PantavisorError where the cache cannot be used."""
        with self._lock:
            file = own_place(self._directory) / FILE
            entries = self._attempt(lambda entries: entries.count()) if file.exists() else 0
            size = file.stat().st_size if file.exists() else 0
            return CacheReport(self._directory, entries or 0, size, self._max_bytes)

    def clear(self) -> int:
        """Remove the file, whatever is in it; its size. Who has it open goes on without.
        Raises PantavisorError.
        """
        with self._lock:
            self._close()
            place = own_place(self._directory)
            size = (place / FILE).stat().st_size if (place / FILE).exists() else 0
            remove(place)
            return size

    def _write(self) -> None:
        # Whether or not it works, nothing is held back afterwards.
        added, self._added, self._added_bytes = self._added, {}, 0
        if not self._is_read_only:
            self._attempt(lambda entries: entries.write(added, self._max_bytes))

    def _attempt(self, work: Callable[[Entries], Answer]) -> Optional[Answer]:
        """What ``work`` returns; None where the cache cannot do it now."""
        while (entries := self._opened()) is not None:
            try:
                return work(entries)
            except Exception as error:  # of a damaged file it may be any, and no build fails for it
                if is_refused(error):
                    self._write_no_more(str(error))
                    return None
                self._recover(error)
        return None

    def _opened(self) -> Optional[Entries]:
        """The entries; None where it cannot be used, which is said once."""
        while self._entries is None and not self._is_off:
            try:
                self._entries = Entries(own_place(self._directory) / FILE)
            except PantavisorError as error:
                self._give_up(f"{error.message}; {error.hint}")
            except Exception as error:
                if is_refused(error):
                    self._give_up(f"{self._directory}: {error}")
                else:
                    self._recover(error)
        return self._entries

    def _recover(self, error: Exception) -> None:
        if is_busy(error):
            # Each further block would wait as long.
            self._give_up(f"another process holds the file in {self._directory}")
        else:
            self._renew(str(error))

    def _renew(self, reason: str) -> None:
        """Remove a damaged file, so that it is begun again: once, since a second time is not by chance."""
        self._close()
        if self._was_renewed:
            self._give_up(f"{self._directory}: {reason}")
            return
        self._was_renewed = True
        try:
            remove(own_place(self._directory))
        except PantavisorError as error:
            self._give_up(f"{error.message}; {error.hint}")

    def _write_no_more(self, reason: str) -> None:
        if not self._is_read_only:
            self._note(f"nothing more is written to the cache in {self._directory}: {reason}")
        self._is_read_only = True

    def _give_up(self, reason: str) -> None:
        self._close()
        self._note(f"the cache is not used: {reason}")
        self._is_off = self._is_read_only = True

    def _close(self) -> None:
        if self._entries is not None:
            self._entries.close()
        self._entries = None
