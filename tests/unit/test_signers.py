# SPDX-License-Identifier: MIT
"""The table of signers: the device's table of cases, held against the library; and what it says of
signatures.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from pantavisor import keys, pvs
from pantavisor.errors import PantavisorError, SignatureError
from pantavisor.pvs import Identity, Selection, Signers
from pantavisor.state import State
from sim.judge import RUNTIME

CASES = (RUNTIME / "test/vectors/signers.txt").read_text().split("\n\n", 1)[1].splitlines()
TABLES = [line.partition("|")[::2] for line in CASES if line.startswith(("good|", "bad|"))]


def spelled(table: str) -> bytes:
    return table.replace("<A>", "a" * 64).replace("<B>", "b" * 64).encode()


def questions() -> list[tuple[str, str]]:
    found, table = [], ""
    for line in CASES:
        if line.startswith(("good|", "bad|")):
            table = line.partition("|")[2]
        else:
            found.append((table, line))
    return found


@pytest.mark.parametrize(("verdict", "table"), TABLES)
def test_the_library_takes_the_tables_that_devices_take(verdict: str, table: str) -> None:
    if verdict == "good":
        Signers.parse(spelled(table))
    else:
        with pytest.raises(PantavisorError):
            Signers.parse(spelled(table))


@pytest.mark.parametrize(("table", "question"), questions())
def test_the_library_gives_the_rights_that_devices_give(table: str, question: str) -> None:
    name, digests, path, verdict = question.split("|")
    who = Identity(name, frozenset(digit * 64 for digit in digests.split(",") if digit))
    assert Signers.parse(spelled(table)).may(who, path) is (verdict == "may")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("Board", "Web"):
        keys.generate(folder / name, common_name=name, algorithm="ES256", days=30)
    return folder


def signer(made: Path, name: str) -> keys.Signer:
    return keys.PemSigner.load(made / name / "key.pem", made / name / "x5c.pem")


def trust(made: Path) -> keys.TrustStore:
    return keys.TrustStore.parse(
        b"".join((made / name / "ca.crt").read_bytes() for name in ("Board", "Web"))
    )


def table(*entries: dict) -> Signers:
    return Signers.parse(json.dumps({"#spec": "pantavisor-signers@1", "signers": entries}).encode())


BOARD = {"name": "Board", "may": "all"}
WEB = {"name": "Web", "may": ["web/**", "_config/web/**"]}
OWN = pvs.container_selection("web")
STATE = State.empty().with_files(
    {"bsp/run.json": {}, "device.json": {}, "web/run.json": {}, "web/src.json": {}}
)


def signed(made: Path, web: Selection = OWN, by: str = "Web") -> State:
    state = keys.sign_state(STATE, "bsp", pvs.bsp_selection(), signer(made, "Board"))
    return keys.sign_state(state, "web", web, signer(made, by))


def test_each_signer_signs_what_is_theirs(made: Path) -> None:
    keys.verify_state(signed(made), trust(made), strict=True, signers=table(BOARD, WEB))
    keys.verify_state(signed(made, by="Board"), trust(made), strict=True, signers=table(BOARD, WEB))


@pytest.mark.parametrize(
    "web",
    [
        Selection(("web/**", "bsp/run.json")),
        Selection(("web/**", "device.json")),
        Selection(("web/**", "#spec")),
        Selection(("web/**",), ("device.json",)),
        Selection(("web/**", "_sigs/bsp.json")),
    ],
)
def test_no_signer_means_what_is_not_theirs(made: Path, web: Selection) -> None:
    state = signed(made, web)
    keys.verify_state(state, trust(made), strict=False)
    with pytest.raises(SignatureError, match='its signer "Web" may not sign'):
        keys.verify_state(state, trust(made), strict=False, signers=table(BOARD, WEB))


def test_who_is_not_in_the_table_signs_nothing(made: Path) -> None:
    with pytest.raises(SignatureError, match='its signer "Web" may not sign web/run.json'):
        keys.verify_state(signed(made), trust(made), strict=True, signers=table(BOARD))


def test_an_entry_may_ask_for_a_certificate_of_the_path(made: Path) -> None:
    chain = signer(made, "Web").x5c
    root = trust(made).roots[1].der
    for der in (chain[0], root):
        entry = {**WEB, "sha256": hashlib.sha256(der).hexdigest()}
        keys.verify_state(signed(made), trust(made), strict=True, signers=table(BOARD, entry))
    other = {**WEB, "sha256": hashlib.sha256(trust(made).roots[0].der).hexdigest()}
    with pytest.raises(SignatureError, match="may not sign"):
        keys.verify_state(signed(made), trust(made), strict=True, signers=table(BOARD, other))
