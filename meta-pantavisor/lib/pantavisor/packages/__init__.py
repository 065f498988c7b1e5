# SPDX-License-Identifier: MIT
"""The packages that are installed in a root file system, from the files that list them; nothing is run.

model        Package, Distribution, Inventory
inventory    which files list packages; all of them together
dpkg apk rpm  databases of distributions
pypi npm golang  what languages install
stanzas sqlite  formats below these
purl         package URLs
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
