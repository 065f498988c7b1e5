# SPDX-License-Identifier: MIT
"""Package URLs (ECMA-427): ``pkg:type/namespace/name@version?qualifiers``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Optional
from urllib.parse import quote

from .model import APK, DEB, GOLANG, NPM, OPKG, RPM, Distribution, Package

# A file system without os-release is that of the distribution from which its packages' format comes.
_NAMESPACES = {DEB: "debian", APK: "alpine", OPKG: "", RPM: ""}


def purl(package: Package, distribution: Optional[Distribution] = None) -> str:
    """The package's URL, which names the distribution of a package that is one of its own."""
    namespace, name, version = "", package.name, package.version
    qualifiers = {}
    if package.kind in _NAMESPACES:
        namespace = distribution.id if distribution else _NAMESPACES[package.kind]
        qualifiers["arch"] = package.architecture
        if distribution and distribution.version:
            qualifiers["distro"] = f"{distribution.id}-{distribution.version}"
        if package.kind == RPM and ":" in version:
            qualifiers["epoch"], _, version = version.partition(":")
        if package.source and (package.source, package.source_version) != (name, package.version):
            other = package.source_version != package.version
            qualifiers["upstream"] = package.source + (f"@{package.source_version}" if other else "")
    elif package.kind in (NPM, GOLANG):
        namespace, _, name = name.rpartition("/")
    if package.kind in (DEB, APK, NPM, GOLANG):
        name = name.lower()
    return spelled(package.kind, (*namespace.lower().split("/"), name), version, qualifiers)


def spelled(kind: str, names: Iterable[str], version: str, qualifiers: Mapping[str, str]) -> str:
    """A package URL; what is empty of it is left out."""
    path = "/".join(_quoted(name) for name in names if name)
    given = sorted((key, value) for key, value in qualifiers.items() if value)
    words = "&".join(f"{key}={quote(value, safe='-._~:/')}" for key, value in given)
    after = (f"@{_quoted(version)}" if version else "") + (f"?{words}" if words else "")
    return f"pkg:{kind}/{path}{after}"


def _quoted(text: str) -> str:
    return quote(text, safe="-._~:")
