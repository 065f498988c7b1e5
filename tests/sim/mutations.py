# SPDX-License-Identifier: MIT
"""Every damage that a finished disk image can take, one after the other, and what a refusal of it must
name.

A case lists the words of which at least one must be in what the verifier says: the path, object or
partition that was damaged. Where only a signature shows it, because state and files were changed alike, it
is the signature's path.

Not damage, since nothing reads it: boot code in the protective MBR, unused clusters and blocks, times and
attributes of the boot files, and src.json where state and file agree, because the format leaves these notes
unsigned.
"""

from __future__ import annotations

import base64
import itertools
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pantavisor.digest import is_object_id

from .damage import SECTOR, SET, STATE, Bench

ENTRY = {
    "type": (0, 16),
    "guid": (16, 16),
    "start": (32, 8),
    "end": (40, 8),
    "flags": (48, 8),
    "name": (56, 72),
}


@dataclass(frozen=True)
class Case:
    """One damage: ``do`` makes it, one of ``names`` must be said."""

    what: str
    do: Callable[[], None]
    names: tuple[str, ...]


def _places(size: int, count: int) -> list[int]:
    """The first, the last and others of ``size`` positions, at most ``count``."""
    if size <= count:
        return list(range(size))
    return sorted({0, size - 1, *random.Random(size).sample(range(size), count - 2)})


def undetected(bench: Bench, cases: Iterator[Case], *, every: int = 1) -> tuple[int, list[str]]:
    """How many cases there were, and those that the verifier did not refuse by name. ``every``: the n-th
    only.
    """
    missed = []
    count = 0
    for case in itertools.islice(cases, 0, None, every):
        case.do()
        said = [str(finding) for finding in bench.findings()]
        if not any(name in line for name in case.names for line in said):
            missed.append(f"{case.what}: wanted {case.names}, found {said[:4]}")
        bench.restore()
        count += 1
    return count, missed


def objects(bench: Bench) -> Iterator[Case]:
    """One byte of every object differs: the first, the last, and one between."""
    for object_id in sorted(bench.state.object_ids()):
        path = f"objects/{object_id}"
        for at in _places(bench.storage.entries[path].size, 3):
            yield Case(f"{path} at {at}", partial(bench.flip, bench.place(path, at)), (path,))
        yield Case(f"{path} gone", partial(bench.unlink, path), (path,))
        renamed = "f" * 63 + ("0" if object_id[-1] != "0" else "1")
        yield Case(f"{path} renamed", partial(bench.rename, path, renamed), (path,))


def links(bench: Bench, scratch: Path) -> Iterator[Case]:
    """Every link of the revision is gone, is the link to something else, or is a copy."""
    ids = {
        path: entry.inode for path, entry in bench.storage.entries.items() if path.startswith("objects/")
    }
    names = {inode: path for path, inode in ids.items()}
    for path, entry in sorted(bench.storage.entries.items()):
        if path.startswith("trails/0/") and entry.inode in names:
            other = next(name for name in sorted(ids) if ids[name] != entry.inode)
            yield Case(f"{path} gone", partial(bench.unlink, path), (f"{path}: is missing",))
            yield Case(f"{path} other", partial(bench.relink, path, other), (f"{path}: is not the",))
            yield Case(f"{path} copy", partial(bench.part_from, path, scratch), (f"{path}: is not the",))


def files(bench: Bench, *, count: int = 25) -> Iterator[Case]:
    """Every file of the storage that is not an object: bytes of it, and its name."""
    for path, entry in sorted(bench.storage.entries.items()):
        if entry.kind != "file" or entry.links > 1 or not entry.size:
            continue
        names = ("revision 0", "trails/0/") if path == STATE else (path,)
        # All that the boot loader reads counts, up to the padding.
        start = 80 if path.startswith("boot/") else 0
        for at in (*range(min(start, entry.size)), *_places(entry.size, count)):
            yield Case(f"{path} at {at}", partial(bench.flip, bench.place(path, at)), names)
        if not path.startswith("boot/"):
            yield Case(f"{path} gone", partial(bench.unlink, path), ("trails: there is no", path))


