# SPDX-License-Identifier: MIT
"""What may be a path, a container, a revision; and the nearest right word."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pantavisor import names
from pantavisor.errors import FormatError


def test_a_hint_is_the_nearest_word_or_what_else_may_help() -> None:
    assert names.hint("wrod", ["word", "other"]) == 'use "word"'
    assert (
        names.hint("xyz", ["word"]) is None
        and names.hint("xyz", [], "run: pvr app ls") == "run: pvr app ls"
    )


@pytest.mark.parametrize(
    "path", ["#spec", "README.md", "a/run.json", "_config/a/etc/x y", "_sigs/a.json", "é/ü", "a/.hidden"]
)
def test_plain_paths_pass(path: str) -> None:
    assert names.check_path(path) == path


@pytest.mark.parametrize("path", [
    "", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a\nb", "a\0b", "a\x7f", " a", "!a", '"a',
    ".pvr/json", ".pv/x", ".pvrfoo", "a\ud800", "a" * 256, "/".join(["abc"] * 300),
])  # fmt: skip
def test_other_paths_do_not(path: str) -> None:
    with pytest.raises(FormatError):
        names.check_path(path)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_a_passing_path_stays_below_its_root(path: str) -> None:
    try:
        names.check_path(path)
    except FormatError:
        return
    assert not path.startswith("/") and ".." not in path.split("/") and path >= "#spec"


@pytest.mark.parametrize("name", ["nginx", "pv-avahi", "a.b_c", "0", "a" * 64])
def test_container_names(name: str) -> None:
    assert names.check_container(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "bsp", "_config", "_x", "a/b", "-a", ".a", "a b", "a" * 65, "objects", "a\n", "é", "device.json"],
)
def test_names_that_no_container_may_have(name: str) -> None:
    with pytest.raises(FormatError):
        names.check_container(name)


@pytest.mark.parametrize("name", ["0", "17", "9" * 10, "locals/x", "locals/" + "a" * 64])
def test_revisions(name: str) -> None:
    assert names.check_revision(name) == name


@pytest.mark.parametrize(
    "name", ["", "-1", "current", "locals/", "locals/a/b", "../0", "locals/" + "a" * 65, "0\n", "9" * 11]
)
def test_what_is_not_a_revision(name: str) -> None:
    with pytest.raises(FormatError):
        names.check_revision(name)


def test_a_misspelt_word_gets_its_neighbour() -> None:
    error = names.unknown("PV_GRUOP", ["PV_GROUP", "PV_ROLES"], what="argument")
    assert error.hint == 'use "PV_GROUP"'
    assert "use one of: PV_GROUP" in str(names.unknown("zzz", ["PV_GROUP"], what="argument"))


def test_half_a_surrogate_pair_has_no_bytes() -> None:
    assert all(names.has_bytes(text) for text in ("", "a", "\ud7ff", "\ue000", "\U0001f600", "\n"))
    assert not any(names.has_bytes(text) for text in ("\ud800", "a\udfff", "\udbffb"))
