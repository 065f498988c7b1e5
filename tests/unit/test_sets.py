# SPDX-License-Identifier: MIT
"""The set signature binds the parts of a release together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pantavisor import keys, pvs
from pantavisor.errors import FormatError, SignatureError
from pantavisor.state import State

PARTS = {
    "bsp/run.json": {"v": 1},
    "device.json": {},
    "firewall/run.json": {"v": 1},
    "web/run.json": {"v": 1},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    keys.generate(folder / "keys", common_name="Board", algorithm="ES256", days=30)
    return folder / "keys"


def signer(made: Path) -> keys.Signer:
    return keys.PemSigner.load(made / "key.pem", made / "x5c.pem")


def parts(made: Path, **changes: dict) -> State:
    state = State.empty().with_files(
        {**PARTS, **{f"{name}/run.json": value for name, value in changes.items()}}
    )
    for name in state.part_names():
        selection = pvs.bsp_selection() if name == "bsp" else pvs.container_selection(name)
        state = keys.sign_state(state, name, selection, signer(made))
    return state


def check(state: State, made: Path, *, needs_set: bool = True) -> None:
    keys.verify_state(state, keys.TrustStore.load(made / "ca.crt"), strict=True, needs_set=needs_set)


def header(state: State) -> dict:
    found = json.loads(pvs.decode(state["_sigs/_set.json"]["protected"], "header"))
    assert isinstance(found, dict)
    return found


def test_a_set_is_an_ordinary_signature_with_a_number(made: Path) -> None:
    state = keys.sign_set(parts(made), signer(made), 7)
    assert header(state)["pvs"] == {"exclude": ["_sigs/_set.json"], "include": ["_sigs/**"], "release": 7}
    assert set(state["_sigs/_set.json"]) == {"#spec", "protected", "signature"}
    check(state, made)
    assert pvs.require_set(state, pvs.signatures(state)).release == 7
    # The same parts and number are the same bytes.
    assert keys.sign_set(parts(made), signer(made), 7) == state


def test_without_its_firewall_a_release_is_not_one(made: Path) -> None:
    whole = keys.sign_set(parts(made), signer(made), 7)
    stripped = whole.without(["firewall/run.json", "_sigs/firewall.json"])
    with pytest.raises(SignatureError, match="_sigs/_set.json"):
        check(stripped, made)
    # Who takes the set's signature too, takes what is asked for.
    bare = stripped.without(["_sigs/_set.json"])
    check(bare, made, needs_set=False)
    with pytest.raises(SignatureError, match="no set signature"):
        check(bare, made)


def test_a_part_of_the_release_before_does_not_fit(made: Path) -> None:
    old = keys.sign_set(parts(made, web={"v": 0}), signer(made), 6)
    new = keys.sign_set(parts(made), signer(made), 7)
    mixed = new.with_files({path: old[path] for path in ("web/run.json", "_sigs/web.json")})
    check(mixed.without(["_sigs/_set.json"]), made, needs_set=False)
    with pytest.raises(SignatureError, match="_sigs/_set.json"):
        check(mixed, made)


def test_an_older_release_as_a_whole_is_as_good(made: Path) -> None:
    for release in (6, 7):
        check(keys.sign_set(parts(made, web={"v": release}), signer(made), release), made)


def test_a_part_more_does_not_fit_either(made: Path) -> None:
    whole = keys.sign_set(parts(made), signer(made), 7)
    more = keys.sign_state(
        whole.with_files({"db/run.json": {}}), "db", pvs.container_selection("db"), signer(made)
    )
    with pytest.raises(SignatureError, match="_sigs/_set.json"):
        check(more, made)
    elsewhere = whole.with_files({"web/sig.json": dict(whole["_sigs/web.json"])})
    with pytest.raises(SignatureError):
        check(elsewhere, made)


def test_a_set_that_leaves_out_a_signature_is_not_one(made: Path) -> None:
    state = parts(made)
    selection = pvs.Selection(("_sigs/bsp.json", "_sigs/web.json"), ("_sigs/_set.json",))
    protected = pvs.protected_header(selection, algorithm="ES256", x5c=signer(made).x5c, release=7)
    made_of = signer(made).sign(pvs.signing_input(state, selection, protected))
    state = state.with_files({"_sigs/_set.json": pvs.signature_json(protected, made_of)})
    with pytest.raises(SignatureError, match="leaves out _sigs/firewall.json"):
        check(state, made, needs_set=False)


def test_signing_again_keeps_the_number_and_comes_last(made: Path) -> None:
    state = keys.sign_set(parts(made), signer(made), 7)
    changed = state.with_files({"web/run.json": {"v": 2}})
    again = keys.resign(changed, signer(made))
    assert header(again)["pvs"]["release"] == 7
    check(again, made)


def test_releases_rise(made: Path) -> None:
    state = parts(made)
    assert pvs.next_release(state) == 1 and pvs.next_release(state, 5) == 5
    state = keys.sign_set(state, signer(made), 5)
    assert pvs.next_release(state) == 6 and pvs.next_release(state, 5) == 5
    for release in (4, 0, -1, 2**31):
        with pytest.raises(FormatError):
            pvs.next_release(state, release)


@pytest.mark.parametrize(
    "release", ["0", "-1", "1.0", "1e0", '"1"', "null", "true", "2147483648", '1,"a":"release"']
)
def test_only_a_plain_number_is_a_release(release: str) -> None:
    text = '{"alg":"ES256","pvs":{"include":["a"],"exclude":[],"release":RELEASE},"typ":"PVS"}'.replace(
        "RELEASE", release
    )
    with pytest.raises(FormatError, match="release"):
        pvs.Signature.parse("_sigs/_set.json", pvs.signature_json(pvs.encode(text.encode()), b"x"))


def test_what_is_excluded_counts_only_where_no_device_reads_it(made: Path) -> None:
    state = State.empty().with_files(
        {"bsp/run.json": {}, "web/run.json": {}, "web/src.json": {}, "web/more.json": {}}
    )
    state = keys.sign_state(state, "bsp", pvs.bsp_selection(), signer(made))
    good = keys.sign_state(state, "web", pvs.Selection(("web/**",), ("web/src.json",)), signer(made))
    check(good, made, needs_set=False)
    bad = keys.sign_state(
        state, "web", pvs.Selection(("web/**",), ("web/src.json", "web/more.json")), signer(made)
    )
    with pytest.raises(SignatureError, match="not fully covered by signatures: web/more.json"):
        check(bad, made, needs_set=False)
