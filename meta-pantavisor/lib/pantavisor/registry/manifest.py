# SPDX-License-Identifier: MIT
"""A manifest or an index, asked of one registry and held against its digest."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Optional

from .. import oci
from ..digest import Digest
from ..errors import DigestError, FormatError, LimitError
from ..http import Unreachable
from ..ref import Ref
from .errors import RegistryError
from .options import Endpoint
from .session import RegistrySession

# A header for each, as docker sends them: old registries read to the first comma, and give schema 1.
_ACCEPT = "\n".join([oci.OCI_INDEX, oci.DOCKER_LIST, oci.OCI_MANIFEST, oci.DOCKER_MANIFEST])


@dataclass(frozen=True)
class Document:
    """A manifest or an index as the registry keeps it."""

    data: bytes
    media_type: str
    digest: Digest


def ask(session: RegistrySession, endpoint: Endpoint, ref: Ref) -> Document:
    """The manifest or index that ``ref`` names, as one registry has it.

    Raises DigestError, LimitError, Unreachable and RegistryError.
    """

    def once() -> Document:
        what = f"image {endpoint.repository}{f'@{ref.digest}' if ref.digest else f':{ref.tag}'}"
        with session.get(
            endpoint,
            f"manifests/{ref.digest or ref.tag}",
            what=what,
            headers={"Accept": _ACCEPT},
            size=oci.MAX_MANIFEST_BYTES,
        ) as answer:
            data = answer.read(oci.MAX_MANIFEST_BYTES)
            length = answer.header("Content-Length")
            promised = ref.digest or _promised(answer.header("Docker-Content-Digest"))
            media_type = (answer.header("Content-Type") or "").partition(";")[0].strip()
        _check_whole(data, length, endpoint, what)
        _check(data, promised, endpoint, what)
        return Document(data, media_type, ref.digest or Digest.of(data))

    return session.retry(once)


def _check_whole(data: bytes, length: Optional[str], endpoint: Endpoint, what: str) -> None:
    """Whether an answer is a document at all, of the ``length`` that its header gives."""
    if len(data) > oci.MAX_MANIFEST_BYTES:
        raise LimitError(
            f"{endpoint.name} gives a manifest larger than the {oci.MAX_MANIFEST_BYTES} bytes allowed"
        )
    if length is not None and re.fullmatch("[0-9]{1,18}", length) and len(data) < int(length):
        raise Unreachable(f"{endpoint.name} breaks off in the middle of {what}")
    if data.lstrip()[:1] == b"<":
        raise RegistryError(
            f"{endpoint.name} answers with a web page when asked for {what}",
            hint=(
                "check that this is the registry's own address, "
                "and whether a login is needed on the way to it"
            ),
        )


def _promised(text: Optional[str]) -> Optional[Digest]:
    try:
        return Digest.parse(text) if text else None
    except FormatError:
        return None  # some registries put an ETag of their own here; it promises nothing


def _check(data: bytes, promised: Optional[Digest], endpoint: Endpoint, what: str) -> None:
    if promised is not None and hashlib.new(promised.algorithm, data).hexdigest() != promised.hex:
        raise DigestError(
            f"{endpoint.name} gives other bytes for {what} than {promised}",
            hint="try another network: something between here and the registry is broken or hostile",
        )
