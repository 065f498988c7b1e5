# SPDX-License-Identifier: MIT
"""The launcher and the worker: what a task sees, how one that fails ends, and what Ctrl-C does."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import CORE, Build, Result, finish

WORKER = CORE / "bitbake" / "bin" / "bitbake-worker"


def until(condition: Callable[[], bool], what: str, seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_dry_run_lists_tasks_and_runs_none(build: Build) -> None:
    result = build.run("-n", "fail-shell").succeeded()
    assert "fail-shell_1.0.bb:do_compile)" in result.output
    assert not list(build.directory.glob("tmp/work/*/fail-shell/*/temp/log.*"))


@pytest.fixture(scope="module")
def failures(build: Build) -> Result:
    return build.run("-k", "fail-python", "fail-shell", "fail-fatal", "after-failing", "hello").failed()


def test_failing_python_task_shows_its_exception_and_line(build: Build, failures: Result) -> None:
    log = build.log("fail-python", "do_compile")
    assert "before the python failure" in log
    assert "fail-python_1.0.bb:do_compile) failed with exit code '1'" in failures.output
    assert (
        re.search(r"fail-python_1\.0\.bb:do_compile.*\n.*0006:", log + failures.output)
        or "ValueError" in log
    )
    assert "ValueError: this python task fails" in failures.output


def test_failing_shell_task_shows_its_log_and_goes_no_further(build: Build, failures: Result) -> None:
    log = build.log("fail-shell", "do_compile")
    assert "before the shell failure" in log and "never reached" not in log
    assert "before the shell failure" in failures.output
    assert "fail-shell_1.0.bb:do_compile) failed with exit code '1'" in failures.output


def test_bbfatal_reaches_the_console_as_an_error(failures: Result) -> None:
    assert "ERROR: fail-fatal-1.0-r0 do_compile: the sentence of bbfatal" in failures.output


def test_option_k_builds_what_can_be_built(build: Build, failures: Result) -> None:
    assert build.deployed("greeting.txt").exists()
    assert not list(build.directory.glob("tmp/work/*/after-failing/*/temp/log.do_compile"))
    assert "3 tasks failed" in failures.output


def test_without_k_nothing_starts_after_a_failure(build: Build) -> None:
    result = build.run("fail-shell").failed()
    assert "1 task failed" in result.output
    assert "do_install" not in build.ran("fail-shell")


@pytest.fixture(scope="module")
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept_all, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def accept_all(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


@pytest.fixture(scope="module")
def sights(build: Build, listener: int) -> Build:
    """Recipes that write down what they see."""
    build.configure(f'PROBE_PORT = "{listener}"\n')
    build.run("network", "surroundings", "chatty", PROBE_SECRET="secret").succeeded()
    return build


def test_task_without_network_sees_a_loopback_that_is_down(sights: Build) -> None:
    seen = (sights.work("network") / "compile.txt").read_text()
    assert "connected" not in seen
    assert seen.endswith("[(1, 'lo')]")


def test_task_with_network_reaches_the_server(sights: Build) -> None:
    assert (sights.work("network") / "reach.txt").read_text() == "connected"


def test_task_gets_exported_variables_and_nothing_of_the_caller(sights: Build) -> None:
    (path,) = sights.work("surroundings").rglob("env.txt")
    lines = path.read_text().splitlines()
    assert "PROBE_EXPORTED=two words surroundings" in lines
    assert not [line for line in lines if line.startswith(("PROBE_KEPT", "PROBE_SECRET"))]
    assert "LC_ALL=C.UTF-8" in lines


def test_task_runs_as_the_caller_with_a_known_umask_and_no_input(sights: Build) -> None:
    (path,) = sights.work("surroundings").rglob("facts.txt")
    assert path.read_text().split() == ["0022", str(os.getuid()), str(os.getgid()), "/dev/null"]


def test_task_inherits_no_descriptor_of_the_worker(sights: Build) -> None:
    (path,) = sights.work("surroundings").rglob("descriptors.txt")
    # Standard input, output, error, and the directory that ls reads.
    assert int(path.read_text()) == 4


def test_tasks_that_say_much_at_once_lose_no_line(sights: Build) -> None:
    for number in range(40):
        log = sights.log("chatty", f"do_talk_{number}")
        assert log.count("</event> </exitcode> <event>") == 300


@pytest.fixture
def sleeping(build: Build) -> Iterator[tuple[Build, subprocess.Popen[str], list[int]]]:
    """A build in the middle of a task that waits for the file go-on, and that task's processes."""
    go_on = build.directory / "go-on"
    go_on.unlink(missing_ok=True)
    build.run("-c", "clean", "sleeper").succeeded()
    process = build.start("sleeper")
    pattern = "tmp/work/*/sleeper/*/sources/sleeper-1.0/shell.pid"
    until(lambda: any(build.directory.glob(pattern)), "do_compile of sleeper")
    (path,) = build.directory.glob(pattern)
    yield build, process, [int((path.parent / name).read_text()) for name in ("shell.pid", "child.pid")]
    go_on.touch()
    if process.poll() is None:
        finish(process, time.monotonic())


