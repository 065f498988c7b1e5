# SPDX-License-Identifier: MIT
"""What is inside a disk image, storage tree, export or repository: values, then tables, a document or a
page.

Reading believes the names of objects and does not hash their content; ``audit`` is what checks.

model.py      Inspection: partitions, revisions, parts, files, signatures, changes
contents.py   read(): from a target to an Inspection
changes.py    compare(): what a newer one adds, removes and alters, and what an update must carry
roots.py      what is inside the file systems of parts: packages, files
tables.py     render_text(): for people at a terminal
document.py   document(): for programs
page.py       render_html(): one file with a size map, drawn by treemap.py; nothing from elsewhere
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Optional

from ..errors import NotFound
from .changes import compare
from .contents import read
from .document import document
from .model import (
    DEVICE,
    ChangesView,
    FileView,
    InnerChange,
    Inspection,
    PackageChange,
    Part,
    Revision,
    SignatureView,
    latest,
)
from .page import render_html
from .tables import Table, render_text, tables

__all__ = [
    "DEVICE",
    "ChangesView",
    "FileView",
    "InnerChange",
    "Inspection",
    "PackageChange",
    "Part",
    "Revision",
    "SignatureView",
    "Table",
    "compare",
    "document",
    "inspect",
    "latest",
    "read",
    "render_html",
    "render_text",
    "tables",
]


def inspect(target: Path, *, against: Optional[Path] = None) -> Inspection:
    """Look into ``target``, and show what changed since ``against``. Raises NotFound for what does not
    exist, or holds no state to compare with.
    """
    inspection = read(target)
    if against is None:
        return inspection
    older = read(against)
    if not older.revisions:
        raise NotFound(
            f"{against} holds no state to compare with",
            hint="name an older image, tree, export or repository",
        )
    return replace(inspection, changes=compare(inspection, older))
