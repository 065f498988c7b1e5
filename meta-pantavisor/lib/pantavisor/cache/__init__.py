# SPDX-License-Identifier: MIT
"""What takes long to make, kept by key in a directory of the user's own, for the next time.

    place     the directory, and who may write to it
    entries   the file in it
    store     a cache that is never in the way

Each entry has a checksum of its own: a damaged one is dropped, a file that SQLite cannot read is begun
again. A checksum shows damage, not malice: who can write to the file can change what is built. So only the
user may.
"""

from __future__ import annotations

from .store import DEFAULT_SIZE, Cache, CacheReport, byte_count

__all__ = ["DEFAULT_SIZE", "Cache", "CacheReport", "byte_count"]
