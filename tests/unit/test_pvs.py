# SPDX-License-Identifier: MIT
"""Patterns, what is signed, coverage, and parts as signatures define them."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pantavisor import pvs
from pantavisor.errors import FormatError, LimitError, NotFound, SignatureError
from pantavisor.pvs import Selection, Signature
from pantavisor.state import State

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
OBJECT, OTHER = "a" * 64, "b" * 64
SIGNED = VECTORS / "states" / "signed_part_demo_ec256.json"


def signature(selection: Selection) -> dict:
    return pvs.signature_json(pvs.protected_header(selection, algorithm="RS256", x5c=[b"der"]), b"sig")


def measured() -> "list[tuple[str, str, bool, bool]]":
    """Pattern, path, whether the published tool matches, whether the runtime does."""
    rows = [
        line.split() for line in (VECTORS / "globs" / "doublestar_vs_fnmatch.txt").read_text().splitlines()
    ]
    # No path of a state ends in a slash.
    return [
        (row[0], row[1], row[2] == "true", row[-1] == "true") for row in rows if not row[1].endswith("/")
    ]


@pytest.mark.parametrize(("pattern", "path", "tool", "runtime"), measured())
def test_accepted_patterns_mean_what_tool_and_runtime_both_read(
    pattern: str, path: str, tool: bool, runtime: bool
) -> None:
    try:
        selection = Selection((pattern,))
    except FormatError:
        return  # refused to sign by: nothing to disagree on
    if tool == runtime:
        assert pvs.matches(pattern, path) == tool
    else:
        with pytest.raises(FormatError, match="disagree"):
            selection.check_readings(path)


@pytest.mark.parametrize("pattern", [
    "**", "a/**/c", "**/src.json", "{a,b}", "[ab]", "a/**.json", "*/**", "a?/**", "", "/**", "pvs", "typ",
    "include", "a\\b", "a\nb", "a" * 2000,
])  # fmt: skip
def test_patterns_that_readers_take_apart_differently_are_refused(pattern: str) -> None:
    with pytest.raises(FormatError):
        pvs.check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["#spec", "a/**", "a/*", "*", "a?c", "a/*.json", "_sigs/a.json", "__pvrsigbug__"]
)
def test_safe_patterns_pass(pattern: str) -> None:
    assert pvs.check_pattern(pattern) == pattern


SEGMENTS = st.text("ab.*?", min_size=1, max_size=6).filter(lambda text: "**" not in text)


@settings(deadline=None)
@given(SEGMENTS, st.text("ab.", min_size=1, max_size=8))
def test_a_segment_matches_as_fnmatch_does(pattern: str, name: str) -> None:
    import fnmatch

    assert pvs.matches(pattern, name) == fnmatch.fnmatchcase(name, pattern)


def test_many_stars_stay_quick() -> None:
    assert not pvs.matches("*a" * 100, "a" * 250 + "b")
    assert not pvs.matches("*?a" * 80, "a" * 250 + "b")


@pytest.mark.hostile
def test_work_that_patterns_may_ask_for_is_bounded() -> None:
    folders = "/".join(["a" * 200] * 4)
    many = State.empty().with_files({f"{folders}/{number}": OBJECT for number in range(2000)})
    with pytest.raises(LimitError, match="too many paths"):
        pvs.payload(many, Selection(("*" + "a" * 440 + "b",) * 2))
    # 256 patterns without a star always fit.
    assert b"#spec" in pvs.payload(many, Selection(("#spec",) + ("b/**",) * 255))


@pytest.mark.parametrize("words", ['"crit":["b64"],', '"x":1,"x":2,'])
def test_a_header_with_more_than_is_understood_is_refused(words: str) -> None:
    text = f'{{{words}"alg":"RS256","typ":"PVS","pvs":{{"include":["a"],"exclude":[]}}}}'
    with pytest.raises(FormatError):
        Signature.parse(
            "_sigs/a.json", {"#spec": "pvs@2", "signature": "AA", "protected": pvs.encode(text.encode())}
        )


@pytest.mark.parametrize("text", ["AB==", "AA", "AA==\n", "AA==AA=="])
def test_a_certificate_has_one_spelling(text: str) -> None:
    with pytest.raises(FormatError, match="base64"):
        Signature.parse("_sigs/a.json", header(x5c=[text]))


def test_a_question_mark_and_a_name_beyond_ascii_are_not_signed() -> None:
    with pytest.raises(FormatError, match="disagree"):
        pvs.payload(State.empty().with_files({"aé": OBJECT}), Selection(("a?",)))


def test_the_payload_is_the_canonical_object_of_what_is_covered() -> None:
    state = State.parse(SIGNED.read_bytes())
    document = json.loads(pvs.payload(state, pvs.container_selection("demo")))
    assert list(document) == sorted(document)
    assert "demo/src.json" not in document and "_config/demo/etc/demo.conf" in document
    assert document["demo/run.json"] == state["demo/run.json"]
    assert pvs.payload(state, pvs.container_selection("demo")).decode() == json.dumps(
        document, separators=(",", ":"), ensure_ascii=False
    ).replace('"a":1.5,', '"a":1.5E0,').replace(",0.1]", ",1.0E-1]")


def test_published_signatures_read() -> None:
    (found,) = pvs.signatures(State.parse(SIGNED.read_bytes()))
    assert (found.path, found.name, found.algorithm) == ("_sigs/demo.json", "demo", "ES256")
    assert found.selection == pvs.container_selection("demo")
    assert len(found.x5c) == 1 and len(found.signature) == 64


@pytest.mark.parametrize("case", "cde")
def test_published_raw_selections_read(case: str) -> None:
    state = State.parse((VECTORS / "patterns" / f"raw_case_{case}.json").read_bytes())
    assert len(pvs.signatures(state)) == 1


@pytest.mark.parametrize("case", "afg")
def test_published_selections_that_no_device_reads_alike_are_refused(case: str) -> None:
    with pytest.raises(FormatError, match="not safe"):
        pvs.signatures(State.parse((VECTORS / "patterns" / f"raw_case_{case}.json").read_bytes()))


def header(**changes: object) -> dict:
    document = {"alg": "RS256", "typ": "PVS", "pvs": {"include": ["a"], "exclude": []}, **changes}
    return {"#spec": "pvs@2", "signature": "AA", "protected": pvs.encode(json.dumps(document).encode())}


def test_a_header_without_certificates_has_no_x5c() -> None:
    # RFC 7515, 4.1.6: the list has at least one; published devices refuse an empty one.
    bare = json.loads(
        pvs.decode(pvs.protected_header(Selection(("a",)), algorithm="RS256", x5c=[]), "header")
    )
    assert sorted(bare) == ["alg", "pvs", "typ"]


@pytest.mark.parametrize(
    "value",
    [{}, [], {"#spec": "pvs@1"}, {"#spec": "pvs@2", "protected": 5, "signature": ""}, header(alg="none"),
     header(alg="HS256"), header(alg=["RS256"]), header(typ="JWT"), header(pvs={"include": ["a"]}),
     header(pvs={"exclude": []}), header(pvs=[]), header(pvs={"include": [5], "exclude": []}),
     header(x5c="text"), header(x5c=[5]), header(x5c=["%"]), header(x5c=["AA=="] * 9),
     header(jwk={"alg": "RS256"}), {**header(), "signature": "A"}, {**header(), "signature": "AA=="},
     {**header(), "signature": "A+/A"}, {**header(), "signature": "AB"}, {**header(), "protected": "e30"}],
)  # fmt: skip
def test_malformed_signatures_are_errors_of_the_format(value: object) -> None:
    with pytest.raises(FormatError, match=r"_sigs/x\.json"):
        Signature.parse("_sigs/x.json", value)


def test_sizes_are_bounded() -> None:
    Selection(("a",) * 256)
    with pytest.raises(LimitError):
        Selection(("a",) * 257)
    with pytest.raises(LimitError):
        Signature.parse("_sigs/x.json", {**header(), "protected": "A" * 300_000})


def test_what_lies_below_sigs_and_is_not_a_signature_is_refused() -> None:
    with pytest.raises(FormatError):
        pvs.signatures(State.empty().with_files({"_sigs/x.json": OBJECT}))


def test_a_signature_anywhere_is_found() -> None:
    state = State.empty().with_files({"odd/place.json": signature(Selection(("a",)))})
    assert [found.path for found in pvs.signatures(state)] == ["odd/place.json"]


def test_coverage_counts_excluded_as_seen_and_names_the_rest() -> None:
    state = State.empty().with_files(
        {
            "web/run.json": {},
            "web/src.json": {},
            "README.md": OBJECT,
            "_sigs/web.json": signature(pvs.container_selection("web")),
        }
    )
    result = pvs.coverage(state, pvs.signatures(state))
    assert result.protected == ("web/run.json",)
    assert result.excluded == ("web/src.json",)
    assert result.unseen == ("#spec", "README.md")
    with pytest.raises(SignatureError, match="by signatures: #spec, README.md"):
        pvs.require_full(state, result)


def signed_state() -> State:
    return State.empty().with_files(
        {
            "device.json": {"groups": []},
            "bsp/run.json": {},
            "bsp/old": OBJECT,
            "_sigs/bsp.json": signature(pvs.bsp_selection()),
            "web/run.json": {},
            "web/old": OBJECT,
            "shared/file": OBJECT,
            "_config/web/x": OBJECT,
            "_sigs/web.json": signature(
                Selection(("web/**", "_config/web/**", "shared/**"), ("web/src.json",))
            ),
            "db/run.json": {},
            "_sigs/db.json": signature(Selection(("db/**", "shared/**"))),
            "README.md": OBJECT,
        }
    )


def test_a_part_is_what_its_signature_mentions_and_no_other_does() -> None:
    state = signed_state()
    assert pvs.all_part_names(state) == ("bsp", "db", "web")
    assert pvs.part_paths(state, "web") == {"web/run.json", "web/old", "_config/web/x", "_sigs/web.json"}
    assert "shared/file" in pvs.part_files(state, "web")
    assert pvs.part_paths(state, "bsp") == {"device.json", "bsp/run.json", "bsp/old", "_sigs/bsp.json"}


def test_replacing_a_part_leaves_nothing_stale() -> None:
    replaced = pvs.replace_part(signed_state(), "web", {"web/run.json": {"v": 2}})
    assert (
        "web/old" not in replaced and "_config/web/x" not in replaced and "_sigs/web.json" not in replaced
    )
    assert "shared/file" in replaced and replaced["#spec"] == signed_state()["#spec"]


def test_removing_a_part_and_its_misspelling() -> None:
    left = signed_state().without(pvs.part_paths(signed_state(), "bsp"))
    assert not {"device.json", "bsp/run.json", "_sigs/bsp.json"} & set(left) and "web/run.json" in left
    with pytest.raises(NotFound, match='use "bsp"'):
        pvs.part_files(signed_state(), "bps")


def test_an_overlay_belongs_to_the_signature_that_covers_it() -> None:
    package = pvs.signature_json(
        pvs.protected_header(Selection(("_config/web/**",)), algorithm="RS256", x5c=[b"der"]), b"sig"
    )
    bare = signed_state().without(["_sigs/web.json"])
    assert "_config/web/x" in pvs.part_paths(bare, "web")
    state = bare.with_files({"_sigs/conf.json": package})
    assert "_config/web/x" not in pvs.part_paths(state, "web")
    assert pvs.part_paths(state, "conf") == {"_config/web/x", "_sigs/conf.json"}
    both = signed_state().with_files({"_sigs/conf.json": package})
    assert "_config/web/x" in pvs.part_paths(both, "web") and pvs.part_paths(both, "conf") == {
        "_sigs/conf.json"
    }


def test_merging_replaces_parts_whole_and_adds_loose_files() -> None:
    other = State.empty().with_files({"web/run.json": {"v": 2}, "README.md": OTHER, "new/run.json": {}})
    merged = pvs.merge(signed_state(), other)
    assert (
        "web/old" not in merged
        and merged["README.md"] == OTHER
        and "new/run.json" in merged
        and "bsp/old" in merged
    )
    assert pvs.merge(merged, merged) == merged
