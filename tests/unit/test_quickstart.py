# SPDX-License-Identifier: MIT
"""scripts/quickstart: what a person sees of it, on a terminal and in a pipeline's log, and how it is
stopped.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from devtools import first_build, steps

SCRIPTS = Path(steps.__file__).parents[2]
PREFIX = "2026-11-27 14:51:47 - INFO     - "
LINES = [
    "demo image demo/nginx:1: building with Docker",
    PREFIX + "kas 5.5 started",
    PREFIX + "NOTE: Running task 1 of 4 (/x/recipes-core/sysroot/sysroot-deb.bb:do_fetch)",
    PREFIX + "WARNING: /x/demo.bb: now holds development keys",
    PREFIX + "NOTE: Running task 2 of 4 (/x/demo.bb:do_compile)",
    PREFIX + "NOTE: Running noexec task 4 of 4 (/x/demo.bb:do_build)",
]
# Reads its words as a program to follow, and shows it as a step.
PROGRAM = """
import sys, os
from devtools import steps
screen = steps.Screen(sys.stdout, count=1)
screen.begin("work")
try:
    with open(sys.argv[1], "wb", buffering=0) as log:
        status = steps.follow(sys.argv[2:], log=log, screen=screen, see=screen.line, env=os.environ)
except KeyboardInterrupt:
    screen.fail("interrupted")
    sys.exit(130)
except OSError as error:
    screen.fail(error.strerror)
    sys.exit(2)
screen.end()
sys.exit(status)
"""
# Prints the number of a process that only our signal ends.
LASTING = """
import signal, subprocess, sys

