"""The runtime's readers and the library's, held against each other: they must accept and refuse the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pantavisor.audit.signatures import as_pem
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
