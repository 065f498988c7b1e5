# SPDX-License-Identifier: MIT
"""Random stacks of layers for hypothesis: few names, so that layers meet, replace and hide each other."""

from __future__ import annotations

import tarfile

from hypothesis import strategies as st
from sim.layers import member

Member = tuple[tarfile.TarInfo, bytes]
Stack = list[list[Member]]

_NAMES = st.sampled_from(["a", "b", "c", "d"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_TARGETS = st.sampled_from(
    ["a", "b", "a/b", "../b", "/c", "/c/d", "../../a", "nowhere", ".", "/", "d/../c"]
)
_CONTENTS = st.sampled_from([b"", b"x", b"other", b"long" * 400])
_KINDS = ["file"] * 5 + ["dir"] * 6 + ["link", "hard", "fifo", "chr", "whiteout", "whiteout", "opaque"]
_OWNERS = st.sampled_from([(0, 0), (1000, 70000)])


@st.composite
def _members(draw: st.DrawFn) -> Member:
    path = draw(_PATHS)
    kind = draw(st.sampled_from(_KINDS))
    head, slash, name = path.rpartition("/")
    if kind == "whiteout":
        return member(f"{head}{slash}.wh.{name}")
    if kind == "opaque":
        return member(f"{path}/.wh..wh..opq")
    targets = {"link": _TARGETS, "hard": _PATHS}
    target = draw(targets[kind]) if kind in targets else ""
    mode = draw(st.sampled_from([0o644, 0o755, 0o4711, 0o1777]))
    content = draw(_CONTENTS) if kind == "file" else b""
    return member(path, kind, content, target=target, mode=mode, owner=draw(_OWNERS), device=(1, 3))


STACKS: st.SearchStrategy[Stack] = st.lists(st.lists(_members(), max_size=8), min_size=2, max_size=4)
