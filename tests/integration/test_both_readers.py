# SPDX-License-Identifier: MIT
"""The runtime's readers and the library's, held against each other: they accept and refuse the same."""

from __future__ import annotations

from collections.abc import Iterator

import differential
import pytest
from pantavisor import cjson, state
from pantavisor.errors import LimitError
from pantavisor.keys import as_pem
from sim import certificates
from sim.judge import Judge, build


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(build()) as running:
        yield running


@pytest.mark.parametrize("case", certificates.table(), ids=str)
def test_certificates_are_judged_alike(case: certificates.Case, judge: Judge) -> None:
    answer = judge.chain(b"\n".join(map(as_pem, case.roots)), case.algorithm, case.chain)
    assert answer.yes == (case.good,), answer.why


LEVELS = cjson.MAX_DEPTH - 1  # below the object that is the state
BOUNDED = {
    "depth": (lambda more: "[" * (LEVELS + more) + "]" * (LEVELS + more)),
    "values": (lambda more: "[" + "0," * (state.MAX_VALUES - 4 + more) + "0]"),
}


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("kind", BOUNDED)
def test_bounds_of_a_state_are_the_same(kind: str, more: int, judge: Judge) -> None:
    text = f'{{"#spec":"{state.SPEC}","a.json":{BOUNDED[kind](more)}}}'.encode()
    try:
        host = bool(state.State.parse(text))
    except LimitError:
        host = False
    answer = judge.state(as_pem(certificates.ROOT.der()), text)
    assert (answer.yes[0], host) == (not more, not more), answer.why


@pytest.mark.parametrize(("kind", "count"), [("patterns", 10_000), ("certificates", 1500), ("states", 500)])
def test_mutations_are_judged_alike(kind: str, count: int) -> None:
    """Some seconds; python3 tests/differential.py has more."""
    counts = differential.Counts()
    assert [str(found) for found in differential.differences(kind, 1, count, counts)] == []
    # A mutator that only breaks, or only spares, would find nothing.
    assert min(counts["accepted"], counts["refused"]) > count // 20, counts
