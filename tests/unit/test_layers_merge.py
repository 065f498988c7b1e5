# SPDX-License-Identifier: MIT
"""Layers laid over each other: one test for each rule, and random stacks against another oracle."""

from __future__ import annotations

import random
import tarfile
import warnings
from typing import Any, Optional

import pytest
from hypothesis import given, settings
from pantavisor import layers
from pantavisor.errors import FormatError, LimitError
from pantavisor.layers import Directory, Limits, Symlink, Tree
from pantavisor.layers.limits import DEFAULT
from sim import listing
from sim.changesets import STACKS, Member, Stack
from sim.layers import layer, member


def flatten(*stack: list[Member], limits: Limits = DEFAULT) -> Tree:
    return layers.flatten([layer(*members) for members in stack], limits, structural=False)


def paths(tree: Tree) -> list[str]:
    return [path.decode() for path, _ in tree.walk()]


def content(tree: Tree, path: str) -> bytes:
    found = tree.head(path, 1000)
    assert found is not None
    return found


def test_a_whiteout_hides_what_lies_below() -> None:
    tree = flatten([member("a/b"), member("a/c"), member("d/e/f")], [member("a/.wh.b"), member(".wh.d")])
    assert paths(tree) == ["a", "a/c"]


def test_a_whiteout_spares_its_own_layer_wherever_it_stands() -> None:
    for stack in (
        [member("x", content=b"new"), member(".wh.x")],
        [member(".wh.x"), member("x", content=b"new")],
    ):
        assert content(flatten([member("x", content=b"old")], stack), "x") == b"new"


def test_a_directory_hidden_and_made_again_has_only_the_new_content() -> None:
    for order in (1, -1):
        stack = [member(".wh.d"), member("d", "dir", mode=0o700), member("d/new")][::order]
        tree = flatten([member("d", "dir", mode=0o711), member("d/old")], stack)
        assert paths(tree) == ["d", "d/new"]
        assert tree.root.entries[b"d"].metadata.mode == 0o700


def test_an_opaque_directory_hides_all_that_lies_below_it_wherever_it_stands() -> None:
    for order in (1, -1):
        stack = [member("d/.wh..wh..opq"), member("d/new/deep")][::order]
        tree = flatten([member("d", "dir", mode=0o711), member("d/old/deep"), member("d/new/old")], stack)
        assert paths(tree) == ["d", "d/new", "d/new/deep"]
        assert tree.root.entries[b"d"].metadata.mode == 0o711


def test_whiteouts_of_nothing_are_no_error() -> None:
    assert paths(flatten([member("f"), member(".wh.x"), member("no/where/.wh.x"), member("f/.wh.x")])) == [
        "f"
    ]


def test_what_aufs_left_behind_is_passed_over() -> None:
    tree = flatten(
        [member(".wh..wh.plnk", "dir"), member(".wh..wh.plnk/1.2"), member(".wh..wh.aufs"), member("a")]
    )
    assert paths(tree) == ["a"]


@pytest.mark.parametrize("name", [".wh.", ".wh...", ".wh..", ".wh.d/f"])
def test_whiteouts_of_impossible_names_are_refused(name: str) -> None:
    with pytest.raises(FormatError, match="not a whiteout of anything"):
        flatten([member(name)])


def test_a_directory_over_a_directory_renews_its_metadata_only() -> None:
    tree = flatten(
        [member("d", "dir", mode=0o700, pax={"SCHILY.xattr.user.a": "1"}), member("d/f")],
        [member("d", "dir", mode=0o755, owner=(5, 6))],
    )
    assert paths(tree) == ["d", "d/f"]
    assert tree.root.entries[b"d"].metadata == (0o755, 5, 6, 1_700_000_000, ())


def test_a_directory_replaced_by_a_link_and_back_is_empty() -> None:
    tree = flatten(
        [member("d/f"), member("e", "dir")],
        [member("d", "link", target="e")],
        [member("d", "dir"), member("d/g")],
    )
    assert paths(tree) == ["d", "d/g", "e"]


def test_a_file_replaces_a_full_directory() -> None:
    assert paths(flatten([member("d/e/f")], [member("d")])) == ["d"]


