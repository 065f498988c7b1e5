# SPDX-License-Identifier: MIT
"""Documents bent at random: each is read as it is or refused with a sentence; none ends with a traceback.

The seeds are fixed, so a failure comes again.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fuzz.state import BSP, DEVICE
from pantavisor import cjson, export, jobs, keys, lxc, manifests, pvs
from pantavisor.errors import PantavisorError
from pantavisor.objects import ObjectPool
from pantavisor.repo import Repository
from pantavisor.state import State

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
ROUNDS = 500
MAX_MESSAGE_CHARS = 2000  # a sentence, whatever was in the file
OBJECT = "a" * 64
JUNK: list[Any] = [
    None, True, False, 0, -1, 10**30, 1.5, "", "x", "\n", "\0", "\ud800", "a" * 70_000, OBJECT, "../..",
    "/", "dm:", "ovl:/a:boot", ":", [], {}, [None], [[]], [{}], {"": None}, {"a": {}}, ["a", 5],
    {"name": 5}, {"name": "x"},
]  # fmt: skip
RUN = {
    "name": "web", "root-volume": "dm:root.squashfs", "volumes": ["more"], "config": "lxc.container.conf",
    "type": "lxc", "group": "app", "storage": {"logs": {"persistence": "boot", "disk": "data"}},
    "network": {"pool": "lan"},
}  # fmt: skip
WHOLE = {
    "#spec": "pantavisor-service-system@1", "device.json": DEVICE,
    "bsp/run.json": {"linux": "k", "initrd": "i", "addons": []}, "bsp/k": OBJECT, "bsp/i": OBJECT,
    "web/run.json": RUN, "web/root.squashfs": OBJECT, "web/more": OBJECT, "web/lxc.container.conf": OBJECT,
    "web/_dm/root.squashfs.json": {},
}  # fmt: skip
SIGNED = json.loads((VECTORS / "states/signed_part_demo_ec256.json").read_text())
SOURCES = [json.loads(path.read_text()) for path in sorted((VECTORS / "templates").glob("*/src.json"))]
STORED = {"docker_config": {"Volumes": {"/a": {}}}, "persistence": {"/a": "boot", "/b": "permanent@data"}}
SIGNING = {"key": "k", "x5c": "x"}
JOB = {
    "name": "web", "layout": "l", "reference": "r", "platform": "linux/arm64", "arguments": {"a": 1},
    "volumes": ["a"], "profile": "fast", "signing": SIGNING, "work": "w", "output": "o", "image_config": {},
    "verity": True, "logs": [{"file": "/l"}], "exports": [],
}  # fmt: skip
ROOT = {
    "exports": ["a"],
    "board": {"boot": [{"files": {"a": "b"}, "name": "c"}], "blobs": [{"path": "p", "offset": 5}]},
    "trust": "t",
    "epoch": 5,
    "work": "w",
    "output": "o",
    "size": 5,
}


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    members: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for name, inner in members:
        yield from places(inner, (*place, name))


def bend(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A copy with one or two places replaced by junk, removed, or renamed."""
    bent = copy.deepcopy(document)
    for _ in range(chance.randint(1, 2)):
        place = chance.choice(list(places(bent))[1:] or [("x",)])
        holder = bent
        for name in place[:-1]:
            holder = holder[name]
        act = chance.random()
        if act < 0.7 or place == ("x",):
            holder[place[-1]] = copy.deepcopy(chance.choice(JUNK))
        elif act < 0.85 or not isinstance(holder, dict):
            del holder[place[-1]]
        else:
            holder[chance.choice(["x", "name", "", "a/b"])] = holder.pop(place[-1])
    return bent


def read_device(document: dict[str, Any]) -> None:
    device = manifests.DeviceSpec.parse(document)
    assert device.group_names
    assert isinstance(device.disk_names | device.pool_names, frozenset)


def read_bsp(document: dict[str, Any]) -> None:
    for path in manifests.BspSpec.parse(document).files:
        assert path.startswith("bsp/") and ".." not in path.split("/")


def read_source(document: dict[str, Any]) -> None:
    source = manifests.SourceManifest.parse(document)
    spec = manifests.ContainerSpec.from_source("web", source)
    assert json.loads(cjson.dumps(manifests.run_manifest(spec)))["name"] == "web"
    assert manifests.SourceManifest.parse(source.document("web")).document("web") == source.document("web")
    assert b"\0" not in lxc.render(spec).encode()


def read_state(document: dict[str, Any]) -> None:
    state = State.parse(cjson.dumps(document))
    assert State.parse(state.dumps()) == state
    pvs.coverage(state, pvs.signatures(state))
    for name in state.part_names():
        assert pvs.part_paths(state, name) <= set(state)
    assert set(state) >= set(pvs.merge(state, state))


