# SPDX-License-Identifier: MIT
"""The package sources of the host, cut down to the distribution's own archive (sources.list(5), both
forms).

An entry counts as the distribution's own when its suite is the release or one of the release's pockets, its
components are the distribution's, and it is signed by the distribution's own keyring or names no keyring.
What names none gets that keyring here, so a third party's archive can never be taken for the
distribution's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from .errors import DebError
from .host import Distribution

COMPONENTS = {
    "debian": frozenset(["main", "contrib", "non-free", "non-free-firmware"]),
    "ubuntu": frozenset(["main", "restricted", "universe", "multiverse"]),
}
POCKETS = ("", "-updates", "-security")
SCHEMES = ("http", "https", "mirror", "mirror+http", "mirror+https", "file", "copy")
MAX_SOURCES_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Source:
    """One URI and suite. ``architectures`` is None where the entry names none."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str | None = None
    architectures: tuple[str, ...] | None = None


def parse_list(text: str) -> list[Source]:
    """Lines of the form ``deb [option=value ...] uri suite component...``; others are passed over."""
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if match:
            options = dict(word.partition("=")[::2] for word in (match[1] or "").split())
            archs = options.get("arch")
            found.append(
                Source(
                    match[2],
                    match[3],
                    tuple(match[4].split()),
                    options.get("signed-by"),
                    tuple(archs.split(",")) if archs else None,
                )
            )
    return found


def parse_deb822(text: str) -> list[Source]:
    """Paragraphs with Types, URIs, Suites, Components; disabled ones are left out."""
    found: list[Source] = []
    for fields in _paragraphs(text):
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in (
            "no",
            "false",
        ):
            continue
        archs = fields.get("architectures")
        found += [
            Source(
                uri,
                suite,
                tuple(fields.get("components", "").split()),
                fields.get("signed-by"),
                tuple(archs.split()) if archs else None,
            )
            for uri in fields.get("uris", "").split()
            for suite in fields.get("suites", "").split()
        ]
    return found


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    name = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, ""
        elif line[0] in " \t":
            fields[name] = f"{fields.get(name, '')} {line.strip()}".strip()
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()


def own_archive(
    sources: Iterable[Source], *, distribution: Distribution, architecture: str
) -> list[Source]:
    """Those of ``sources`` that are the distribution's own archive
    and offer ``architecture``, each once.
    """
    suites = {distribution.codename + pocket for pocket in POCKETS}
    kept = {
        Source(source.uri, source.suite, source.components, distribution.keyring): None
        for source in sources
        if source.suite in suites
        and source.components
        and set(source.components) <= COMPONENTS[distribution.name]
        and source.uri.partition(":")[0] in SCHEMES
        and (source.architectures is None or architecture in source.architectures)
        and _trusted(source.signed_by, distribution)
    }
    return list(kept)


def _trusted(signed_by: str | None, distribution: Distribution) -> bool:
    if signed_by is None:
        return True
    folder, name = os.path.split(signed_by)
    return (
        folder == os.path.dirname(distribution.keyring)
        and name.startswith(f"{distribution.name}-archive-")
    )  # fmt: skip


def for_architecture(
    sources: Iterable[Source],
    *,
    distribution: Distribution,
    architecture: str,
    native: str,
    foreign_uri: str,
) -> list[Source]:
    """``sources`` where they hold ``architecture``; else the same suites at ``foreign_uri``.

    Debian's archive holds every architecture. Ubuntu has a second one for all but amd64 and i386, which a
    host of the other kind does not name, so there ``foreign_uri`` must be given.
    """
    if architecture == native or (distribution.name == "debian" and not foreign_uri):
        return list(sources)
    if not foreign_uri:
        raise DebError(
            f"the archive that this host names does not hold {architecture}",
            hint="set DEB_FOREIGN_URI to the distribution's archive of the other architectures",
        )
    return list({replace(source, uri=foreign_uri): None for source in sources})


def render(sources: Iterable[Source], *, architecture: str) -> str:
    """The paragraphs of a sources file for one architecture."""
    return "".join(
        f"Types: deb\nURIs: {source.uri}\nSuites: {source.suite}\n"
        f"Components: {' '.join(source.components)}\n"
        f"Architectures: {architecture}\nSigned-By: {source.signed_by}\n\n"
        for source in sources
    )


def read_host(folder: str = "/etc/apt") -> list[Source]:
    """What the host's package client reads: sources.list and sources.list.d."""
    found: list[Source] = []
    parts = os.path.join(folder, "sources.list.d")
    names = sorted(os.listdir(parts)) if os.path.isdir(parts) else []
    for path in [os.path.join(folder, "sources.list"), *(os.path.join(parts, name) for name in names)]:
        if path.endswith((".list", ".sources")) and os.path.isfile(path):
            found += parse_file(path)
    return found


def parse_file(path: str) -> list[Source]:
    """A .sources file in deb822 form, anything else in lines."""
    with open(path, encoding="utf-8") as stream:
        text = stream.read(MAX_SOURCES_BYTES + 1)
    if len(text) > MAX_SOURCES_BYTES:
        raise DebError(f"{path} is larger than {MAX_SOURCES_BYTES} bytes")
    return parse_deb822(text) if path.endswith(".sources") else parse_list(text)
