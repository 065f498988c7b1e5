# SPDX-License-Identifier: MIT
"""Which kind a target is, and its parts behind one face: states as text, objects as streams, the tree if
there is one.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Optional

from .. import beneath, cjson, names
from ..digest import is_object_id
from ..errors import NotFound, PantavisorError
from . import filesystems, tarball
from .findings import Damaged, Findings
from .folder import Folder
from .revisions import revision_texts
from .target import CHUNK, Chunks, OpenFile, Reader, Storage

MAX_TIMES_LARGER = 16  # all objects together than their image; only holes make them larger at all
_QUOTED_ID = re.compile(rb'"([0-9a-f]{64})"')
HINT = "name a disk image, storage tree, export or repository"
IMAGE, TREE, EXPORT, REPOSITORY = "disk image", "storage tree", "export", "repository"


@dataclass
class Opened:
    """A target. ``objects`` gives content and ``sizes`` bytes, both by object id; ``texts`` states by
    revision.
    """

    kind: str
    texts: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, Chunks] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    tree: Optional[Storage] = None
    contents: filesystems.Contents = field(default_factory=filesystems.Contents)
    size: int = 0


@contextmanager
def opened(target: Path, findings: Findings) -> Iterator[Opened]:
    """Open a target of any kind. What cannot be read becomes a finding. Raises NotFound where there is
    nothing; reading an object raises Damaged where its content is cut off.
    """
    with ExitStack() as stack:
        if (target / ".pvr" / "json").is_file():
            yield _repository(target, findings)
        elif target.is_dir():
            if not any((target / name).exists() for name in ("trails", "objects", "json")):
                raise NotFound(f"{target} is neither a repository nor a storage tree", hint=HINT)
            yield _tree(Opened(TREE), Folder(target), findings)
        elif target.is_file() or target.is_block_device():
            reader = stack.enter_context(OpenFile(target))
            if tarball.is_tarball(reader.pread(512, 0)):
                yield _export(reader, findings, stack)
            else:
                yield _image(reader, findings)
        else:
            # A pipe would be waited for.
            problem = "is neither a file nor a directory" if target.exists() else "does not exist"
            raise NotFound(f"{target} {problem}", hint=HINT)


def _image(image: Reader, findings: Findings) -> Opened:
    found = filesystems.read(image, findings)
    result = Opened(IMAGE, size=image.size, contents=found)
    if found.storage is None:
        findings.add(
            "partition",
            "partition table",
            f'there is no readable ext4 with the label "{filesystems.STORAGE_LABEL}", and none with trails',
        )
        return result
    return _tree(result, found.storage, findings)


def _tree(result: Opened, tree: Storage, findings: Findings) -> Opened:
    result.tree = tree
    result.texts = revision_texts(tree, findings)
    first: dict[int, str] = {}
    total = 0
    for path, entry in sorted(tree.entries.items()):
        folder, _, name = path.rpartition("/")
        if folder != "objects":
            continue
        if not is_object_id(name) or entry.kind != "file":
            findings.add(
                "object-name",
                path,
                "is not an object",
                "remove it: objects are files named by their sha256",
            )
        elif first.setdefault(entry.inode, path) != path:
            findings.add("object-name", path, f"is the same file as {first[entry.inode]}")
        else:
            # Files of an image may share blocks, or have none: reading all of them could last for days.
            total += entry.size
            if result.kind == IMAGE and total > MAX_TIMES_LARGER * result.size:
                findings.add(
                    "object-size", path, "is not read: the objects are too large together for their image"
                )
            else:
                _add(result, name, partial(tree.chunks, entry), entry.size)
    return result


def _export(reader: Reader, findings: Findings, stack: ExitStack) -> Opened:
    result = Opened(EXPORT, size=reader.size)
    try:
        if tarball.is_packed(reader.pread(512, 0)):
            unpacked = stack.enter_context(tempfile.TemporaryFile())
            tarball.unpack(reader, unpacked, findings)
            reader = Reader(unpacked.fileno(), 0, unpacked.tell())
        state, objects = tarball.read(reader, findings)
    except Damaged as error:
        findings.add("unreadable", "tar", error.message)
        return result
    if state.size > cjson.MAX_BYTES:
        findings.add("state", "json", f"is {state.size} bytes long, which is too large")
        return result
    result.texts[""] = reader.pread(state.size, state.at)
    uses = Counter(_QUOTED_ID.findall(result.texts[""]))
    for name, copies in objects.items():
        windows = [reader.window(member.at, member.size) for member in copies]
        _add(result, name, partial(_pieces, windows[0]), windows[0].size)
        if len(windows) > 1:
            _check_copies(name, windows, uses[name.encode()], findings)
    return result


def _check_copies(object_id: str, copies: Sequence[Reader], uses: int, findings: Findings) -> None:
    """See that an object is repeated at most for each path that names it, as the published tool does, and
    truly.
    """
    where = f"objects/{object_id}"
    if len(copies) > uses:
        findings.add("export-member", where, "is repeated more often than the state names it")
    for copy in copies[1:]:
        if copy.size != copies[0].size or any(
            one != other for one, other in zip(_pieces(copies[0]), _pieces(copy))
        ):
            findings.add("export-member", where, "is in it twice, with different contents")


def _repository(target: Path, findings: Findings) -> Opened:
    result = Opened(REPOSITORY)
    try:
        text = beneath.read(target, ".pvr/json", limit=cjson.MAX_BYTES)
        path = ".pvr/config"
        has_config = os.path.lexists(target / path)
        config = (
            cjson.load_object(beneath.read(target, path, limit=cjson.MAX_BYTES), what=path)
            if has_config
            else {}
        )
    except (PantavisorError, OSError) as error:
        findings.add("unreadable", ".pvr", getattr(error, "message", str(error)))
        return result
    result.texts[""] = text
    folder_name = config.get("ObjectsDir") or ".pvr/objects"
    if not isinstance(folder_name, str) or "\0" in folder_name or not names.has_bytes(folder_name):
        findings.add("object-missing", ".pvr/config", "ObjectsDir is not a path")
    elif not (target / folder_name).is_dir():
        where = target / folder_name
        findings.add("object-missing", ".pvr/config", f"the pool of objects, {where}, does not exist")
    else:
        _add_used(result, Folder(target / folder_name), text)
    return result


def _add_used(result: Opened, folder: Folder, text: bytes) -> None:
    """The objects of a pool that the state ``text`` names: a pool may serve several repositories."""
    used = set(_QUOTED_ID.findall(text))
    for name, entry in folder.entries.items():
        if is_object_id(name) and name.encode() in used:
            _add(result, name, partial(folder.chunks, entry), entry.size)


def _add(result: Opened, name: str, chunks: Chunks, size: int) -> None:
    result.objects[name] = chunks
    result.sizes[name] = size


def _pieces(reader: Reader) -> Iterator[bytes]:
    at = 0
    while at < reader.size:
        chunk = reader.pread(CHUNK, at)
        if not chunk:
            raise Damaged("the content is cut off")
        yield chunk
        at += len(chunk)