def test_of_equal_members_the_last_counts() -> None:
    assert content(flatten([member("x", content=b"1"), member("x", content=b"2")]), "x") == b"2"


def test_parents_that_are_missing_are_made_for_root_with_a_fixed_time() -> None:
    assert flatten([member("a/b/c")]).root.entries[b"a"].metadata == (0o755, 0, 0, 0, ())


def test_members_go_where_links_of_lower_layers_lead() -> None:
    tree = flatten(
        [member("usr/lib", "dir"), member("lib", "link", target="usr/lib")],
        [member("lib/a"), member("lib/sub/b"), member("hard", "hard", target="lib/a")],
        [member("lib/.wh.a"), member("lib", "link", target="./usr/../usr/lib")],
    )
    assert paths(tree) == ["hard", "lib", "usr", "usr/lib", "usr/lib/sub", "usr/lib/sub/b"]


def test_a_link_that_dangles_makes_its_target() -> None:
    tree = flatten([member("l", "link", target="gone/../to/here")], [member("l/f")])
    assert paths(tree) == ["l", "to", "to/here", "to/here/f"]


@pytest.mark.parametrize("target", ["/d", "../../../d", "/../d", "/./d/"])
def test_links_never_lead_out_of_the_root(target: str) -> None:
    tree = flatten([member("d", "dir"), member("a/l", "link", target=target)], [member("a/l/f")])
    assert paths(tree) == ["a", "a/l", "d", "d/f"]


def test_a_whiteout_does_not_follow_a_link_that_its_layer_replaces() -> None:
    lower = [member("usr/lib/keep"), member("lib", "link", target="usr/lib")]
    for upper in (["lib/.wh..wh..opq"], ["lib/.wh.keep"]):
        tree = flatten(lower, [member("lib", "dir"), *map(member, upper), member("lib/new")])
        assert paths(tree) == ["lib", "lib/new", "usr", "usr/lib", "usr/lib/keep"]


def test_links_in_a_circle_are_refused() -> None:
    stack = [member("a", "link", target="b"), member("b", "link", target="a"), member("a/f")]
    with pytest.raises(FormatError, match="circle"):
        flatten(stack)


def test_links_that_double_are_refused() -> None:
    stack = [member(f"l{n}", "link", target=f"l{n - 1}/../" * 20) for n in range(1, 12)]
    with pytest.raises(FormatError, match="circle|too many symbolic links"):
        flatten([member("l0", "dir"), *stack, member("l11/f")])


def test_members_below_a_file_are_refused() -> None:
    with pytest.raises(FormatError, match="not a directory"):
        flatten([member("f")], [member("f/g")])


def test_a_member_in_place_of_the_root_is_refused() -> None:
    with pytest.raises(FormatError, match="root directory"):
        flatten([member("./", "link", target="/etc")])


def test_hard_links_share_an_inode_across_layers() -> None:
    tree = flatten(
        [member("a", content=b"1")], [member("b", "hard", target="a")], [member("c", "hard", target="/b")]
    )
    assert tree.root.entries[b"a"] is tree.root.entries[b"b"] is tree.root.entries[b"c"]


def test_a_new_file_leaves_the_other_names_of_the_old_one_alone() -> None:
    tree = flatten(
        [member("a", content=b"1"), member("b", "hard", target="a")], [member("a", content=b"2")]
    )
    assert (content(tree, "a"), content(tree, "b")) == (b"2", b"1")


def test_a_hard_link_keeps_what_is_hidden_later_or_in_its_own_layer() -> None:
    later = flatten([member("d/a", content=b"1"), member("b", "hard", target="d/a")], [member(".wh.d")])
    assert (paths(later), content(later, "b")) == (["b"], b"1")
    for order in (1, -1):
        stack = [member("d/.wh.a"), member("b", "hard", target="d/a")][::order]
        same = flatten([member("d/a", content=b"1")], stack)
        assert (paths(same), content(same, "b")) == (["b", "d"], b"1")


@pytest.mark.parametrize("target", ["nothing", "no/where", "d", "./", "h", "h/f"])
def test_hard_links_to_nothing_and_to_directories_are_refused(target: str) -> None:
    with pytest.raises(FormatError, match="hard link"):
        flatten([member("d", "dir"), member("h/f")], [member("h", "hard", target=target)])


