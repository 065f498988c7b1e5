# SPDX-License-Identifier: MIT
"""The entries of a cache, in a database of SQLite.

Its transactions let processes share the file and be killed at any time. One file, since tens of thousands
of small ones cost ten times as much to write and to read.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Optional

from ..errors import NotFound

_CHECK_BYTES = 16
_PAGE_BYTES = 16384
_WAIT_SECONDS = 10
_USED_SECONDS = 3600  # how exactly it is known when an entry was used last: each note of it is a write
_KEPT_TENTHS = 9  # of a full cache; less often, but more at a time, is cheaper
# The words of SQLite for a lock, and for what the system does not let it do.
_BUSY = "locked"
_REFUSED = ("full", "readonly", "disk I/O", "unable to open")

# Of a new file; one that may only be read would refuse the second.
_FORM = (f"PRAGMA page_size = {_PAGE_BYTES}", "PRAGMA auto_vacuum = INCREMENTAL")
_SETTINGS = (
    "PRAGMA journal_mode = TRUNCATE",
    # After a power cut the file may be damaged. That costs the cache, never a build.
    "PRAGMA synchronous = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA trusted_schema = OFF",
    "CREATE TABLE IF NOT EXISTS entry "
    "(number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, used INTEGER NOT NULL, bytes INTEGER NOT NULL)",
    # Apart, so that looking for the oldest entries passes over none of their values.
    "CREATE TABLE IF NOT EXISTS content (number INTEGER PRIMARY KEY, value BLOB NOT NULL)",
)
_FIND = "SELECT number, used, value FROM entry JOIN content USING (number) WHERE key = ?"
_ADD = "INSERT OR IGNORE INTO entry (key, used, bytes) VALUES (?, ?, ?)"
_RENEW = "UPDATE entry SET used = ?, bytes = ? WHERE key = ?"
_FILL = "INSERT OR REPLACE INTO content SELECT number, ? FROM entry WHERE key = ?"
_USE = "UPDATE entry SET used = ? WHERE number = ?"
_OLDEST = "SELECT number, CAST(bytes AS INTEGER) FROM entry ORDER BY used, number"
_DROP = ("DELETE FROM entry WHERE number = ?", "DELETE FROM content WHERE number = ?")


class Entries:
    """Values by key in the database at ``path``. Calls may come from several threads, one at a time.
    Raises what SQLite and Python raise of whatever the file holds, NotFound where there is no SQLite.
    """

    def __init__(self, path: Path) -> None:
        try:
            import sqlite3  # which not every Python has, and only a cache needs
        except ImportError as error:
            hint = "install it, or set PVR_CACHE_DIR to nothing"
            raise NotFound("this Python has no module sqlite3", hint=hint) from error
        # Transactions are begun and ended here.
        self._database = sqlite3.connect(
            path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._used: list[int] = []  # numbers of entries, to be noted
        try:
            is_new = not self._number("PRAGMA page_count")
            for statement in (*(_FORM if is_new else ()), *_SETTINGS):
                self._database.execute(statement)
        except BaseException:
            self._database.close()
            raise

    def find(self, key: bytes) -> Optional[bytes]:
        """The value, or None. What is damaged is dropped."""
        row = self._database.execute(_FIND, (key,)).fetchone()
        if row is None:
            return None
        number, used, stored = row
        if not isinstance(stored, bytes) or stored[:_CHECK_BYTES] != _check(key, stored[_CHECK_BYTES:]):
            self._drop([number])
            return None
        if not isinstance(used, int) or abs(time.time() - used) > _USED_SECONDS:
            self._used.append(number)
        return stored[_CHECK_BYTES:]

    def write(self, values: Mapping[bytes, bytes], max_bytes: int) -> None:
        """Add ``values``, in the place of those that have their keys, and note which others were used, in
        one transaction. Where the file would get larger than ``max_bytes``, what was not used for longest
        goes.
        """
        if not values and not self._used:
            return
        now = int(time.time())
        with self._transaction():
            self._make_room(sum(len(value) + _PAGE_BYTES for value in values.values()), max_bytes)
            self._database.executemany(_USE, [(now, number) for number in self._used])
            for key, value in values.items():
                self._database.execute(_ADD, (key, now, len(value)))
                self._database.execute(_RENEW, (now, len(value), key))
                self._database.execute(_FILL, (_check(key, value) + value, key))
        self._used.clear()
        surplus = self._number("PRAGMA page_count") - max_bytes // self._number("PRAGMA page_size")
        if surplus > 0:
            # Of execute() it would free one page.
            self._database.executescript(f"PRAGMA incremental_vacuum({surplus})")

    def count(self) -> int:
        return self._number("SELECT count(*) FROM entry")

    def close(self) -> None:
        self._database.close()

    def _make_room(self, size: int, max_bytes: int) -> None:
        pages = self._number("PRAGMA page_count") - self._number("PRAGMA freelist_count")
        wanted = pages * self._number("PRAGMA page_size") + size
        if wanted <= max_bytes:
            return
        excess, doomed = wanted - max_bytes * _KEPT_TENTHS // 10, []
        for number, held in self._database.execute(_OLDEST):
            doomed.append(number)
            excess -= held
            if excess <= 0:
                break
        self._drop(doomed)

    def _drop(self, numbers: Iterable[int]) -> None:
        for statement in _DROP:
            self._database.executemany(statement, [(number,) for number in numbers])

    def _number(self, question: str) -> int:
        return int(self._database.execute(question).fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise


def is_busy(error: Exception) -> bool:
    """Whether another process held the file for too long."""
    return _BUSY in str(error)


def is_refused(error: Exception) -> bool:
    """Whether the system does not let us write, or even read. What is neither means damage."""
    return any(words in str(error) for words in _REFUSED)


def _check(key: bytes, value: bytes) -> bytes:
    """The checksum of an entry: of a value in the place of another's, it is wrong."""
    return hashlib.blake2b(value, key=key, digest_size=_CHECK_BYTES).digest()
