# SPDX-License-Identifier: MIT
"""Advisories of OSV: which packages they are about, and the order of versions. The first byte of an input
decides which package is held against the document in the rest.
"""

from __future__ import annotations

import json

from pantavisor import cjson
from pantavisor.advisories import compare, osv
from pantavisor.errors import PantavisorError
from pantavisor.packages import Distribution, Package

JSON = True
PACKAGES = (
    (Package("deb", "a", "1:1-1", "", "a", "1:1-1"), Distribution("debian", "12")),
    (Package("apk", "a", "1.2-r1", "", "a", "1.2-r1"), Distribution("alpine", "3.20.1")),
    (Package("rpm", "a", "1-1", "", "a", "1-1"), Distribution("rocky", "9.3")),
    (Package("pypi", "a", "1.0rc1"), None),
    (Package("npm", "a", "1.0.0-rc.1"), None),
    (Package("golang", "a", "v1.0.0"), None),
)
WORDS = ('"affected"', '"package"', '"ecosystem"', '"ranges"', '"events"', '"introduced"', '"fixed"',
         '"last_affected"', '"versions"', '"withdrawn"', "Debian:12", "PyPI", "npm", "Go")  # fmt: skip


def one_input(content: bytes) -> None:
    """Read one input. What is affected is decided, and an order of versions has two sides."""
    package, distribution = PACKAGES[content[0] % len(PACKAGES)] if content else PACKAGES[0]
    try:
        document = cjson.load_object(content[1:], what="an advisory")
    except PantavisorError:
        return
    name = osv.name_of(package, distribution)
    assert name is not None
    osv.affected_names(document)
    affected = osv.advisory(document, name, package)
    assert affected is None or name in osv.affected_names(document) or document.get("withdrawn")
    osv.is_undecided(document, name, package)
    for word in _words(document):
        order = compare(package.kind, osv.version_of(package), word)
        back = compare(package.kind, word, osv.version_of(package))
        assert order == (None if back is None else -back)


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [word for part in value for word in _words(part)] if isinstance(value, list) else []


def seeds() -> dict[str, bytes]:
    made = {}
    for number, (package, distribution) in enumerate(PACKAGES):
        ecosystem, name = osv.name_of(package, distribution) or ("", "")
        events = [{"introduced": "0"}, {"fixed": "2.0"}, {"introduced": "3~rc1"}, {"last_affected": "4"}]
        affected = {
            "package": {"ecosystem": ecosystem, "name": name}, "versions": ["1", "1.0"],
            "ranges": [{"type": "ECOSYSTEM", "events": events}, {"type": "GIT", "events": []}],
        }  # fmt: skip
        document = {"id": "X-1", "summary": "bad", "aliases": ["CVE-1"], "affected": [affected]}
        made[f"advisory{number}"] = bytes([number]) + json.dumps(document).encode()
    return made