child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
# Blocked and waited for: one that comes early is not lost.
asked = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
signal.pthread_sigmask(signal.SIG_BLOCK, asked)
print("child", child.pid, flush=True)
signal.sigwait(asked)
child.terminate()
child.wait()
sys.exit(1)
"""


def watched(lines: list[str]) -> tuple[first_build.Watcher, str]:
    """What is shown of these lines where there is no terminal; times are left out."""
    out = io.StringIO()
    screen = steps.Screen(out, count=4, number=1)
    watcher = first_build.Watcher(screen, "qemux86-64")
    screen.begin("demonstration images")
    for line in lines:
        watcher.see(line)
    return watcher, re.sub(r"\d+ s\b", "0 s", out.getvalue())


def test_a_pipeline_s_log_has_plain_lines() -> None:
    watcher, shown = watched(LINES)
    watcher.screen.end()
    assert shown.splitlines() == [
        "[2/4] demonstration images",
        "      demo image demo/nginx:1: building with Docker",
        "[2/4] done, 0 s",
        "[3/4] build for qemux86-64",
        "      task 1 of 4",
        "      WARNING: /x/demo.bb: now holds development keys",
        "      task 2 of 4",
        "      task 4 of 4",
    ]
    assert "4 tasks, " in str(watcher.screen.out.getvalue()).splitlines()[-1]  # type: ignore[attr-defined]


def test_many_tasks_are_four_lines() -> None:
    many = [PREFIX + f"NOTE: Running task {number} of 900 (/x/a.bb:do_x)" for number in range(1, 901)]
    assert watched([PREFIX + "kas", *many])[1].count("task ") == 4


def test_a_failure_shows_bitbake_s_errors_and_not_its_notes() -> None:
    lines = [PREFIX + text for text in (
        "ERROR: demo: the registry cannot be reached", "ERROR: Logfile of failure stored in: /x/log",
        "| line of the log", "NOTE: recipe demo: task do_fetch: Failed",
    )]  # fmt: skip
    watcher, _ = watched([*LINES, *lines])
    assert watcher.reasons == [
        "ERROR: demo: the registry cannot be reached", "ERROR: Logfile of failure stored in: /x/log",
        "| line of the log",
    ]  # fmt: skip
    out = io.StringIO()
    steps.show_log(Path("build/quickstart.log"), watcher.reasons, out)
    assert out.getvalue().endswith("hint: see the whole log, build/quickstart.log\n")


def test_a_failure_without_bitbake_shows_the_last_lines() -> None:
    watcher, _ = watched([PREFIX + "kas started", "2026-11-27 14:51:47 - ERROR    - no such file"])
    assert watcher.reasons == ["kas started", "no such file"]


def test_what_failed_before_the_build_is_shown_once() -> None:
    watcher, shown = watched(["demo-images: no image", "  hint: the way out"])
    assert watcher.reasons == [] and shown.splitlines()[1:] == [
        "      demo-images: no image", "        hint: the way out",
    ]  # fmt: skip


class Terminal:
    """PROGRAM on a terminal of its own."""

    def __init__(self, log: Path, *words: str, **environment: str) -> None:
        self.text = ""
        self.process, self.terminal = os.forkpty()
        if not self.process:
            variables = {
                "PATH": os.environ["PATH"],
                "TERM": "xterm",
                "PYTHONPATH": str(SCRIPTS / "lib"),
                **environment,
            }
            os.execve(sys.executable, [sys.executable, "-c", PROGRAM, str(log), *words], variables)
        modes = termios.tcgetattr(self.terminal)
        # A Ctrl-C would drop what is printed in answer to it, where that is faster than the terminal.
        modes[3] |= termios.NOFLSH
        termios.tcsetattr(self.terminal, termios.TCSANOW, modes)

    def read(self, *, until: str = "\0") -> str:
        """What the program prints until then, or to its end."""
        with contextlib.suppress(OSError):
            while until not in self.text and (data := os.read(self.terminal, 1 << 16)):
                self.text += data.decode()
        return self.text

    def status(self) -> int:
        self.read()
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def test_a_terminal_has_a_line_that_is_alive_and_colours(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "log", "sh", "-c", "echo a line; test -t 1 || echo no terminal")
    assert terminal.status() == 0
    assert steps.WIPE + "      a line" in terminal.text and "no terminal" in terminal.text
    assert steps.BOLD + "[1/1] work" in terminal.text and steps.GREEN + "done" in terminal.text
    assert (tmp_path / "log").read_text().splitlines()[1:] == ["a line", "no terminal"]


def test_who_wants_no_colours_gets_none(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "log", "true", NO_COLOR="1")
    assert terminal.status() == 0 and "\033[3" not in terminal.text and "[1/1] work: done" in terminal.text


def test_ctrl_c_waits_for_the_end_of_all_that_was_started(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "log", sys.executable, "-c", LASTING)
    terminal.read(until="child ")
    os.write(terminal.terminal, b"\x03")
    assert terminal.status() == 130 and "work: " in terminal.text and "interrupted" in terminal.text
    check_gone(tmp_path / "log")


def test_a_terminal_that_is_closed_ends_all_that_was_started(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "log", sys.executable, "-c", LASTING)
    terminal.read(until="child ")
    os.close(terminal.terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(terminal.process, 0)[1]) != 0
    check_gone(tmp_path / "log")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_script_alone_is_passed_on(tmp_path: Path, number: int) -> None:
    argv = [sys.executable, "-c", PROGRAM, str(tmp_path / "log"), sys.executable, "-c", LASTING]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS / "lib")}
    with subprocess.Popen(
        argv,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert any("child" in line for line in process.stdout)
        process.send_signal(number)
        assert process.wait(600) == 130
    check_gone(tmp_path / "log")


def test_a_log_that_cannot_be_written_ends_all_that_was_started(tmp_path: Path) -> None:
    noisy = LASTING.replace("signal.sigwait", "print('x' * 1_000_000, flush=True)\nsignal.sigwait")
    words = ["prlimit", "--fsize=5000", sys.executable, "-c", PROGRAM, str(tmp_path / "log")]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS / "lib")}
    done = subprocess.run(
        [*words, sys.executable, "-c", noisy], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2 and "work: File too large after" in done.stdout, done.stderr
    check_gone(tmp_path / "log")


def test_a_log_that_cannot_be_made_is_a_mistake_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(first_build, "LOG", tmp_path / "log")
    monkeypatch.setattr(sys, "argv", ["quickstart"])
    (tmp_path / "log").symlink_to("/dev/full/log")
    assert first_build.main() == 2
    assert capsys.readouterr().err == (
        f'quickstart: cannot write "{tmp_path}/log": Not a directory\n'
        "  hint: remove what is in its place, and run it again\n"
    )


def test_a_second_quickstart_waits_and_leaves_the_log_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_build, "LOG", tmp_path / "log")
    out = io.StringIO()
    screen = steps.Screen(out, count=1)
    with ThreadPoolExecutor() as other:
        with first_build.open_log(screen) as first:
            first.write(b"a line")
            second = other.submit(first_build.open_log, screen)
            while "is running; waiting for it" not in out.getvalue():
                time.sleep(0.01)
            assert (tmp_path / "log").read_bytes() == b"a line"
        with second.result() as log:
            log.write(b"another")
    assert (tmp_path / "log").read_bytes() == b"another"


@pytest.mark.parametrize("name", ["my checkout", "a:b", "it's", 'a"b', "a#b", "a\\b", "$HOME", "a\nb"])
def test_a_checkout_where_bitbake_cannot_build_is_refused_at_once(tmp_path: Path, name: str) -> None:
    script = tmp_path / name / "scripts/quickstart"
    script.parent.mkdir(parents=True)
    shutil.copy(SCRIPTS / "quickstart", script)
    done = subprocess.run([script], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("quickstart: BitBake cannot build in ") and "  hint: move " in done.stderr


def test_a_status_is_the_program_s(tmp_path: Path) -> None:
    assert Terminal(tmp_path / "log", "sh", "-c", "exit 3").status() == 3


@pytest.mark.parametrize("words", ["--machine", "--machine pi", "--engine podman", "--fast"])
def test_a_wrong_word_ends_before_anything_is_done(words: str) -> None:
    done = subprocess.run(
        [SCRIPTS / "quickstart", *words.split()], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 2 and done.stdout == "" and done.stderr.startswith("quickstart: ")


def check_gone(log: Path) -> None:
    """The process that the log names has ended."""
    number = re.search(r"child (\d+)", log.read_text())
    assert number is not None and not Path(f"/proc/{number[1]}").exists()


@pytest.mark.parametrize("name", ["quickstart", "setup", "test"])
def test_a_wrong_option_is_named(name: str) -> None:
    done = subprocess.run([SCRIPTS / name, "--nope"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f'{name}: unknown option "--nope"\nusage: scripts/{name} ')
