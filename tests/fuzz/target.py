# SPDX-License-Identifier: MIT
"""What the targets share. A target is a module of this folder with

    one_input(content)  reads one input; only what a check finds wrong may come out of it
    seeds()             honest inputs to start from, by name
    WORDS               perhaps words for libFuzzer's dictionary
    JSON                perhaps true, where inputs are one byte and then a JSON document

None of them needs atheris: tests/hostile/test_fuzz_corpus.py replays the kept inputs through them.
"""

from __future__ import annotations

import copy
import json
import random
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TARGETS = ("layers", "export", "cjson", "state", "ref", "audit", "signature", "openpgp", "squashfs",
           "disk_image", "oci_image", "rights", "tar_header", "packages", "advisories")  # fmt: skip
VECTORS = Path(__file__).resolve().parents[1] / "vectors"
OBJECT = "a" * 64
_SHARED_MEMORY = Path("/dev/shm")
_JUNK: list[Any] = [
    None, True, False, 0, -1, 10**30, 1.5, "", "x", "\n", "\0", "\ud800", OBJECT, "../..", "/", "dm:",
    "ovl:/a:boot", ":", [], {}, [None], [[]], [{}], {"": None}, {"a": {}}, ["a", 5], {"name": 5},
    {"name": "x"}, ["a", "a"],
]  # fmt: skip


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one input, in memory where that is possible: some readers want files."""
    place = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="fuzz.", dir=place) as name:
        yield Path(name)


def dictionary(words: Iterable[str]) -> str:
    """A libFuzzer dictionary."""
    quoted = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in sorted(set(words)))
    return "".join(f'"{word}"\n' for word in quoted if word)


def bend(content: bytes, seed: int) -> bytes:
    """An input with one value of its document replaced, removed or copied elsewhere; empty if it is not
    JSON.
    """
    try:
        document = json.loads(content[1:])
    except (ValueError, RecursionError):
        return b""
    chance = random.Random(seed)
    places = list(_places(document))
    parent, place = chance.choice(places) if places else (None, None)
    if parent is None:
        return content[:1] + json.dumps(chance.choice(_JUNK)).encode()
    way = chance.randrange(5)
    if way == 0:
        del parent[place]
    elif way == 1 and isinstance(parent, dict):
        names = [name for holder, name in places if isinstance(name, str)]
        parent[chance.choice(names)] = parent.pop(place)
    elif way == 2:
        holder, name = chance.choice(places)
        parent[place] = copy.deepcopy(holder[name])
    else:
        parent[place] = copy.deepcopy(chance.choice(_JUNK))
    return content[:1] + json.dumps(document).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    members: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for name, inner in list(members):
        yield value, name
        yield from _places(inner)
