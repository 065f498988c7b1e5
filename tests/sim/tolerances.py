# SPDX-License-Identifier: MIT
"""Odd but harmless inputs, and who reads them: each verdict was seen with skopeo 1.9, umoci 0.4, GNU tar
1.34, bsdtar 3.6.

A row of DOCUMENTS bends the documents of an image in a layout. A row of TARS is a layer. ``ours`` says
whether this project reads it; ``docs/formats/images.md`` gives the reason where it does not.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pantavisor import oci
from sim.layers import member, tar
from sim.registry import images

Document = dict[str, Any]
GONE = object()


@dataclass(frozen=True)
class Bent:
    """An image whose ``part`` (index, entry, manifest, layer or config) has other members; GONE takes one
    out.
    """

    part: str
    changes: dict[str, Any]
    ours: bool
    skopeo: bool = True
    umoci: bool = True

    def files(self) -> dict[str, bytes]:
        """The layout."""
        made = images.image({"etc/x": b"1"})
        config, manifest = json.loads(made.config), json.loads(made.manifest)
        self._apply("config", config)
        config_bytes = images.dump(config)
        manifest["config"] |= {"digest": images.sha(config_bytes), "size": len(config_bytes)}
        self._apply("layer", manifest["layers"][0])
        self._apply("manifest", manifest)
        manifest_bytes = images.dump(manifest)
        entry = {"mediaType": oci.OCI_MANIFEST, "digest": images.sha(manifest_bytes),
                 "size": len(manifest_bytes),
                 "annotations": {"org.opencontainers.image.ref.name": "1"}}  # fmt: skip
        self._apply("entry", entry)
        index: Document = {"schemaVersion": 2, "manifests": [entry]}
        self._apply("index", index)
        blobs = [config_bytes, manifest_bytes, *made.layers]
        return {
            "oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": images.dump(index),
            **{f"blobs/{images.sha(data).replace(':', '/')}": data for data in blobs},
        }  # fmt: skip

    def _apply(self, part: str, document: Document) -> None:
        if part == self.part:
            document |= self.changes
            for name in [name for name, value in document.items() if value is GONE]:
                del document[name]


PLAIN = Bent("index", {}, True)
DOCUMENTS = {
    "plain": PLAIN,
    "index without version": Bent("index", {"schemaVersion": GONE}, True),
    "index of version 1": Bent("index", {"schemaVersion": 1}, True),
    "index of an unknown type": Bent("index", {"mediaType": "application/json"}, True),
    "index of no type": Bent("index", {"mediaType": ""}, True),
    "index with null": Bent("index", {"annotations": None, "mediaType": None}, True),
    "entry with more": Bent(
        "entry", {"urls": ["http://x"], "data": "e30=", "artifactType": "application/vnd.x"}, True),
    "entry without platform words": Bent("entry", {"platform": {"os": "", "architecture": ""}}, True),
    "entry of another spelling": Bent(
        "entry", {"platform": {"os": "linux", "architecture": "x86_64"}}, True),
    "entry without type": Bent("entry", {"mediaType": GONE}, True, umoci=False),
    "entry of no size": Bent("entry", {"size": GONE}, False, umoci=False),
    "entry of another size": Bent("entry", {"size": 7}, False, umoci=False),
    "manifest without version": Bent("manifest", {"schemaVersion": GONE}, True),
    "manifest without type": Bent("manifest", {"mediaType": GONE}, True),
    "manifest of an unknown type": Bent("manifest", {"mediaType": "application/json"}, True),
    "manifest that calls itself an index": Bent("manifest", {"mediaType": oci.OCI_INDEX}, False),
    "manifest with null": Bent(
        "manifest", {"annotations": None, "subject": None, "manifests": None, "fsLayers": None}, True),
    "manifest and index": Bent("manifest", {"manifests": []}, False, skopeo=False),
    "layer without type": Bent("layer", {"mediaType": GONE}, True, umoci=False),
    "layer called a plain tar": Bent("layer", {"mediaType": oci.OCI_LAYER}, True, umoci=False),
    "layer called zstd": Bent("layer", {"mediaType": oci.OCI_LAYER_ZSTD}, True, umoci=False),
    "config without architecture": Bent("config", {"architecture": GONE, "os": GONE}, True, umoci=False),
    "config of odd date": Bent("config", {"created": "yesterday"}, True, umoci=False),
    "config with null": Bent("config", {"config": None, "history": None}, True),
    "config without type of rootfs": Bent("config", {"variant": ""}, True),
}  # fmt: skip

FILE = member("f", content=b"hello")


def _block(edit: Callable[[bytearray], None], name: str = "f") -> bytes:
    """A file whose header was changed, its checksum put right, and the end."""
    archive = bytearray(tar([member(name, content=b"hello")]))
    edit(archive)
    archive[148:156] = b" " * 8
    archive[148:156] = b"%06o\0 " % sum(archive[:512])
    return bytes(archive)


def _put(at: int, data: bytes) -> Callable[[bytearray], None]:
    def edit(archive: bytearray) -> None:
        archive[at : at + len(data)] = data

    return edit


@dataclass(frozen=True)
class Layer:
    archive: bytes
    ours: bool
    umoci: bool = True
    gnu: bool = True
    bsd: bool = True


WHOLE = tar([FILE])
TARS = {
    "plain": Layer(WHOLE, True),
    "no end mark": Layer(WHOLE[:1024], True),
    "something behind the end": Layer(WHOLE + b"x" * 700, True),
    "no padding at the end": Layer(WHOLE[:517], True, gnu=False, bsd=False),
    "absolute": Layer(tar([member("/f", content=b"hello")]), True),
    "dots within": Layer(tar([member("a", "dir"), member("b", "dir"), member("a/../b/f")]), True, gnu=False,
                         bsd=False),
    "dots that climb": Layer(tar([member("../f")]), False, gnu=False, bsd=False),
    "size in blanks": Layer(_block(_put(124, b"          5 ")), True),
    "size in base 256": Layer(_block(_put(124, b"\x80" + (5).to_bytes(11, "big"))), True),
    "no magic": Layer(_block(_put(257, bytes(8))), True),
    "owner of 33 bits": Layer(_block(_put(108, b"\x80" + (2**32).to_bytes(7, "big"))), False, gnu=False),
    "GNU headers": Layer(tar([FILE], form=tarfile.GNU_FORMAT), True),
    "twice": Layer(tar([FILE, FILE]), True),
    "time with a sign": Layer(tar([member("f", pax={"mtime": "+5"})]), True, gnu=False),
    "unknown record": Layer(tar([member("f", pax={"foo.bar": "x"})]), True),
    "attribute that is not base64": Layer(tar([member("f", pax={"LIBARCHIVE.xattr.user.a": "***"})]), True),
    "link to nothing": Layer(tar([member("l", "hard", target="gone")]), False, umoci=False, gnu=False,
                             bsd=False),
    "unknown type": Layer(_block(_put(156, b"Z")), False, umoci=False),
}  # fmt: skip