def test_a_symbolic_link_may_have_two_names() -> None:
    tree = flatten([member("s", "link", target="gone"), member("t", "hard", target="s")])
    assert (
        isinstance(tree.root.entries[b"t"], Symlink) and tree.root.entries[b"t"] is tree.root.entries[b"s"]
    )


def test_implied_directories_count_as_entries() -> None:
    members = [member(f"{n}/b/c/d") for n in range(5)]
    flatten(members, limits=Limits(entries=20))
    with pytest.raises(LimitError, match="entries"):
        flatten(members, limits=Limits(entries=19))


def test_depth_is_bounded_through_links_too() -> None:
    stack = [
        member("/".join("abcdefgh"), "dir"),
        member("l", "link", target="/".join("abcdefgh")),
        member("l/1/2/3"),
    ]
    flatten(stack, limits=Limits(depth=11))
    with pytest.raises(LimitError, match="names in a path"):
        flatten(stack, limits=Limits(depth=10))


def test_structural_directories_are_added_where_nothing_is() -> None:
    stack = [member("tmp", "dir", mode=0o1777), member("var/run", "link", target="/run"), member("dev")]
    tree = layers.flatten([layer(*stack)])
    assert paths(tree) == ["dev", "proc", "run", "sys", "tmp", "var", "var/run", "var/tmp"]
    assert tree.root.entries[b"tmp"].metadata.mode == 0o1777
    assert tree.root.entries[b"sys"].metadata == (0o755, 0, 0, 0, ())
    assert isinstance(tree.root.entries[b"run"], Directory)


def test_a_needed_folder_is_made_through_links_and_nothing_is_replaced() -> None:
    stack = [
        member("srv", "dir", mode=0o700),
        member("l", "link", target="/srv"),
        member("gone", "link", target="/data/x"),
    ]
    for needed, made in (
        ("/l/a/b/", ["srv/a", "srv/a/b"]),
        ("../l/../new", ["new"]),
        ("/srv", []),
        ("/gone/a", []),
        ("/gone", []),
        ("/", []),
    ):
        early = layers.LayeredTree([layer(*stack)], structural=False)
        early.need_folder(needed)
        late = flatten(stack)
        late.need_folder(needed)
        early.load()
        assert paths(early) == paths(late) == sorted(["gone", "l", "srv", *made])
        assert late.root.entries[b"srv"].metadata.mode == 0o700
    with pytest.raises(FormatError, match="should be a directory"):
        flatten([member("srv")]).need_folder("/srv/a")


class Refused(Exception):
    """The oracle's word for a stack that cannot be."""


