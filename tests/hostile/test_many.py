# SPDX-License-Identifier: MIT
"""Documents of many small things: time grows with their size, not with its square.

Each of these took ten seconds to hours, so a bound of seconds distinguishes them on any machine.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pantavisor import names, pvs
from pantavisor.audit import containers, manifests, signatures
from pantavisor.audit.content import Facts
from pantavisor.audit.context import Context
from pantavisor.audit.demands import Demands
from pantavisor.errors import FormatError, LimitError
from pantavisor.manifests import ContainerSpec, DeviceSpec, SourceManifest
from pantavisor.readers import Findings
from pantavisor.state import State

MANY = 100_000
# What a state of at most 131,072 JSON values has room for, in five values each.
MANY_OF_STATE = 25_000
SECONDS = 5
OBJECT = "a" * 64
GROUPS = [{"name": "app"}]


@contextmanager
def soon() -> Iterator[None]:
    before = time.process_time()
    yield
    assert time.process_time() - before < SECONDS


def test_disks_with_many_aliases_are_checked() -> None:
    disk = {"name": "a", "type": "dual", "aliases": [str(number) for number in range(MANY)]}
    with soon():
        assert len(DeviceSpec.parse({"groups": GROUPS, "disks": [disk]}).disk_names) == MANY + 1
    with soon(), pytest.raises(FormatError, match='called "5"'):
        DeviceSpec.parse({"groups": GROUPS, "disks": [{**disk, "name": "5"}]})


def test_too_many_volumes_are_refused() -> None:
    source = SourceManifest.parse(
        {"docker_config": {"Volumes": {f"/{number}": {} for number in range(MANY)}}}
    )
    with soon(), pytest.raises(FormatError, match="at most 64 volumes"):
        ContainerSpec.from_source("web", source)


def test_hint_looks_through_few_of_many_words() -> None:
    with soon():
        error = names.unknown("x" * 30, ["x" * 25 + str(number) for number in range(MANY)], what="word")
    assert len(str(error)) < 10_000
    assert 'use "word"' in str(names.unknown("wort", ["word"], what="word"))


def test_signatures_are_bounded() -> None:
    signature = {"#spec": pvs.SPEC, "protected": "x", "signature": "x"}
    state = State.empty().with_files(
        {f"_sigs/{number}.json": signature for number in range(pvs.MAX_SIGNATURES + 1)}
    )
    with pytest.raises(LimitError, match=f"more than the {pvs.MAX_SIGNATURES}"):
        pvs.signatures(state)


def audited(files: dict[str, Any], config: bytes = b"") -> list[str]:
    state = State.empty().with_files(files)
    findings = Findings()
    context = Context(state, {OBJECT: Facts(len(config), OBJECT, config)}, findings, Counter(), "", True)
    manifests.check(context)
    containers.check(context)
    signatures.check(context, Demands())
    return [finding.sentence for finding in findings]


def test_verifier_holds_many_volumes_against_many_disks() -> None:
    storage = {str(number): {"persistence": "boot", "disk": "x"} for number in range(MANY_OF_STATE)}
    device = {"groups": GROUPS, "disks": [{"name": str(number)} for number in range(MANY_OF_STATE)]}
    with soon():
        found = audited({"device.json": device, "web/run.json": {"storage": storage}})
    assert any("names the disk x" in sentence for sentence in found)


def test_verifier_holds_many_containers_against_many_names() -> None:
    many = [str(number) for number in range(MANY_OF_STATE)]
    device = {"groups": [{"name": name} for name in many], "network": {"pools": dict.fromkeys(many, {})}}
    run = {"group": "1", "network": {"pool": "1"}, "drivers": {"required": ["1"]}, "root-volume": "x"}
    files: dict[str, Any] = {f"c{number}/run.json": run for number in range(1000)}
    with soon():
        audited({**files, "device.json": device, "bsp/drivers.json": {"all": dict.fromkeys(many, [])}})


def test_verifier_holds_many_mounts_against_many_volumes() -> None:
    run = {"config": "lxc", "volumes": [str(number) for number in range(MANY)]}
    config = b"lxc.mount.entry = /volumes/web/none x x x\n" * 5000
    with soon():
        found = audited({"web/run.json": run, "web/lxc": OBJECT}, config)
    assert len(found) == 1001 and "more" in found[-1]


def test_verifier_stops_at_too_many_signatures() -> None:
    protected = pvs.protected_header(pvs.container_selection("web"), algorithm="ES256", x5c=[])
    signature = pvs.signature_json(protected, bytes(64))
    files: dict[str, Any] = {f"_sigs/{number:03}.json": signature for number in range(pvs.MAX_SIGNATURES)}
    assert not any("one of more than" in found for found in audited(files))
    assert any("one of more than" in found for found in audited({**files, "_sigs/z.json": signature}))
