# SPDX-License-Identifier: MIT
"""After an error there is the old file or the new one, and nothing beside it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from pantavisor import atomic
from pantavisor.errors import FormatError


def test_write_replaces_in_one_step_with_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "file"
    atomic.write(target, b"old")
    atomic.write(target, b"new", mode=0o600)
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("is_folder", [True, False])
def test_one_at_a_time_holds_a_folder_or_a_file(tmp_path: Path, is_folder: bool) -> None:
    path = tmp_path / "lock"
    if not is_folder:
        path.touch()
    else:
        path.mkdir()
    with ExitStack() as stack:
        first, second = (
            (path, path) if is_folder else (stack.enter_context(open(path, "rb")) for _ in range(2))
        )
        with atomic.exclusive(first):
            with pytest.raises(BlockingIOError):
                with atomic.exclusive(second, wait=False):
                    raise AssertionError("two at once")
        # Whatever else keeps the file open: the lock ends with its block, and after an error too.
        with pytest.raises(KeyError):
            with atomic.exclusive(second, wait=False):
                raise KeyError
        with atomic.exclusive(first, wait=False):
            pass


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); from pantavisor import atomic\n" \
           "with atomic.exclusive(sys.argv[2]):\n    print(flush=True); sys.stdin.read()"  # fmt: skip
    library = str(Path(atomic.__file__).parents[1])
    words = [sys.executable, "-c", code, library, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline() == b"\n"
        with pytest.raises(BlockingIOError):
            with atomic.exclusive(tmp_path, wait=False):
                pass
        other.kill()
        with atomic.exclusive(tmp_path):
            pass


def test_an_interruption_waits_for_the_end_of_what_belongs_together(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    # A shell that starts the tests in the background has them ignore it.
    request.addfinalizer(
        partial(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
    )
    with pytest.raises(KeyboardInterrupt):
        with atomic.uninterrupted():
            signal.raise_signal(signal.SIGINT)  # to this thread: pytest may have others
            (tmp_path / "both").touch()
        (tmp_path / "never").touch()
    assert os.listdir(tmp_path) == ["both"]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_an_error_keeps_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    for exception in (ValueError, KeyboardInterrupt):
        with pytest.raises(exception), atomic.replacing(target) as stream:
            stream.write(b"half")
            raise exception
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_what_is_not_a_file_keeps_its_place(tmp_path: Path) -> None:
    # Root would replace /dev/null for the whole machine.
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "stdout").symlink_to("/proc/self/fd/1")
    before = {name: os.lstat(tmp_path / name).st_ino for name in os.listdir(tmp_path)}
    for name in before:
        with pytest.raises(FormatError, match="is not a regular file"):
            atomic.write(tmp_path / name, b"x")
        with (
            pytest.raises(FormatError, match="is not a regular file"),
            atomic.replacing_path(tmp_path / name) as beside,
        ):
            beside.write_bytes(b"x")
    assert {name: os.lstat(tmp_path / name).st_ino for name in os.listdir(tmp_path)} == before


def test_replacing_path_takes_a_file_made_by_name(tmp_path: Path) -> None:
    with atomic.replacing_path(tmp_path / "file") as beside:
        assert not beside.exists()
        beside.write_bytes(b"made elsewhere")
    assert (tmp_path / "file").read_bytes() == b"made elsewhere"
    with pytest.raises(ValueError), atomic.replacing_path(tmp_path / "file") as beside:
        beside.write_bytes(b"half")
        raise ValueError
    assert (tmp_path / "file").read_bytes() == b"made elsewhere"
    assert os.listdir(tmp_path) == ["file"]


def test_a_new_directory_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(ValueError), atomic.new_directory(tmp_path / "folder") as folder:
        (folder / "file").write_bytes(b"x")
        raise ValueError
    assert os.listdir(tmp_path) == []
    with atomic.new_directory(tmp_path / "folder") as folder:
        (folder / "file").write_bytes(b"x")
        assert not (tmp_path / "folder").exists()
    assert os.listdir(tmp_path / "folder") == ["file"]


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    code = (
        "import sys, time; from pantavisor import atomic\n"
        "with atomic.replacing(sys.argv[1]) as stream:\n"
        "    stream.write(b'half'); stream.flush(); print('ready', flush=True); time.sleep(60)\n"
    )
    library = Path(atomic.__file__).resolve().parents[1]
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE, env={"PYTHONPATH": str(library)}
    )
    assert child.stdout is not None and child.stdout.readline() == b"ready\n"
    child.send_signal(signal.SIGKILL)
    child.wait(600)
    child.stdout.close()
    time.sleep(0.01)
    assert target.read_bytes() == b"old"


def test_an_exchange_that_fails_takes_nothing_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file system cannot do it in one step; the name that should come in is missing."""
    monkeypatch.setattr(atomic.ctypes, "CDLL", lambda *_, **__: object())
    (tmp_path / "old").write_text("old")
    with pytest.raises(FileNotFoundError):
        atomic.exchange(tmp_path / "missing", tmp_path / "old")
    assert (tmp_path / "old").read_text() == "old" and os.listdir(tmp_path) == ["old"]
    (tmp_path / "new").write_text("new")
    atomic.exchange(tmp_path / "new", tmp_path / "old")
    assert ((tmp_path / "new").read_text(), (tmp_path / "old").read_text()) == ("old", "new")


def test_the_target_of_a_temporary_name_is_found(tmp_path: Path) -> None:
    target = tmp_path / "a.b.img"
    with atomic.replacing(target) as stream:
        stream.write(b"x")
        (name,) = os.listdir(tmp_path)
        assert atomic.target_name(name) == "a.b.img" and atomic.is_partial(name)
    with atomic.scratch_for(target) as folder:
        assert atomic.target_name(folder.name) == "a.b.img" and not atomic.is_partial(folder.name)
    assert atomic.target_name("a.b.img") is None and atomic.target_name(".part") is None
