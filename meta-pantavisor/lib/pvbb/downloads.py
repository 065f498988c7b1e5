# SPDX-License-Identifier: MIT
"""What of images lies in DL_DIR, and the URLs by which BitBake fetches and mirrors each piece.

    docker://<host>/<repository>;tag=…;digest=…;platform=…           an image: what a recipe has in SRC_URI
    docker://<host>/<repository>/oci-sha256-<hex>;kind=blob;size=…    one blob of it (or kind=manifest)
    docker://<host>/<repository>/oci-tag-<words>.json;tag=…           the digest that a tag was found to
    name

The last component is the file's name in DL_DIR, flat, so that a copy of DL_DIR serves as a mirror of any
kind. Blobs are shared by all images. A tag is resolved once: as long as its record exists, it means the
same image, network or not.
"""

from __future__ import annotations

import hashlib
import re
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

from pantavisor import cjson
from pantavisor.digest import Digest
from pantavisor.errors import FormatError
from pantavisor.oci import Descriptor, Platform
from pantavisor.ref import Ref

MAX_RECORD_BYTES = 64 * 1024
_BLOB_NAME = re.compile(r"oci-(sha256|sha512)-([0-9a-f]+)")
_RECORD_NAME = re.compile(r"oci-tag-[A-Za-z0-9._-]+\.json")
_MAX_WORDS = 120  # of a record's name, which also holds a hash


@dataclass(frozen=True)
class ImageUrl:
    """An image for one platform. Without digest in ``ref``, a record has what the tag means."""

    ref: Ref
    platform: Platform
    name: str

    def __str__(self) -> str:
        words = [f"docker://{self.ref.name}"]
        words += [f"tag={self.ref.tag}"] if self.ref.tag else []
        words += [f"digest={self.ref.digest}"] if self.ref.digest else []
        return ";".join(
            [*words, f"platform={self.platform}"] + ([f"name={self.name}"] if self.name != "oci" else [])
        )


@dataclass(frozen=True)
class BlobUrl:
    """One blob of a repository, by digest. Manifests have no size that is known beforehand."""

    ref: Ref
    digest: Digest
    kind: str
    size: int

    def __str__(self) -> str:
        size = f"size={self.size};" if self.kind == "blob" else ""
        sum_ = f"{self.digest.algorithm}sum={self.digest.hex}"
        return f"docker://{self.ref.name}/{blob_name(self.digest)};kind={self.kind};{size}{sum_}"

    @property
    def descriptor(self) -> Descriptor:
        return Descriptor("", self.digest, self.size)


@dataclass(frozen=True)
class RecordUrl:
    """What a tag means. ``name`` stays that of the original registry when a mirror is asked."""

    ref: Ref
    name: str

    def __str__(self) -> str:
        return f"docker://{self.ref.name}/{self.name};tag={self.ref.tag}"


def parse(url: str) -> Union[ImageUrl, BlobUrl, RecordUrl]:
    """Any of the three. Raises FormatError."""
    location, *words = url.split(";")
    parameters = dict(_parameter(word) for word in words if word)
    bare = urllib.parse.unquote(location.partition("://")[2])
    if "@" in bare:
        raise FormatError(
            f"{location} has credentials or a digest in it", hint="use docker login, and ;digest="
        )
    name, _, last = bare.rpartition("/")
    blob = _BLOB_NAME.fullmatch(last)
    if blob:
        digest = Digest.parse(f"{blob[1]}:{blob[2]}")
        kind = parameters.get("kind", "blob")
        return BlobUrl(_ref(name, parameters, digest), digest, kind, _size(parameters, kind))
    if _RECORD_NAME.fullmatch(last):
        return RecordUrl(_ref(name, parameters, None), last)
    digest_text = parameters.get("digest")
    ref = _ref(bare, parameters, Digest.parse(digest_text) if digest_text else None)
    if "platform" not in parameters:
        raise FormatError(
            f"{location} has no platform", hint="write PVR_DOCKER_REF; the class makes the URL"
        )
    folder = parameters.get("name", "oci")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", folder):
        raise FormatError(f'"{folder}" cannot name the image\'s directory')
    return ImageUrl(ref, Platform.parse(parameters["platform"]), folder)


def blob_name(digest: Digest) -> str:
    return f"oci-{digest.algorithm}-{digest.hex}"


def record_name(ref: Ref) -> str:
    """The name of the record for what ``ref``'s tag means: readable, and different for every reference."""
    text = f"{ref.name}:{ref.tag}"
    words = re.sub(r"[^A-Za-z0-9.-]+", "_", text)[:_MAX_WORDS]
    return f"oci-tag-{words}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"


def record_bytes(ref: Ref, digest: Digest) -> bytes:
    return cjson.dumps({"digest": str(digest), "tag": ref.tag}) + b"\n"


def read_record(path: Path) -> Optional[Digest]:
    """The digest of a record, or None if there is none that can be read."""
    try:
        with open(path, "rb") as stream:
            document = cjson.load_object(stream.read(MAX_RECORD_BYTES), what=str(path))
        return Digest.parse(str(document.get("digest")))
    except (FileNotFoundError, FormatError):
        return None


def _parameter(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value


def _ref(name: str, parameters: dict[str, str], digest: Optional[Digest]) -> Ref:
    tag = parameters.get("tag")
    ref = Ref.parse(name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else ""))
    if ref.name != name:
        raise FormatError(f"docker://{name} has no registry", hint=f"use docker://{ref.name}")
    return ref


def _size(parameters: dict[str, str], kind: str) -> int:
    text = parameters.get("size", "0")
    if kind not in ("blob", "manifest") or not re.fullmatch(r"[0-9]{1,15}", text):
        raise FormatError(f"a blob's URL has kind={kind} and size={text}")
    return int(text)
