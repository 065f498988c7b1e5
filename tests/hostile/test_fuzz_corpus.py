# SPDX-License-Identifier: MIT
"""The inputs that fuzzing kept, read again: each a value or a sentence as it was then, no traceback."""

from __future__ import annotations

import importlib
import time
from pathlib import Path

import pytest
from fuzz import target

CORPUS = Path(target.__file__).parent / "corpus"
CPU_LIMIT = 10  # seconds of the processor for one input, as when it was found
MAX_CORPUS_BYTES = 320 * 1024


@pytest.mark.parametrize("name", target.TARGETS)
def test_kept_inputs_are_read_or_refused(name: str) -> None:
    module = importlib.import_module(f"fuzz.{name}")
    inputs = [*module.seeds().values(), *(path.read_bytes() for path in sorted((CORPUS / name).iterdir()))]
    assert len(inputs) > len(module.seeds())
    for content in inputs:
        before = time.process_time()
        module.one_input(content)
        assert time.process_time() - before < CPU_LIMIT, content[:200]


@pytest.mark.parametrize("name", target.TARGETS)
def test_a_corpus_stays_small(name: str) -> None:
    assert sum(path.stat().st_size for path in (CORPUS / name).iterdir()) < MAX_CORPUS_BYTES


def test_a_document_stays_json_when_it_is_bent() -> None:
    module = importlib.import_module("fuzz.state")
    for seed, content in enumerate(module.seeds().values()):
        assert target.bend(target.bend(content, seed), seed)
    assert target.bend(b"\0[]", 1) and not target.bend(b"\0{", 1)


def test_words_are_spelled_for_a_dictionary() -> None:
    assert target.dictionary(["b", 'a"', ""]) == '"\\x61\\x22"\n"\\x62"\n'
