# SPDX-License-Identifier: MIT
"""What is inside a disk image, storage tree, export or repository: values, then tables, a document or a
page.

Reading believes the names of objects and does not hash their content; ``audit`` is what checks.

    model      Inspection: partitions, revisions, parts, files, signatures, changes
    contents   read(): from a target to an Inspection
    roots      what is inside the file systems of parts: packages, files
    changes    compare(): what a newer one adds, removes and alters, and what an update must carry
    tables     render_text(): for people at a terminal
    document   document(): for programs
    page       render_html(): one file with a size map, nothing from elsewhere
    treemap    that map
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
