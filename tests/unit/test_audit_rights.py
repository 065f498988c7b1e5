# SPDX-License-Identifier: MIT
"""``pvr verify`` on what containers may do, who signed what, and the set of signatures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pantavisor import audit, keys, lxc, manifests, pvs, trail
from pantavisor.pvs import Signers
from pantavisor.state import State
from sim import device as sim


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> sim.Device:
    return sim.make(tmp_path_factory.mktemp("rights") / "device")


def table(*entries: dict) -> Signers:
    return Signers.parse(json.dumps({"#spec": "pantavisor-signers@1", "signers": entries}).encode())


def confined_web(whole: sim.Device, **arguments: object) -> dict:
    source = manifests.SourceManifest(arguments={"PV_SECURITY_PROFILE": "confined", **arguments})
    conf = whole.pool.put_bytes(lxc.render(manifests.ContainerSpec.from_source("web", source)).encode())
    run = dict(whole.state["web/run.json"])  # type: ignore[arg-type]
    return {"web/lxc.container.conf": conf, "web/run.json": {**run, "profile": "confined"}}


def tree(whole: sim.Device, state: State, tmp_path: Path) -> Path:
    target = tmp_path / "storage"
    trail.write(target, state, whole.pool, "0")
    return target


def verify(whole: sim.Device, state: State, tmp_path: Path, **demands: object) -> audit.Report:
    return audit.verify(
        tree(whole, state, tmp_path),
        trust=whole.trust,
        **demands,  # type: ignore[arg-type]
    )


def test_who_is_not_confined_is_reported_and_is_not_a_problem(whole: sim.Device) -> None:
    report = audit.verify(whole.storage, trust=whole.trust, strict=True)
    assert report.good
    notes = {note.where: note.sentence for note in report.notes}
    said = notes["revision 0, web/lxc.container.conf"]
    assert said.startswith("is not confined: ") and "all capabilities" in said
    assert report.as_json()["notes"][0]["code"] == "confined"


def test_confined_asks_for_it(whole: sim.Device) -> None:
    report = audit.verify(whole.storage, trust=whole.trust, confined=True)
    assert {finding.code for finding in report.findings} == {"confined"}


def test_a_confined_container_is_not_reported(whole: sim.Device, tmp_path: Path) -> None:
    state = sim.sign(whole, whole.state.with_files(confined_web(whole)))
    report = verify(whole, state, tmp_path)
    assert "revision 0, web/lxc.container.conf" not in {note.where for note in report.notes}


def test_who_may_not_sign_the_bsp_signs_only_what_is_confined(whole: sim.Device, tmp_path: Path) -> None:
    keys.generate(tmp_path / "web", common_name="Web", algorithm="ES256", days=30)
    web = keys.PemSigner.load(tmp_path / "web/key.pem", tmp_path / "web/x5c.pem")
    trust = whole.trust + (tmp_path / "web/ca.crt").read_bytes()
    signers = table({"name": "Test", "may": "all"}, {"name": "Web", "may": ["web/**", "_config/web/**"]})

    def report(files: dict, name: str) -> audit.Report:
        state = keys.sign_state(whole.state.with_files(files), "web", pvs.container_selection("web"), web)
        return audit.verify(tree(whole, state, tmp_path / name), trust=trust, strict=True, signers=signers)

    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir(), (tmp_path / "c").mkdir(), (tmp_path / "d").mkdir()
    reaching = report({}, "a").findings
    assert [(finding.code, finding.where) for finding in reaching] == [
        ("signer", "revision 0, web/lxc.container.conf")
    ]
    assert "reaches the device: " in reaching[0].sentence
    # The container's own volume is there, and what the bind of it reaches is its own.
    confined = {finding.code for finding in report(confined_web(whole), "b").findings}
    assert "signer" not in confined
    hook = confined_web(whole, PV_LXC_EXTRA_CONF="lxc.hook.start = /bin/sh")
    assert "signer" in {finding.code for finding in report(hook, "c").findings}
    manager = confined_web(whole)
    manager["web/run.json"]["roles"] = ["mgmt"]
    (found,) = (finding for finding in report(manager, "d").findings if finding.code == "signer")
    assert "reaches the device: the role mgmt" in found.sentence


def test_a_signer_who_is_not_in_the_table_is_refused(whole: sim.Device) -> None:
    report = audit.verify(whole.storage, trust=whole.trust, signers=table({"name": "Other", "may": "all"}))
    assert any('its signer "Test" may not sign' in finding.sentence for finding in report.findings)


def test_the_set_is_asked_for_and_reported(whole: sim.Device, tmp_path: Path) -> None:
    report = audit.verify(whole.storage, trust=whole.trust, needs_set=True)
    assert [finding.code for finding in report.findings] == ["signature-set"]
    bound = keys.sign_set(whole.state, whole.signer(), 3)
    report = verify(whole, bound, tmp_path, strict=True, needs_set=True)
    assert report.good, report.findings
    assert any(note.code == "set" and "release 3" in note.sentence for note in report.notes)


def test_a_stripped_part_is_seen_by_the_set(whole: sim.Device, tmp_path: Path) -> None:
    bound = keys.sign_set(whole.state, whole.signer(), 3)
    stripped = bound.without(pvs.part_paths(bound, "web"))
    report = verify(whole, stripped, tmp_path, needs_set=True)
    assert any(finding.where.endswith("_sigs/_set.json") for finding in report.findings)
