# SPDX-License-Identifier: MIT
"""pvr gc: what goes, and everything that must stay."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

import pytest
from pantavisor import cli, export, repo
from pantavisor.errors import FormatError, PantavisorError
from pantavisor.objects import ObjectPool
from pantavisor.repo import Repository


def put(repository: Repository, name: str, content: bytes) -> str:
    """A file of the working tree; its object id."""
    (repository.root / name).parent.mkdir(parents=True, exist_ok=True)
    (repository.root / name).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Two commits: ``kept`` is in the second, ``left`` was in the first only."""
    made = Repository.init(tmp_path / "repo")
    put(made, "kept", b"kept")
    put(made, "left", b"what is left over")
    made.add()
    made.commit()
    (made.root / "left").unlink()
    made.commit()
    return made


LEFT = hashlib.sha256(b"what is left over").hexdigest()
KEPT = hashlib.sha256(b"kept").hexdigest()


def test_what_the_state_no_longer_names_goes(repository: Repository) -> None:
    found = repo.collect(repository, dry_run=True)
    assert (found.object_ids, found.freed) == ((LEFT,), len(b"what is left over"))
    assert set(repository.pool) == {KEPT, LEFT}
    assert repo.collect(repository) == found
    assert set(repository.pool) == {KEPT}
    assert repo.collect(repository).object_ids == ()
    repository.checkout()
    assert repository.status().is_clean


def test_what_is_staged_or_will_be_committed_stays(repository: Repository) -> None:
    staged = put(repository, "staged", b"staged")
    changed = put(repository, "kept", b"changed")
    untracked = put(repository, "untracked", b"untracked")
    for content in (b"staged", b"changed", b"untracked"):
        repository.pool.put_bytes(content)
    repository.add([repository.root / "staged"])
    assert set(repo.collect(repository).object_ids) == {LEFT, untracked}
    assert set(repository.pool) == {KEPT, staged, changed}
    repository.add()
    repository.commit()
    assert untracked in repository.pool


def test_hard_links_free_nothing(repository: Repository, tmp_path: Path) -> None:
    os.link(repository.pool.path(LEFT), tmp_path / "link")
    found = repo.collect(repository)
    assert found.object_ids == (LEFT,) and found.freed == 0
    assert (tmp_path / "link").read_bytes() == b"what is left over"


def test_other_files_in_the_pool_are_left_alone(repository: Repository) -> None:
    (repository.pool.root / "notes").write_text("mine")
    repo.collect(repository)
    assert (repository.pool.root / "notes").exists()


@pytest.mark.parametrize("where", ["../shared", "pool", ".pvr/others"])
def test_a_pool_elsewhere_is_refused(tmp_path: Path, where: str) -> None:
    made = Repository.init(tmp_path / "repo", objects=where)
    object_id = made.pool.put_bytes(b"somebody's")
    with pytest.raises(PantavisorError, match="where others may need them"):
        repo.collect(made)
    assert object_id in made.pool


def test_a_pool_behind_a_link_is_refused(repository: Repository, tmp_path: Path) -> None:
    os.rename(repository.pool.root, tmp_path / "shared")
    repository.pool.root.symlink_to(tmp_path / "shared")
    with pytest.raises(PantavisorError, match="where others may need them"):
        repo.collect(repository)
    assert LEFT in repository.pool


def test_nothing_goes_while_a_container_is_made(repository: Repository) -> None:
    folder = repository.root / ".pvr/.making.x"
    folder.mkdir()
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(PantavisorError, match="another command is at work"):
            repo.collect(repository)
        assert LEFT in repository.pool
    finally:
        os.close(held)
    assert repo.collect(repository).object_ids == (LEFT,)


def test_a_state_or_file_that_cannot_be_read_stops_it(repository: Repository) -> None:
    put(repository, "bent.json", b"{")
    repository.add()
    with pytest.raises(FormatError):
        repo.collect(repository)
    (repository.root / ".pvr/json").write_bytes(b"{")
    with pytest.raises(FormatError):
        repo.collect(repository)
    assert set(repository.pool) == {KEPT, LEFT}


def test_the_command_names_objects_and_counts_bytes(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository.root)
    assert cli.main(["gc", "--dry-run"]) == 0
    said = capsys.readouterr()
    assert said.out == f"{LEFT}\n" and said.err == "1 object to remove, 17 bytes freed\n"
    assert cli.main(["gc"]) == 0
    assert capsys.readouterr().err == "1 object removed, 17 bytes freed\n"
    assert set(repository.pool) == {KEPT}


WRITER = """
import sys
from pantavisor.objects import ObjectPool
ObjectPool(sys.argv[1]).put_stream(sys.stdin.buffer)
"""


def test_what_a_killed_writer_left_goes(repository: Repository) -> None:
    root = repository.pool.root
    words = [sys.executable, "-c", WRITER, root]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, env={"PYTHONPATH": os.pathsep.join(sys.path)}
    ) as writer:
        assert writer.stdin is not None
        writer.stdin.write(bytes(3_000_000))
        writer.stdin.flush()
        while not [path for path in root.glob(".*/*") if path.stat().st_size]:
            time.sleep(0.01)
        writer.kill()
    (root / f".{LEFT}.ab12_xyz.part").write_bytes(b"torn")
    (root / ".somebody's").write_bytes(b"other")
    (size,) = (path.stat().st_size for path in root.glob(".*/*"))
    assert repo.collect(repository, dry_run=True).freed == size + len(b"torn") + len(b"what is left over")
    assert len(list(root.glob(".*"))) == 3
    repo.collect(repository)
    assert sorted(os.listdir(root)) == [".somebody's", KEPT]


class Slow(ObjectPool):
    """A pool that is read only when ``go`` is set."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked, self.go = threading.Event(), threading.Event()

    def open(self, object_id: str) -> BinaryIO:
        self.asked.set()
        assert self.go.wait(600)
        return super().open(object_id)


def test_objects_on_their_way_to_a_new_state_are_waited_for(repository: Repository, tmp_path: Path) -> None:
    source = Slow(tmp_path / "source")
    new = repository.state.with_files({f"new/{n}": source.put_bytes(b"new %d" % n) for n in range(2)})
    source.put_bytes(b"kept")
    taking = threading.Thread(target=lambda: repository.merge_from(new, source))
    taking.start()
    assert source.asked.wait(600)
    collected = threading.Event()
    collecting = threading.Thread(
        target=lambda: (repo.collect(Repository(repository.root)), collected.set())
    )
    collecting.start()
    assert not collected.wait(0.2)
    source.go.set()
    taking.join(600)
    collecting.join(600)
    assert collected.is_set() and repository.state.object_ids() <= set(repository.pool)
    assert set(new.object_ids()) <= repository.state.object_ids()


def test_an_import_holds_the_lock_while_it_reads(repository: Repository, tmp_path: Path) -> None:
    export.write(tmp_path / "one.tgz", repository.state, repository.pool)
    with repository.lock():
        importing = threading.Thread(target=lambda: repository.read_export(tmp_path / "one.tgz"))
        importing.start()
        importing.join(0.2)
        assert importing.is_alive()
    importing.join(600)
    assert not importing.is_alive() and repository.status().is_clean
