# SPDX-License-Identifier: MIT
"""No state of what GRUB reads and writes leads to a loop: whatever is missing or damaged, where committed
kernels panic before PID 1 runs, the device comes to a revision that starts, or ends where the console says
why.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from sim.grub import BLOCK_BYTES, Grub, block, lives

NAMES = ("grubtry", "grubenv", "grubenv2")
GOOD = {
    "grubtry": block("pv_last=4"),
    **dict.fromkeys(NAMES[1:], block("pv_gen=5", "pv_rev=4", "pv_try=", "pv_prev=3", "pv_end=5")),
}
HEAD = b"# GRUB Environment Block\n"
# Three of each that is committed or was, and the one that says so.
BOOTS = 10


def hole(path: Path, content: bytes) -> None:
    """GRUB does not write where nothing is allocated."""
    path.write_bytes(content.rstrip(b"#"))
    with path.open("r+b") as stream:
        stream.truncate(64 * BLOCK_BYTES)


def directory(path: Path, content: bytes) -> None:
    path.mkdir()
    (path / "file").write_bytes(content)


KINDS: Mapping[str, Callable[[Path, bytes], object]] = {
    "good": Path.write_bytes,
    "missing": lambda path, content: None,
    # It can be read, but not written.
    "full": lambda path, content: path.write_bytes(content.rstrip(b"#")),
}
OTHERS: Mapping[str, Callable[[Path, bytes], object]] = {
    "garbage": lambda path, content: path.write_bytes(b"\xa5" * BLOCK_BYTES),
    "directory": directory,
    "hole": hole,
    "empty": lambda path, content: path.write_bytes(b""),
    "short": lambda path, content: path.write_bytes(HEAD[:-1]),
    "long": lambda path, content: path.write_bytes(content + b"#" * 70 * BLOCK_BYTES),
    "no head": lambda path, content: path.write_bytes(content[len(HEAD) :]),
    "dangling link": lambda path, content: path.symlink_to("nowhere"),
    "link in a circle": lambda path, content: path.symlink_to(path.name),
    "link to a directory": lambda path, content: path.symlink_to("../trails"),
}


def place(grub: Grub, kinds: Mapping[str, str]) -> None:
    folder = grub.tree / "boot"
    shutil.rmtree(folder)
    folder.mkdir()
    for name, kind in kinds.items():
        {**KINDS, **OTHERS}[kind](folder / name, GOOD[name])
    grub.assemble()


@pytest.fixture
def grub(tmp_path: Path) -> Grub:
    return Grub(tmp_path)


def check(grub: Grub, kinds: Mapping[str, str], panics: str) -> None:
    place(grub, kinds)
    seen = list(lives(grub, panics, boots=BOOTS))
    # Where any of them takes notes, the device comes to what starts.
    if "good" in kinds.values():
        assert seen[-1] == ("stays" if "0" not in panics else "console"), (kinds, panics, seen)
    assert seen[-1] in ("stays", "stops", "console"), (kinds, panics, seen)


@pytest.mark.parametrize("panics", ["4", "43", "430"])
def test_each_state_of_the_three_blocks_has_an_end(grub: Grub, panics: str) -> None:
    for kinds in itertools.product(KINDS, repeat=len(NAMES)):
        check(grub, dict(zip(NAMES, kinds)), panics)


@pytest.mark.parametrize("kind", OTHERS)
def test_each_other_form_of_a_block_has_an_end(grub: Grub, kind: str) -> None:
    for name in NAMES:
        for rest in ("good", "missing"):
            check(grub, {**dict.fromkeys(NAMES, rest), name: kind}, "4")
    check(grub, dict.fromkeys(NAMES, kind), "4")


def test_notes_that_are_missing_cost_the_last_good_revision_nothing(grub: Grub) -> None:
    place(grub, {"grubenv": "good", "grubenv2": "good"})
    assert list(lives(grub, "4", boots=BOOTS)) == ["4", "4", "4", "3", "stays"]
    # Both copies are still whole, and of one generation.
    for name in NAMES[1:]:
        assert grub.read(f"/boot/{name}").startswith(GOOD[name].rstrip(b"#"))


def test_where_all_of_them_fail_the_console_says_so_and_it_begins_again(grub: Grub) -> None:
    place(grub, {"grubenv": "good", "grubenv2": "good"})
    order = ["4"] * 3 + ["3"] * 3 + ["0"] * 3 + ["console"]
    for _ in range(2):
        assert list(lives(grub, "430", boots=BOOTS)) == order


def test_counts_of_several_blocks_do_not_hide_each_other(grub: Grub) -> None:
    place(grub, dict.fromkeys(NAMES, "good"))
    # It could be read once more, but never written.
    (grub.tree / "boot/grubtry").write_bytes(HEAD + b"pv_fails=5:x\n")
    grub.assemble()
    assert list(lives(grub, "4", boots=BOOTS)) == ["4", "4", "3", "stays"]


def test_where_nothing_can_be_counted_a_kernel_that_does_not_load_leads_to_the_next(grub: Grub) -> None:
    place(grub, {"grubenv": "full", "grubenv2": "full"})
    grub.refuse("4")
    assert list(lives(grub, "", boots=BOOTS)) == ["3", "stays"]
    grub.refuse("4", "3")
    assert list(lives(grub, "", boots=BOOTS)) == ["0", "stays"]
    grub.refuse("4", "3", "0")
    assert list(lives(grub, "", boots=BOOTS)) == ["console"]


def test_nine_boots_that_cannot_be_forgotten_do_not_keep_the_device_from_starting(grub: Grub) -> None:
    place(grub, dict.fromkeys(NAMES, "good"))
    hole(grub.tree / "boot/grubtry", HEAD + b"pv_fails=5:xxxxxxxxx\n")
    grub.assemble()
    for _ in range(2):
        assert list(lives(grub, "", boots=BOOTS)) == ["4", "stays"]
    assert list(lives(grub, "4", boots=BOOTS)) == ["4", "stops"]