class Oracle:
    """Layers on a flat dict of resolved paths: nothing is renamed or remembered between layers."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[str, ...], dict[str, Any]] = {(): {"kind": "dir", "meta": (0o755, 0, 0)}}

    def resolve(self, path: tuple[str, ...], make: bool, budget: int = 40) -> Optional[tuple[str, ...]]:
        """The path without links; None if it does not exist and is not to be made."""
        todo, done = list(path), []
        while todo:
            name = todo.pop(0)
            if name in ("", "."):
                continue
            if name == "..":
                done = done[:-1]
                continue
            node = self.nodes.get((*done, name))
            if node is not None and node["kind"] == "link":
                budget -= 1
                if budget < 0:
                    raise Refused
                done = [] if node["target"].startswith("/") else done
                todo = node["target"].split("/") + todo
            elif node is not None and node["kind"] != "dir":
                if make:
                    raise Refused
                return None
            else:
                done.append(name)
        if make:
            for length in range(1, len(done) + 1):
                self.nodes.setdefault(tuple(done[:length]), {"kind": "dir", "meta": (0o755, 0, 0)})
        found = self.nodes.get(tuple(done))
        return tuple(done) if found is not None and found["kind"] == "dir" else None

    def remove(self, top: tuple[str, ...], itself: bool) -> None:
        for path in list(self.nodes):
            if path[: len(top)] == top and (itself or path != top):
                del self.nodes[path]

    def add(self, members: list[Member]) -> None:
        before = dict(self.nodes)
        made = {tuple(info.name.split("/")) for info, _ in members if info.isdir()}
        for info, _ in members:
            *parent, name = info.name.split("/")
            if name.startswith(".wh.") and not self.replaced(tuple(parent), made):
                place = self.resolve(tuple(parent), False)
                if place is not None:
                    opaque = name == ".wh..wh..opq"
                    self.remove(place if opaque else (*place, name[4:]), not opaque)
        for info, content in members:
            if not info.name.rpartition("/")[2].startswith(".wh."):
                self.put(info, content, before)

    def replaced(self, parent: tuple[str, ...], made: set[tuple[str, ...]]) -> bool:
        """Whether the way leads over a link that the layer makes a directory; links among links are left
        aside.
        """
        for length in range(1, len(parent) + 1):
            node = self.nodes.get(parent[:length])
            if node is not None and node["kind"] == "link":
                return parent[:length] in made
        return False

    def put(self, info: Any, content: bytes, before: dict[tuple[str, ...], dict[str, Any]]) -> None:
        *parent, name = info.name.split("/")
        place = self.resolve(tuple(parent), True)
        assert place is not None
        path = (*place, name)
        if info.islnk():
            *parent, last = info.linkname.split("/")
            there = self.resolve(tuple(parent), False)
            if (*(there or ()), last)[: len(path)] == path:
                raise Refused
            found = self.nodes.get((*there, last)) if there is not None else None
            if found is None and there is not None and there in before:
                found = before.get((*there, last))
            if found is None or found["kind"] == "dir":
                raise Refused
            self.remove(path, True)
            self.nodes[path] = found
            return
        kind = {tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "link"}.get(info.type, "other")
        if kind != "dir" or self.nodes.get(path, {"kind": ""})["kind"] != "dir":
            self.remove(path, True)
        node = {"kind": kind, "meta": (0o777 if kind == "link" else info.mode, info.uid, info.gid)}
        self.nodes[path] = {**node, "target": info.linkname, "content": content, "type": info.type}


def _simple(stack: Stack) -> bool:
    """Whether the oracle's two simplifications do not matter: links and hidden link targets in the same
    stack.
    """
    kinds = {info.type for members in stack for info, _ in members}
    hides = any(".wh." in info.name for members in stack for info, _ in members)
    return not (b"1" in kinds and hides) and not (b"2" in kinds and hides)


@settings(max_examples=150, deadline=None)
@given(STACKS)
def test_random_stacks_come_out_as_by_the_oracle(stack: Stack) -> None:
    if not _simple(stack):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blobs = [layer(*members) for members in stack]
    oracle = Oracle()
    try:
        for members in stack:
            oracle.add(members)
    except Refused:
        with pytest.raises(FormatError):
            layers.flatten(blobs)
        return
    found = listing.of_tree(layers.flatten(blobs, structural=False))
    wanted = {"/".join(path).encode() or b".": node for path, node in oracle.nodes.items()}
    assert found.keys() == wanted.keys()
    for path, node in wanted.items():
        kind, uid, gid = found[path][:3]
        assert (int(kind[1:], 8), uid, gid) == node["meta"]
        if node["kind"] == "other" and node["type"] == b"0":
            assert found[path][4][0] == len(node["content"])
        if node["kind"] == "link":
            assert found[path][4] == node["target"].encode()
    groups = {id(node) for node in wanted.values() if node["kind"] != "dir"}
    assert len(groups) == len({entry[6] for entry in found.values() if entry[6] is not None})


@settings(max_examples=100, deadline=None)
@given(STACKS)
def test_where_in_its_layer_a_whiteout_stands_does_not_matter(stack: Stack) -> None:
    def outcome(shuffled: Stack) -> Any:
        try:
            return listing.of_tree(layers.flatten([layer(*members) for members in shuffled]))
        except FormatError:
            return "refused"

    chance = random.Random(1)
    others = []
    for members in stack:
        mixed = [entry for entry in members if ".wh." not in entry[0].name]
        for entry in members:
            if ".wh." in entry[0].name:
                mixed.insert(chance.randint(0, len(mixed)), entry)
        others.append(mixed)
    assert outcome(stack) == outcome(others)
