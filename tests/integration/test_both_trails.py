# SPDX-License-Identifier: MIT
"""A storage tree changed in one place: ``pantavisor --check`` and ``pvr verify`` refuse the same.

But where the device repairs: it links and writes again what is missing, which a finished image must not
lack; and ``src.json`` and ``build.json`` of a part are of no use to it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from pantavisor import audit, keys, pvs, trail
from pantavisor.objects import ObjectPool
from pantavisor.state import State
from sim import device as sim
from sim.judge import BUILD, build


@dataclass(frozen=True)
class Tree:
    """A signed revision 0, and what judges it."""

    storage: Path
    trust: Path
    program: Path

    @property
    def trail(self) -> Path:
        return self.storage / "trails/0"

    def device_takes_it(self) -> bool:
        argv = [self.program, "--check", self.storage, "0", "--trust", self.trust, "--mode", "strict"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=600)
        assert done.returncode in (0, 2), done.stderr
        return done.returncode == 0

    def verifier_takes_it(self) -> bool:
        return not audit.verify(self.storage, trust=self.trust.read_bytes(), strict=True).findings


@pytest.fixture(scope="module")
def program() -> Path:
    build()
    subprocess.run(["ninja", "-C", str(BUILD), "pantavisor"], check=True, capture_output=True, timeout=600)
    return BUILD / "pantavisor"


def make(folder: Path, program: Path, algorithm: str) -> Tree:
    keys.generate(folder / "keys", common_name="Test", algorithm=algorithm, days=30)
    signer = keys.PemSigner.load(folder / "keys/key.pem", folder / "keys/x5c.pem")
    pool = ObjectPool(folder / "storage/objects")
    files = {**sim.bsp_files(pool), **sim.container_files(pool, "web")}
    files["_config/web/etc/app/build.json"] = {"allow": []}
    files["web/settings.bind"] = pool.put_bytes(b"no exception")
    files["bsp/kernel.img.sig"] = pool.put_bytes(b"as a boot loader wants it")
    # The runtime knows no disks yet.
    del files["web/run.json"]["storage"]["docker--data"]["disk"], files["device.json"]["disks_v2"]
    state = State.empty().with_files(files)
    for name in pvs.all_part_names(state):
        selection = pvs.bsp_selection() if name == "bsp" else pvs.container_selection(name)
        state = keys.sign_state(state, name, selection, signer)
    trail.write(folder / "storage", state, pool, "0")
    return Tree(folder / "storage", folder / "keys/ca.crt", program)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory, program: Path) -> Tree:
    return make(tmp_path_factory.mktemp("trails"), program, "ES256")


@pytest.fixture
def tree(master: Tree, tmp_path: Path) -> Tree:
    # cp keeps hard links within what it copies.
    subprocess.run(["cp", "-a", str(master.storage), str(tmp_path / "storage")], check=True, timeout=600)
    return Tree(tmp_path / "storage", master.trust, master.program)


def test_a_name_moves_no_cursor_and_begins_no_line(tree: Tree) -> None:
    added("web/x\x1b[2J\nrevision 0 verified")(tree)
    argv = [tree.program, "--check", tree.storage, "0", "--trust", tree.trust]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600)
    assert done.returncode == 2 and "web/x?[2J?revision 0 verified" in done.stderr, done.stderr


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "ES512"])
def test_each_algorithm_is_taken_and_one_byte_of_a_signature_is_not(
    algorithm: str, tmp_path: Path, program: Path
) -> None:
    tree = make(tmp_path, program, algorithm)
    assert tree.device_takes_it() and tree.verifier_takes_it()
    text = (tree.trail / ".pvr/json").read_text()
    start = text.index('"signature":"') + len('"signature":"')
    other = "B" if text[start] == "A" else "A"
    (tree.trail / ".pvr/json").write_text(text[:start] + other + text[start + 1 :])
    assert not tree.device_takes_it() and not tree.verifier_takes_it()


def added(name: str) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        (tree.trail / name).parent.mkdir(parents=True, exist_ok=True)
        (tree.trail / name).write_bytes(b"{}")

    return change


def missing(name: str) -> Callable[[Tree], None]:
    return lambda tree: (tree.trail / name).unlink()


def folder(name: str) -> Callable[[Tree], None]:
    return lambda tree: (tree.trail / name).mkdir(parents=True)


def other(name: str) -> Callable[[Tree], None]:
    """Other bytes in a file of its own."""

    def change(tree: Tree) -> None:
        (tree.trail / name).unlink()
        (tree.trail / name).write_bytes(b"{}")

    return change


def linked(name: str) -> Callable[[Tree], None]:
    """The same, but behind a symbolic link."""

    def change(tree: Tree) -> None:
        path = tree.storage / name
        moved = tree.storage / "cache/moved"
        shutil.move(path, moved)
        path.symlink_to(moved)

    return change


def bent(name: str) -> Callable[[Tree], None]:
    """One bit, through the inode."""

    def change(tree: Tree) -> None:
        path = tree.trail / name
        data = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])

    return change


def turned_into_a_folder(tree: Tree) -> None:
    (tree.trail / "_config/web/etc/app.conf").unlink()
    (tree.trail / "_config/web/etc/app.conf").mkdir()


def turned_into_a_fifo(tree: Tree) -> None:
    (tree.trail / "web/run.json").unlink()
    os.mkfifo(tree.trail / "web/run.json")


def hidden_by_a_device(tree: Tree) -> None:
    os.mknod(tree.trail / "_config/web/sbin", 0o20644, 0)


def object_behind_a_link(tree: Tree) -> None:
    path = next((tree.storage / "objects").iterdir())
    shutil.move(path, tree.storage / "cache/moved")
    path.symlink_to("../cache/moved")


REFUSED: dict[str, Callable[[Tree], None]] = {
    **{f"added {name}": added(name) for name in (
        "stray", "web/stray", "_config/web/sbin/init", "_config/web/etc/app.conf.new", "_config/more/x",
        "_sigs/x.json", ".pv/stray", ".pvr/stray", ".pv/pv-initrd.img.0", ".pv/pv-fdt.dtb",
        ".pv/pv-initrd.img.sig", ".pv/pantavisor.fit", "more/run.json", "web/x\ny",
    )},
    **{f"folder {name}": folder(name) for name in (
        "empty", "web/empty", "_config/web/lib", ".pvr/objects",
    )},
    **{f"other {name}": other(name) for name in (
        "web/run.json", "web/root.squashfs", "_config/web/etc/app.conf", "_config/web/etc/app/build.json",
        "device.json", "_sigs/web.json", "bsp/pantavisor", "bsp/run.json", ".pv/pv-initrd.img",
        ".pv/pv-kernel.img", ".pv/pv-kernel.img.sig",
    )},
    **{f"missing {name}": missing(name) for name in (
        ".pv/pv-kernel.img", ".pv/pv-initrd.img", ".pv/pv-kernel.img.sig",
    )},
    **{f"bent {name}": bent(name) for name in (
        "web/root.squashfs", "_config/web/etc/app.conf", "bsp/kernel.img", "web/lxc.container.conf",
        ".pvr/json",
    )},
    **{f"linked {name}": linked(name) for name in (
        "trails/0", "trails", "objects", "trails/0/web", "trails/0/_config", "trails/0/_config/web",
        "trails/0/web/run.json", "trails/0/bsp/kernel.img", "trails/0/.pv", "trails/0/.pv/pv-kernel.img",
        "trails/0/.pvr", "trails/0/.pvr/json",
    )},
    "a folder in place of a file": turned_into_a_folder,
    "a FIFO in place of a file": turned_into_a_fifo,
    "a device": hidden_by_a_device,
    "an object behind a link": object_behind_a_link,
}  # fmt: skip
TAKEN: dict[str, Callable[[Tree], None]] = {
    "nothing": lambda tree: None,
    **{f"added {name}": added(name) for name in (
        ".pv/progress", ".pv/done", ".pv/commitmsg", ".pv/logs/0/log", ".pv/logs.tmp",
        "web/run.json.pv-beside",
    )},
}  # fmt: skip


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_both_refuse(change: Callable[[Tree], None], tree: Tree) -> None:
    if change is hidden_by_a_device and os.geteuid() != 0:
        pytest.skip("only root makes devices")
    change(tree)
    assert (tree.device_takes_it(), tree.verifier_takes_it()) == (False, False)


@pytest.mark.parametrize("change", TAKEN.values(), ids=TAKEN)
def test_both_take(change: Callable[[Tree], None], tree: Tree) -> None:
    change(tree)
    assert (tree.device_takes_it(), tree.verifier_takes_it()) == (True, True)


@pytest.mark.parametrize(
    "name", ["web/run.json", "web/root.squashfs", "_config/web/etc/app.conf", "_sigs/web.json"]
)
def test_what_is_missing_the_device_makes_again(name: str, tree: Tree) -> None:
    (tree.trail / name).unlink()
    assert (tree.device_takes_it(), tree.verifier_takes_it()) == (True, False)


@pytest.mark.parametrize("name", ["web/src.json", "bsp/src.json"])
def test_what_only_tools_read_may_differ_on_a_device(name: str, tree: Tree) -> None:
    (tree.trail / name).write_bytes(b"{ }")
    assert (tree.device_takes_it(), tree.verifier_takes_it()) == (True, False)
