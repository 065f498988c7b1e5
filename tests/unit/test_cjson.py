# SPDX-License-Identifier: MIT
"""Canonical JSON against the published tool's vectors and, where they agree, RFC 8785."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from pantavisor import cjson
from pantavisor.errors import FormatError, LimitError

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | TEXT
DOCUMENTS = st.recursive(
    SCALARS,
    lambda child: st.lists(child, max_size=4) | st.dictionaries(TEXT, child, max_size=4),
    max_leaves=12,
)


def test_the_published_spelling_of_every_corner() -> None:
    published = (VECTORS / "canonical" / "pvr_json_c.txt").read_bytes().rstrip(b"\n")
    assert cjson.dumps(cjson.loads(published)) == published
    wanted = cjson.load_object(published)["a.json"]
    given_document = cjson.loads((VECTORS / "canonical" / "in_a.json").read_bytes())
    assert cjson.dumps(given_document) == cjson.dumps(wanted)


@pytest.mark.parametrize("path", sorted((VECTORS / "states").iterdir()), ids=lambda path: path.name)
def test_published_states_are_canonical_already(path: Path) -> None:
    assert cjson.dumps(cjson.loads(path.read_bytes())) == path.read_bytes()


@settings(deadline=None)
@given(DOCUMENTS)
def test_what_is_written_reads_back_the_same(document: object) -> None:
    text = cjson.dumps(document)
    assert cjson.loads(text) == document
    assert cjson.dumps(cjson.loads(text)) == text
    assert json.loads(text) == document


PLAIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))


@settings(deadline=None)
@given(
    st.dictionaries(
        PLAIN, st.lists(st.integers(-(2**53) + 1, 2**53 - 1) | PLAIN | st.booleans() | st.none())
    )
)
def test_rfc8785_agrees_on_integers_and_plain_text(document: dict) -> None:
    assert cjson.dumps(document) == rfc8785.dumps(document)


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_numbers_keep_their_value_and_have_one_spelling(number: Decimal) -> None:
    text = cjson.dumps(number)
    assert Decimal(text.decode()) == number
    assert cjson.dumps(cjson.loads(text)) == text


@pytest.mark.parametrize(
    ("text", "spelling"),
    [("1e2", b"100"), ("1.0", b"1"), ("-0", b"0"), ("-0.0", b"0"), ("1.5", b"1.5E0"), ("0.1", b"1.0E-1"),
     ("123456.789", b"1.23456789E5"), ("2.0", b"2"), ("12345678901234567890", b"12345678901234567890")],
)  # fmt: skip
def test_numbers_are_spelled_as_published(text: str, spelling: bytes) -> None:
    assert cjson.dumps(cjson.loads(text)) == spelling


def test_members_are_sorted_by_code_point_not_by_utf16() -> None:
    assert cjson.dumps({"\U0001f600": 1, "\ue000": 2}) == '{"\ue000":2,"\U0001f600":1}'.encode()


def test_the_last_duplicate_member_wins() -> None:
    assert cjson.loads('{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize("text", [
    b"\xff", b"{", b"NaN", b"[Infinity]", b"", b"{} {}", b'"\x01"', b"1e99999999", b"9" * 2000,
    b"1e99999999999999999999", b"[-0e-99999999999999999999]", b'"\\', b'"\\\\\\"[',
])  # fmt: skip
def test_damaged_input_is_an_error_of_the_user(text: bytes) -> None:
    with pytest.raises(FormatError, match="input"):
        cjson.loads(text, what="input")


def test_depth_is_bounded_on_both_ways() -> None:
    deep = "[" * cjson.MAX_DEPTH + "]" * cjson.MAX_DEPTH
    assert cjson.dumps(cjson.loads(deep)) == deep.encode()
    with pytest.raises(LimitError):
        cjson.loads(f"[{deep}]")
    with pytest.raises(LimitError):
        cjson.loads("[" * 1_000_000)
    value: list = []
    for _ in range(cjson.MAX_DEPTH):
        value = [value]
    with pytest.raises(LimitError):
        cjson.dumps(value)


def test_size_is_bounded() -> None:
    assert cjson.loads(b"[1]", max_bytes=3) == [1]
    with pytest.raises(LimitError):
        cjson.loads(b"[1]", max_bytes=2)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}, {"a": object()}, b"bytes"])
def test_what_json_has_no_word_for_is_refused(value: object) -> None:
    with pytest.raises(FormatError):
        cjson.dumps(value)


def test_a_document_that_must_be_an_object_is_one() -> None:
    with pytest.raises(FormatError, match="not a JSON object"):
        cjson.load_object(b"[]")


def test_long_numbers_lose_nothing() -> None:
    for text in (
        "1.2345678901234567890123456789012345678901234567890123456789E-3",
        "9" * 300,
        "1." + "7" * 400 + "E5",
    ):
        assert cjson.dumps(cjson.loads(text)) == text.encode()
    with pytest.raises(FormatError):
        cjson.loads("1." + "7" * cjson.MAX_DIGITS)


def test_brackets_in_strings_are_not_counted() -> None:
    text = '{"[\\"[\\\\":["' + "[" * 100 + '\\\\",' + '"{{\\"{{"' + "]}"
    assert cjson.loads(text) == json.loads(text)


@pytest.mark.parametrize(
    "text", [b'"' + b'\\"' * 4_000_000, b'"' + b"x" * 8_000_000 + b'"', b'"' + b"\\n" * 4_000_000 + b'"']
)
def test_one_long_string_costs_little_time_and_memory(text: bytes) -> None:
    script = (
        "import sys; from pantavisor import cjson, errors\n"
        "try: cjson.loads(sys.stdin.buffer.read())\n"
        "except errors.FormatError: pass\n"
        # Not ru_maxrss, which also counts what the process was before it became this program.
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    environment = {"PYTHONPATH": str(Path(cjson.__file__).parents[1])}
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, input=text, capture_output=True, env=environment, timeout=600, check=True
    )
    assert int(done.stdout) < 200 * 1024  # KiB
