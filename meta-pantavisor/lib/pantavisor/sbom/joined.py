# SPDX-License-Identifier: MIT
"""What a build knows of a part, such as openembedded-core's document about an image, taken into the bill of
materials of the state: packages, recipes and sources that no file of the part names.

Elements keep their identifiers. One that several documents have is there once.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from .. import cjson, regular
from ..errors import FormatError

MAX_BYTES = 256 * 1024 * 1024
_HINT = "name a document in SPDX 3.0.1, JSON-LD, such as that of openembedded-core's class create-spdx-3.0"

Element = dict[str, Any]


def join(document: Element, part: str, path: Path) -> None:
    """Add the elements of the document at ``path`` to ``document``: what it is about is contained in the
    element ``part``. Raises FormatError and LimitError.
    """
    theirs = _read(path, document["@context"])
    graph: list[Element] = document["@graph"]
    (ours,) = (element for element in graph if element["type"] == "SpdxDocument")
    (head,) = (element for element in theirs if element["type"] == "SpdxDocument")
    known = {_name(element) for element in (*graph, head)}
    for element in theirs:
        if _name(element) not in known:
            known.add(_name(element))
            graph.append(element)
    graph.append(
        {
            "type": "Relationship",
            "spdxId": next(name for name in _numbered(f"{part}/built/") if name not in known),
            "creationInfo": ours["creationInfo"],
            "from": part,
            "to": _subjects(head, theirs, path),
            "relationshipType": "contains",
            "completeness": "noAssertion",
        }
    )
    ours["profileConformance"] = sorted(
        {*ours["profileConformance"], *_texts(head.get("profileConformance"))}
    )
    # What their elements refer to, and is in other documents.
    if imported := _imported(ours, head):
        ours["import"] = imported


def _read(path: Path, context: object) -> list[Element]:
    """The elements, with labels of nodes that are those of no other document."""
    with regular.opened(path) as stream:
        found = cjson.load_object(stream.read(MAX_BYTES + 1), what=str(path), max_bytes=MAX_BYTES)
    graph = found.get("@graph")
    if found.get("@context") != context or not isinstance(graph, list) or not all(map(_is_element, graph)):
        raise FormatError(f"{path} is not a document in SPDX 3.0.1", hint=_HINT)
    heads = [_name(element) for element in graph if element["type"] == "SpdxDocument"]
    if len(heads) != 1:
        raise FormatError(f"{path} holds {len(heads)} elements SpdxDocument, not one", hint=_HINT)
    own = hashlib.sha256(heads[0].encode("utf-8", "surrogatepass")).hexdigest()[:16]
    labels = {element["@id"]: f"_:d{own}-{element['@id'][2:]}" for element in graph if "@id" in element}
    return [_relabelled(element, labels) for element in graph]


def _is_element(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("type"), str)
        and isinstance(value.get("spdxId", value.get("@id")), str)
        and str(value.get("@id", "_:")).startswith("_:")
    )


def _name(element: Element) -> str:
    return str(element.get("spdxId", element.get("@id")))


def _relabelled(value: Any, labels: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return labels.get(value, value)
    if isinstance(value, dict):
        return {name: _relabelled(item, labels) for name, item in value.items()}
    return [_relabelled(item, labels) for item in value] if isinstance(value, list) else value


def number(value: Decimal) -> float:
    """As documents have numbers that are not whole. Raises FormatError."""
    found = float(value)
    if not math.isfinite(found):
        raise FormatError(
            f"a document about a part holds a number of {value.adjusted() + 1} digits", hint=_HINT
        )
    return found


def _subjects(head: Element, elements: list[Element], path: Path) -> list[str]:
    """What the document is about; of a bill of materials in it, what that is about."""
    bills = {_name(element): element for element in elements if element["type"] == "software_Sbom"}
    roots = [
        name
        for root in _texts(head.get("rootElement"))
        for name in (_texts(bills[root].get("rootElement")) if root in bills else [root])
    ]
    if not roots:
        raise FormatError(f"{path} names nothing that it is about (rootElement)", hint=_HINT)
    return sorted(set(roots))


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _numbered(prefix: str) -> Iterator[str]:
    return (f"{prefix}{number}" for number in itertools.count())


def _imported(ours: Element, theirs: Element) -> list[Any]:
    maps = theirs.get("import")
    named = [item for item in (maps if isinstance(maps, list) else ()) if _is_map(item)]
    return list({item["externalSpdxId"]: item for item in (*ours.get("import", ()), *named)}.values())


def _is_map(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("externalSpdxId"), str)
