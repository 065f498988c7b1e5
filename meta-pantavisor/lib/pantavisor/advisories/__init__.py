# SPDX-License-Identifier: MIT
"""Which packages are known to be vulnerable, by advisories that the user has on this host.

versions   the order of versions, by kind of package
osv        an advisory: what it affects
database   files of them
"""

from __future__ import annotations

from .database import Match, SearchResult, search
from .osv import Advisory
from .versions import compare

__all__ = ["Advisory", "Match", "SearchResult", "compare", "search"]