def test_first_interrupt_lets_running_tasks_end_and_starts_no_other(
    sleeping: tuple[Build, subprocess.Popen[str], list[int]],
) -> None:
    build, process, pids = sleeping
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(2)
    assert process.poll() is None and all(map(alive, pids))
    (build.directory / "go-on").touch()
    result = finish(process, time.monotonic())
    assert result.status != 0
    assert "Keyboard Interrupt, closing down" in result.output
    assert build.ran("sleeper")[-1] == "do_compile"
    assert list(build.directory.glob("tmp/stamps/*/sleeper/*.do_compile.*"))


def again(process: subprocess.Popen[str]) -> bool:
    """Interrupt once more; whether that is no longer needed."""
    time.sleep(1)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    return process.poll() is not None


def test_second_interrupt_ends_tasks_and_all_they_started(
    sleeping: tuple[Build, subprocess.Popen[str], list[int]],
) -> None:
    build, process, pids = sleeping
    os.killpg(process.pid, signal.SIGINT)
    # One that comes before the first was seen is the same one; the task itself would not end.
    until(lambda: again(process), "the end of bitbake")
    result = finish(process, time.monotonic())
    assert result.status != 0
    assert not any(map(alive, pids))
    assert not list(build.directory.glob("tmp/stamps/*/sleeper/*.do_compile.[0-9a-f]*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_bitbake_alone_ends_tasks_server_and_all_they_started(
    sleeping: tuple[Build, subprocess.Popen[str], list[int]], number: int
) -> None:
    """As kas does it where it is interrupted: bitbake is in a process group of its own, and Ctrl-C does not
    reach it.
    """
    build, process, pids = sleeping
    os.kill(process.pid, number)
    result = finish(process, time.monotonic())
    assert result.status != 0 and "Traceback" not in result.output
    assert not any(map(alive, pids))
    # The server holds this lock as long as it lives.
    with open(build.directory / "bitbake.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_worker_ends_its_tasks_when_the_server_is_killed(
    sleeping: tuple[Build, subprocess.Popen[str], list[int]],
) -> None:
    build, process, pids = sleeping
    os.kill(server_of(build), signal.SIGKILL)
    # The terminal's half would wait a minute for a server that may be busy.
    process.kill()
    until(lambda: not any(map(alive, pids)), "the end of the tasks")


def server_of(build: Build) -> int:
    lock = os.fsencode(build.directory / "bitbake.lock")
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if lock in words and any(word.endswith(b"bin/bitbake-server") for word in words):
            return int(path.parent.name)
    raise AssertionError("no server of this build runs")


def test_worker_and_server_refuse_to_be_started_by_hand() -> None:
    for name in ("bitbake-worker", "bitbake-server"):
        done = subprocess.run(
            [sys.executable, WORKER.with_name(name)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1 and "is started by bitbake, not by hand" in done.stderr


def test_locale_that_is_not_utf8_is_refused_with_the_way_out(build: Build) -> None:
    result = build.run("--version", LC_ALL="POSIX", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert result.status == 1 and "export LC_ALL=C.UTF-8" in result.output


def test_version_is_the_one_that_requirements_pin(build: Build) -> None:
    (pinned,) = re.findall(r"bitbake-setup==(\S+)", (CORE / "bitbake" / "requirements.txt").read_text())
    assert f"version {pinned}" in build.run("--version").succeeded().output