def check_state(document: dict[str, Any]) -> None:
    manifests.check_state(State.parse(cjson.dumps(document)))


def verify_state(document: dict[str, Any]) -> None:
    trust = keys.TrustStore.load(VECTORS / "keys/ca.ec256.crt")
    state = State.parse(cjson.dumps(document))
    protected = keys.verify_state(state, trust, strict=False).protected
    # What still verifies is what was signed.
    assert all(cjson.dumps(state[path]) == cjson.dumps(SIGNED[path]) for path in protected)


@pytest.mark.parametrize(
    "read, documents",
    [
        (read_device, [DEVICE]),
        (read_bsp, [BSP]),
        (read_source, SOURCES),
        (read_source, [STORED]),
        (read_state, [SIGNED, WHOLE]),
        (check_state, [WHOLE]),
        (verify_state, [SIGNED]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_bent_documents_are_read_or_refused(
    read: Callable[[dict[str, Any]], None], documents: list[dict[str, Any]]
) -> None:
    chance = random.Random(read.__name__)
    for document in documents:
        read(document)
    refused = 0
    for _ in range(ROUNDS):
        try:
            read(bend(chance.choice(documents), chance))
        except PantavisorError as error:
            refused += 1
            words = len(error.message)
            assert 0 < words < MAX_MESSAGE_CHARS, error.message[:200]
    assert refused > ROUNDS / 10


@pytest.mark.parametrize("kind, document", [(jobs.ExportContainer, JOB), (jobs.BuildRoot, ROOT)])
def test_bent_jobs_are_read_or_refused(kind: type, document: dict[str, Any], tmp_path: Path) -> None:
    chance = random.Random(1)
    path = tmp_path / "job.json"
    for _ in range(ROUNDS):
        path.write_bytes(cjson.dumps(bend(document, chance)))
        try:
            assert isinstance(jobs.load(path, kind), kind)
        except PantavisorError as error:
            assert "job.json" in error.message


@pytest.mark.parametrize("suffix", ["tar", "tgz"])
def test_a_bent_export_gives_the_objects_that_it_names_or_leaves_nothing(
    suffix: str, tmp_path: Path
) -> None:
    chance = random.Random(suffix)
    pool = ObjectPool(tmp_path / "pool")
    big, small = pool.put_bytes(b"x" * 700), pool.put_bytes(b"y")
    state = State.empty().with_files({"a/run.json": {"name": "a"}, "a/x": big, "b": small})
    export.write(tmp_path / f"good.{suffix}", state, pool)
    good = (tmp_path / f"good.{suffix}").read_bytes()
    refused = 0
    for index in range(200):
        (tmp_path / "bent").write_bytes(_bend_bytes(good, chance))
        found = ObjectPool(tmp_path / str(index))
        try:
            for object_id in export.read(tmp_path / "bent", found).object_ids():
                found.verify(object_id)
        except PantavisorError:
            refused += 1
            assert [path for path in found.root.rglob("*") if not path.is_dir()] == []
    assert refused > 50


def _bend_bytes(good: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(good))
    act = chance.randrange(4)
    if act == 0:
        return good[:at] + bytes([good[at] ^ 1 << chance.randrange(8)]) + good[at + 1 :]
    if act == 1:
        return good[:at]
    if act == 2:
        return good[:at] + chance.randbytes(chance.randrange(600)) + good[at + chance.randrange(600) :]
    block, other = at // 512 * 512, chance.randrange(len(good)) // 512 * 512
    return good[:block] + good[other : other + 512] + good[block:]


@pytest.mark.parametrize("name", ["config", "new", "gone", "json"])
@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"../x":{}}', b'{"/etc/x":1}', b'{"a":null}',
     b'{"ObjectsDir":5}', b'{"a":{"ForceObject":[]}}', b'{"ObjectsDir":"\\u0000"}',
     b'{"ObjectsDir":"\\ud800"}', b'{"web/x":"5"}', b"[" * 9999],
)  # fmt: skip
def test_a_bent_repository_is_worked_with_or_refused(name: str, text: bytes, tmp_path: Path) -> None:
    made = Repository.init(tmp_path / "repo")
    (made.root / "a").write_bytes(b"a")
    (tmp_path / "x").write_bytes(b"outside")
    (made.root / ".pvr" / name).write_bytes(text)
    for act in (Repository.status, Repository.add, Repository.commit, Repository.checkout):
        try:
            act(Repository(made.root))
        except PantavisorError:
            pass
    assert (tmp_path / "x").read_bytes() == b"outside" and (made.root / "a").read_bytes() == b"a"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["repo", "x"]