def keys(bench: Bench) -> Iterator[Case]:
    """Every key of the state gone, renamed, or joined by another, in the state alone and in the revision's
    files too.
    """
    state = dict(bench.state)
    for path, value in state.items():
        less = {name: item for name, item in state.items() if name != path}
        where = _names(path)
        yield Case(f"{path} gone", partial(bench.put_state, less), where)
        if path != "#spec":
            renamed = path[:-5] + "x.json" if path.endswith(".json") else path + "x"
            more = {**less, renamed: value}
            yield Case(f"{path} renamed", partial(bench.put_state, more), (path,))
        if not path.endswith("/src.json") and path != "#spec":
            yield Case(f"{path} gone throughout", partial(bench.put_state, less, checked_out=True), where)
    added = {name.rpartition("/")[0] for name in state} | {"_config/web", "other", "web/sub", "bsp/sub"}
    new: tuple[tuple[str, Any], ...] = (
        ("new.json", {}),
        ("src.json", {}),
        ("new", "0" * 64),
        ("new", min(bench.state.object_ids())),
    )
    for folder in sorted(added):
        for name, value in new:
            path = f"{folder}/{name}".strip("/")
            if path not in state:
                yield Case(f"{path} added", partial(bench.put_state, {**state, path: value}), (path,))


def _names(path: str) -> tuple[str, ...]:
    top, _, rest = path.removeprefix("_config/").partition("/")
    if path == SET:
        return (path, "no set signature binds the parts together")
    if top == "_sigs":
        # Without its signature, all that a part holds is named.
        return (path, f"{rest.removesuffix('.json')}/run.json: no signature covers it")
    return (path, f"_sigs/{top if rest else 'bsp'}.json")


def values(bench: Bench) -> Iterator[Case]:
    """Every value of the state, and everything in the inline JSON, changed or gone."""
    state = dict(bench.state)
    ids = sorted(bench.state.object_ids())
    for path, value in state.items():
        for where, changed in _changes(value, ids):
            more = {**state, path: changed}
            label = f"{path}{where}"
            yield Case(label, partial(bench.put_state, more), (path,))
            if not path.endswith("/src.json") and path != "#spec" and not path.startswith("_sigs/"):
                yield Case(
                    f"{label} throughout", partial(bench.put_state, more, checked_out=True), _names(path)
                )


