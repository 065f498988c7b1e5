# SPDX-License-Identifier: MIT
"""The state: its one spelling, what it refuses, what it warns of."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pantavisor import state as state_module
from pantavisor.errors import FormatError, LimitError
from pantavisor.state import SPEC, State

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
PUBLISHED = sorted([*(VECTORS / "states").iterdir(), *(VECTORS / "patterns").iterdir()])
OBJECT = "a" * 64
SEGMENT = st.text("abcxyz019-_", min_size=1, max_size=6)
OBJECTS = st.text("0123456789abcdef", min_size=64, max_size=64)
INLINE = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=3)
FILES = st.dictionaries(st.lists(SEGMENT, min_size=1, max_size=3).map("/".join), OBJECTS, max_size=6)


def state(**files: object) -> State:
    return State.empty().with_files(files)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.name)
def test_published_states_read_and_come_out_byte_for_byte(path: Path) -> None:
    assert State.parse(path.read_bytes()).dumps() == path.read_bytes()


@settings(deadline=None)
@given(FILES, st.dictionaries(SEGMENT.map(lambda name: f"{name}.json"), INLINE, max_size=3))
def test_a_state_reads_back_as_written(files: dict, inline: dict) -> None:
    try:
        built = State.empty().with_files({**files, **inline})
    except FormatError:
        return  # a file and a folder of one name
    assert State.parse(built.dumps()) == built
    assert list(built) == sorted(built)
    assert built.dumps().startswith(b'{"#spec":')
    assert set(built.objects()) | set(built.inline()) | {"#spec"} == set(built)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"#spec":"other@1"}', '{"#spec":5}', '{"#spec":{}}', '{"#spec":["x"]}']
)
def test_what_is_not_a_state_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        State.parse(text.encode())


@pytest.mark.parametrize(
    "files",
    [{"a": "x"}, {"a": {}}, {"a": None}, {"a": "A" * 64}, {"a.json": 5}, {"a.json": None},
     {"a.json": "text"}, {"a.json": "A" * 64}, {"../a": OBJECT}, {" a": OBJECT}, {"!a": OBJECT},
     {".pvr/json": OBJECT}, {"a": OBJECT, "a/b": OBJECT}, {"a.json": {}, "a.json/b/c": OBJECT}],
)  # fmt: skip
def test_what_a_device_could_not_use_is_refused(files: dict) -> None:
    with pytest.raises(FormatError):
        State.parse(json.dumps({"#spec": SPEC, **files}).encode())


def test_json_may_be_an_object_or_lie_in_the_state() -> None:
    found = State.empty().with_files({"a.json": OBJECT, "b.json": {"x": 1}, "c.json": [1]})
    assert found.objects() == {"a.json": OBJECT}
    assert found.inline() == {"b.json": {"x": 1}, "c.json": [1]}
    assert found.object_ids() == {OBJECT}


def test_paths_and_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "MAX_PATHS", 3)
    assert len(state(a=OBJECT, b=OBJECT)) == 3
    with pytest.raises(LimitError):
        state(a=OBJECT, b=OBJECT, c=OBJECT)
    monkeypatch.setattr(state_module, "MAX_BYTES", 60)
    with pytest.raises(LimitError):
        State.parse(state(a=OBJECT).dumps())


def test_a_change_gives_a_new_state() -> None:
    old = state(a=OBJECT)
    new = old.with_files({"b": OBJECT}).without(["a"])
    assert list(old) == ["#spec", "a"] and list(new) == ["#spec", "b"]
    assert old.digest() != new.digest()


def test_diff_names_what_changed() -> None:
    old = state(gone=OBJECT, kept=OBJECT, other=OBJECT)
    new = state(kept=OBJECT, other="b" * 64, fresh=OBJECT)
    changes = new.diff(old)
    assert (changes.added, changes.removed, changes.changed) == (("fresh",), ("gone",), ("other",))


def test_update_carries_each_object_that_the_older_state_lacks() -> None:
    old = state(a=OBJECT, gone="c" * 64)
    new = state(moved=OBJECT, one="b" * 64, two="b" * 64).with_files({"x.json": {}})
    assert new.missing_objects(old) == {"b" * 64}
    assert new.missing_objects(new) == frozenset()


def test_parts_are_found_by_their_run_manifest() -> None:
    found = State.empty().with_files(
        {
            "bsp/run.json": {},
            "web/run.json": {},
            "_config/web/etc/x": OBJECT,
            "_sigs/web.json": {},
            "website": OBJECT,
        }
    )
    assert found.part_names() == ("bsp", "web")
    assert set(found.part("web")) == {"web/run.json", "_config/web/etc/x", "_sigs/web.json"}


def test_warnings_name_what_others_misread() -> None:
    assert State.empty().with_files({"a/src.json": {"Entrypoint": None}}).warnings() == ()
    found = State.empty().with_files(
        {"a/run.json": {"x": [None]}, "b.json": ["device.json"], "c.json": {"groups.json": 1}, "d": OBJECT}
    )
    assert [warning.split(" ")[0] for warning in found.warnings()] == [
        "a/run.json",
        "b.json",
        "c.json",
        "d",
    ]
