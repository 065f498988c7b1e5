# SPDX-License-Identifier: MIT
"""The packages that are installed in a root file system, from the files that list them; nothing is run.

model.py      Package, Distribution, Inventory
inventory.py  which files list packages; all of them together
dpkg.py apk.py rpm.py       databases of distributions
pypi.py npm.py golang.py    what languages install
stanzas.py sqlite.py        formats below these
purl.py       package URLs
"""

from __future__ import annotations

from .inventory import Collector, limit_of, may_be_go
from .model import KINDS, Distribution, Inventory, Package
from .purl import purl, spelled

__all__ = [
    "KINDS",
    "Collector",
    "Distribution",
    "Inventory",
    "Package",
    "limit_of",
    "may_be_go",
    "purl",
    "spelled",
]