def _changes(value: Any, ids: list[str], at: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            less = {key: other for key, other in value.items() if key != name}
            yield f"{at}.{name} gone", less
            yield f"{at}.{name} renamed", {**less, f"{name}x": item}
            for where, changed in _changes(item, ids, f"{at}.{name}"):
                yield where, {**value, name: changed}
        yield f"{at} with more", {**value, "zz": 1}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield f"{at}[{index}] gone", value[:index] + value[index + 1 :]
            for where, changed in _changes(item, ids, f"{at}[{index}]"):
                yield where, [*value[:index], changed, *value[index + 1 :]]
        yield f"{at} with more", [*value, "zz"]
    elif isinstance(value, str) and is_object_id(value):
        yield f"{at} other digit", ("0" if value[0] != "0" else "1") + value[1:]
        for object_id in [object_id for object_id in ids if object_id != value][:1]:
            yield f"{at} other object", object_id
    elif isinstance(value, str):
        yield f"{at} longer", value + "x"
        if value:
            yield f"{at} empty", ""
    elif isinstance(value, bool) or value is None:
        yield f"{at} other", 7
    else:
        yield f"{at} one more", value + 1


def signatures(bench: Bench, *, count: int = 40) -> Iterator[Case]:
    """Characters of the header and of the signature, every member of the header, every certificate."""
    state = dict(bench.state)
    for path, value in state.items():
        if not path.startswith("_sigs/"):
            continue
        assert isinstance(value, dict)
        for member in ("protected", "signature"):
            for at in _places(len(value[member]), count):
                text = value[member]
                bent = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
                yield _signature(bench, f"{path} {member} at {at}", path, {**value, member: bent})
        header = json.loads(base64.urlsafe_b64decode(value["protected"] + "=="))
        for where, changed in _changes(header, []):
            text = json.dumps(changed, separators=(",", ":")).encode()
            protected = base64.urlsafe_b64encode(text).rstrip(b"=").decode()
            yield _signature(bench, f"{path} header{where}", path, {**value, "protected": protected})


def _signature(bench: Bench, what: str, path: str, value: Any) -> Case:
    state = {**bench.state, path: value}
    return Case(what, partial(bench.put_state, state, checked_out=True), (f"{path}: ",))


def partition_tables(bench: Bench, *, count: int = 30) -> Iterator[Case]:
    """Every byte of both headers, every field of every entry in both tables, the protective MBR."""
    for which, header, table in (
        ("primary", SECTOR, 2 * SECTOR),
        ("backup", bench.size - SECTOR, bench.size - 33 * SECTOR),
    ):
        for at in (*range(92), *(92 + at for at in _places(SECTOR - 92, count))):
            yield Case(
                f"{which} header at {at}", partial(bench.flip, header + at), (f"partition table, {which}",)
            )
        for partition in bench.partitions:
            for name, (offset, size) in ENTRY.items():
                for at in (offset, offset + size // 2, offset + size - 1):
                    place = table + 128 * (partition.index - 1) + at
                    wanted = (f"partition {partition.index} in the {which} table: {name}",)
                    yield Case(
                        f"{which} entry {partition.index} {name} at {at}",
                        partial(bench.flip, place),
                        wanted,
                    )
        for at in _places(128 * 126, count):
            place = table + 256 + at
            wanted = (f"partition {at // 128 + 3} in the {which} table",)
            yield Case(f"{which} table at {256 + at}", partial(bench.flip, place), wanted)
    for at in range(446, SECTOR):
        # By 2, because the last head of a disk is 254 to some tools and 255 to others.
        yield Case(f"MBR at {at}", partial(bench.flip, at, 2), ("protective MBR",))


def boot_files(bench: Bench, *, count: int = 40) -> Iterator[Case]:
    """Every file of the boot partition: bytes of it, its name, size and place; the tables of the file
    system.
    """
    boot, start = bench.boot, bench.boot_at
    size = boot._per_cluster * boot._sector
    for path, file in boot.files.items():
        for at in _places(file.size, count):
            place = start + boot._data * boot._sector + (file.clusters[at // size] - 2) * size + at % size
            yield Case(f"{path} at {at}", partial(bench.flip, place), (path,))
    for place, name in _boot_entries(bench):
        for field in (*range(11), 20, 21, 26, 27, 28, 29, 30, 31):
            # The entry's long name is gone with its short one, so the list of digests may be what is
            # missed.
            wanted = (name, "SHA256SUMS", "boot partition")
            yield Case(f"entry {name} at {field}", partial(bench.flip, place + field), wanted)
    used = max(cluster for file in boot.files.values() for cluster in file.clusters) + 1
    for copy in range(boot._fats):
        table = start + boot._reserved * boot._sector + copy * boot._fat_bytes
        for at in _places(4 * used, count):
            yield Case(f"FAT {copy} at {at}", partial(bench.flip, table + at), ("partition 1",))
    for sector in (0, 6):
        for at in _places(SECTOR, 2 * count):
            place = start + sector * SECTOR + at
            yield Case(
                f"boot sector {sector} at {at}",
                partial(bench.flip, place),
                ("partition 1", "boot partition"),
            )


def _boot_entries(bench: Bench) -> Iterator[tuple[int, str]]:
    """Where the entries of files and folders lie, and how their names begin."""
    boot = bench.boot
    for cluster, owner in sorted(boot._owners.items()):
        place = bench.boot_at + (boot._data + (cluster - 2) * boot._per_cluster) * boot._sector
        for at in range(place, place + SECTOR, 32) if owner not in boot.files else ():
            entry = bench.read(at, 32)
            if entry[0] not in b"\0\xe5." and not entry[11] & 0x08:
                yield at, entry[:6].decode().strip()


def super_block(bench: Bench, *, count: int = 120) -> Iterator[Case]:
    """Bytes of the superblock and of the group descriptors of the storage partition."""
    start = bench.storage_at
    for at in _places(1024, count):
        yield Case(f"superblock at {at}", partial(bench.flip, start + 1024 + at), ("partition 2",))
    for at in _places(len(bench.storage._tables) * bench.storage._step, count // 4):
        yield Case(f"groups at {at}", partial(bench.flip, start + 4096 + at), ("partition 2",))


def inodes(bench: Bench, *, count: int = 4) -> Iterator[Case]:
    """Every inode that has a name."""
    storage = bench.storage
    for number in sorted({entry.inode for entry in storage.entries.values()} | {2}):
        place = bench.inode_place(number)
        for at in _places(storage._inode_size, count):
            yield Case(f"inode {number} at {at}", partial(bench.flip, place + at), ("partition 2",))
