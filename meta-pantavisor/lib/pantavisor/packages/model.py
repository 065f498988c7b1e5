# SPDX-License-Identifier: MIT
"""The values of an inventory. Plain and immutable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

DEB, OPKG, APK, RPM, PYPI, NPM, GOLANG = "deb", "opkg", "apk", "rpm", "pypi", "npm", "golang"
KINDS = (DEB, OPKG, APK, RPM, PYPI, NPM, GOLANG)  # the types of their package URLs


@dataclass(frozen=True, order=True)
class Package:
    """A package that is installed. ``source`` is what it was built from, as far as its database has it;
    ``place`` the file that lists it, and ``owned`` whether a package of the distribution brought that file.
    """

    kind: str
    name: str
    version: str
    architecture: str = ""
    source: str = ""
    source_version: str = ""
    licence: str = ""
    place: str = ""
    owned: bool = False


@dataclass(frozen=True)
class Distribution:
    """``ID`` and ``VERSION_ID`` of os-release."""

    id: str
    version: str


@dataclass(frozen=True)
class Inventory:
    """What a root file system holds. ``notes`` are what could not be read of it, as sentences."""

    packages: tuple[Package, ...] = ()
    distribution: Optional[Distribution] = None
    notes: tuple[str, ...] = ()
