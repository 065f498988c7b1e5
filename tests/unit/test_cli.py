# SPDX-License-Identifier: MIT
"""The command as its users meet it: exit statuses, streams, JSON, hints, the manual and the completion."""

from __future__ import annotations

import argparse
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tarfile
from datetime import datetime
from pathlib import Path
from time import time as clock

import pytest
from pantavisor import cli
from pantavisor.cli import console, manual
from pantavisor.errors import PantavisorError
from pantavisor.repo import Repository
from sim import tools
from sim.pvr_command import ENVIRONMENT, WEB, PvrCommand, begin, process, write

COMMANDS = dict(manual.walk(cli.parser()))
# Of the man page and completion, which need all of it.
WHOLE = {"man", "completion", "help", "version"}


@pytest.fixture
def pvr(capsys: pytest.CaptureFixture[str]) -> PvrCommand:
    return PvrCommand(capsys)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pvr: PvrCommand) -> Path:
    """An initialised repository with two files, and the current directory there."""
    return begin(pvr, monkeypatch, tmp_path / "work", WEB)


# Statuses and streams


def test_a_done_command_ends_with_0_and_prints_its_results_on_stdout_only(work: Path) -> None:
    assert process("add", cwd=work).returncode == 0
    done = process("status", cwd=work)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["A README.md", "A web/root.squashfs", "A web/run.json"]
    done = process("commit", cwd=work)
    assert (done.returncode, done.stdout) == (0, "") and "committed" in done.stderr


def test_a_mistake_ends_with_2_and_a_hint_on_stderr_without_a_traceback(tmp_path: Path) -> None:
    done = process("status", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"pvr: .* is not in a pvr repository\n  hint: .*pvr init\n", done.stderr)


@pytest.mark.parametrize(
    "words, sentence, hint",
    [
        ([], "the following arguments are required: COMMAND", "run: pvr --help"),
        (["statsu"], 'unknown command "statsu"', 'use "status"'),
        (["sig", "ad", "--part", "web"], 'unknown verb "ad"', 'use "add"'),
        (["device", "disc"], 'unknown verb "disc"', 'use "disk"'),
        (["app"], "the following arguments are required: VERB", "run: pvr app --help"),
        (["--no-such"], "pvr has no option --no-such", "run: pvr --help"),
        (["commit", "--mesage=x"], "pvr commit has no option --mesage", 'use "--message"'),
        (
            ["app", "add", "web", "--form", "nginx"],
            "pvr app add has no option --form",
            'use "--from"',
        ),
        (["status", "-Z9"], "pvr status has no option -Z", "run: pvr status --help"),
        # A script that abbreviates breaks with the next option that begins alike.
        (["status", "--js"], "pvr status has no option --js", 'use "--json"'),
        (
            ["status", "web"],
            'unexpected argument "web"',
            "leave it out, or run: pvr status --help",
        ),
        (
            ["keys", "generate", "x", "--days", "x"],
            "argument --days: invalid int value: 'x'",
            "run: pvr keys generate --help",
        ),
        (
            ["keys", "generate", "x", "--algorithm", "RS257"],
            'unknown --algorithm "RS257"',
            'use "RS256"',
        ),
        (["completion", "fish"], 'unknown shell "fish"', "use one of: bash, zsh"),
        (["commit", "-m"], "argument -m/--message: expected one argument", "run: pvr commit --help"),
    ],
)
def test_a_wrong_word_ends_with_2_and_a_hint(
    words: list[str], sentence: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", f"pvr: {sentence}\n  hint: {hint}\n")


def test_commands_are_proposed_by_their_long_names(capsys: pytest.CaptureFixture[str]) -> None:
    """ "ss" is near to "s", which is short for status."""
    with pytest.raises(SystemExit):
        cli.main(["ss"])
    proposed = capsys.readouterr().err.partition("use one of: ")[2].split(", ")
    assert "status" in proposed and min(map(len, proposed)) > 1


@pytest.mark.parametrize("command", ["verify", "inspect"])
def test_a_folder_of_something_else_is_one_mistake(pvr: PvrCommand, tmp_path: Path, command: str) -> None:
    write(tmp_path, {"notes/today": "x", "more": "y"})
    said = pvr.both(command, str(tmp_path), status=2)[1]
    assert said.startswith(
        f"pvr: {tmp_path} is neither a repository nor a storage tree\n  hint: name a disk image"
    )


def test_a_bug_ends_with_1_and_its_traceback(
    pvr: PvrCommand, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Repository:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(Repository, "find", broken)
    _, said = pvr.both("status", status=1)
    assert "ZeroDivisionError: oops" in said and "this is a bug in pvr" in said


def test_an_interruption_ends_with_130_and_half_of_nothing(work: Path) -> None:
    """Held up by the lock, so that the signal comes while the command runs."""
    write(work, {"late.txt": "late"})
    before = (work / ".pvr/json").read_bytes()
    with Repository(work).lock():
        # Tests that are started in the background ignore SIGINT, and so their children.
        code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        code += "from pantavisor import cli; print('ready', flush=True); sys.exit(cli.main())"
        child = subprocess.Popen(
            [sys.executable, "-c", code, "add"],
            cwd=work, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stdout is not None and child.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.3)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=600)
    assert child.returncode == 130 and "Traceback" not in said
    assert (work / ".pvr/json").read_bytes() == before and not (work / ".pvr/new").exists()


def test_a_reader_that_stops_early_is_not_an_error(work: Path) -> None:
    """The manual is longer than a pipe holds, and is not read."""
    child = subprocess.Popen(
        [sys.executable, "-m", "pantavisor", "man"],
        cwd=work,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None and child.stderr is not None
    child.stdout.close()
    said = child.stderr.read()
    child.stderr.close()
    assert (child.wait(600), said) == (0, b"")


def test_what_the_system_refuses_is_the_users_to_correct(
    pvr: PvrCommand, work: Path, tmp_path: Path
) -> None:
    for words in (["export", str(tmp_path / "no/such/folder/x.tgz")], ["verify", str(tmp_path / "missing")],
                  ["import", str(tmp_path / "missing.tgz")],
                  ["build-root", "--job", str(tmp_path / "missing.json")],
                  ["clone", str(tmp_path / "missing"), str(tmp_path / "there")]):  # fmt: skip
        said = pvr.both(*words, status=2)[1]
        assert said.startswith("pvr: ") and "Traceback" not in said, words
        assert str(tmp_path) in said, words


def test_a_full_disk_at_the_end_of_the_output_is_said(work: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pantavisor", "status", "--json"],
            cwd=work, env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=600,
        )  # fmt: skip
    assert done.returncode == 2 and "No space left" in done.stderr and "Traceback" not in done.stderr


def test_text_that_no_terminal_can_show_is_escaped(work: Path) -> None:
    write(work, {"web/run.json": '{"name": "web", "logs": "\\ud800 \\u00fc"}'})
    process("add", cwd=work)
    done = process("diff", cwd=work)
    assert done.returncode == 0 and json.loads(done.stdout)["web/run.json"]["logs"] == "\ud800 \u00fc"
    write(work, {"caf\u00e9": ""})
    ascii_only = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "pantavisor", "status"]
    said = subprocess.run(
        command, cwd=work, env=ascii_only, capture_output=True, timeout=600, check=True
    ).stdout
    assert b"? caf\\xe9" in said


def test_quiet_prints_results_and_errors_and_nothing_else(pvr: PvrCommand, work: Path) -> None:
    assert pvr.both("-q", "add") == ("", "")
    assert pvr.both("-q", "commit") == ("", "")
    write(work, {"new.txt": "new"})
    assert pvr.both("-q", "status") == ("? new.txt\n", "")


def test_verbose_names_what_is_staged(pvr: PvrCommand, work: Path) -> None:
    assert "web/run.json" in pvr.both("-v", "add")[1]
    assert "web/run.json" not in pvr.both("add")[1]


def test_a_version_is_said(tmp_path: Path) -> None:
    assert re.fullmatch(r"pvr \d+\.\d+\.\d+\n", process("--version", cwd=tmp_path).stdout)


# Repositories


def test_status_as_json(pvr: PvrCommand, work: Path) -> None:
    pvr("add")
    pvr("commit")
    write(work, {"README.md": "changed", "other.txt": "x"})
    (work / "web/root.squashfs").unlink()
    found = json.loads(pvr("status", "--json"))
    assert found == {
        "added": [],
        "removed": ["web/root.squashfs"],
        "changed": ["README.md"],
        "untracked": ["other.txt"],
    }


def test_diff_is_a_merge_patch(pvr: PvrCommand, work: Path) -> None:
    pvr("add")
    pvr("commit")
    assert json.loads(pvr("diff")) == {}
    write(work, {"web/run.json": '{"name":"web","group":"root"}'})
    (work / "README.md").unlink()
    assert json.loads(pvr("diff")) == {"web/run.json": {"name": "web", "group": "root"}, "README.md": None}


def test_export_and_import_bring_the_state_elsewhere(
    pvr: PvrCommand, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pvr("add")
    pvr("commit")
    pvr("export", "../all.tgz")
    pvr("clone", "../all.tgz#web", str(tmp_path / "part"))
    assert (
        not (tmp_path / "part/README.md").exists()
        and (tmp_path / "part/web/root.squashfs").read_text() == "root"
    )
    pvr("init", str(tmp_path / "other"))
    monkeypatch.chdir(tmp_path / "other")
    pvr("import", str(tmp_path / "all.tgz"))
    pvr("checkout")
    assert (tmp_path / "other/README.md").read_text() == "read me"
    assert Repository(tmp_path / "other").state == Repository(work).state


def test_what_is_left_out_is_named(
    pvr: PvrCommand, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who forgets to add or to commit learns it at once; a state that was merged is as it should be."""
    pvr("add", "web")
    assert "not tracked, so not committed: README.md; pvr add" in pvr.both("commit")[1]
    pvr("add")
    assert "not tracked" not in pvr.both("commit")[1]
    write(work, {"web/root.squashfs": "newer", "notes": "x"})
    assert "has web/root.squashfs as committed" in pvr.both("export", "../all.tgz")[1]
    assert "warning" not in pvr.both("export", "../readme.tgz", "--parts", "README.md")[1]
    pvr("init", str(tmp_path / "other"))
    monkeypatch.chdir(tmp_path / "other")
    pvr("merge", str(work))
    assert "warning" not in pvr.both("export", "../again.tgz")[1]


def test_an_export_of_an_unknown_part_gets_a_hint_and_writes_nothing(pvr: PvrCommand, work: Path) -> None:
    pvr("add")
    pvr("commit")
    assert "hint" in pvr.both("export", "../web.tgz", "--parts", "wep", status=2)[1]
    assert not (work.parent / "web.tgz").exists()


def test_get_and_deploy(
    pvr: PvrCommand, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pvr("add")
    pvr("commit")
    pvr("init", str(tmp_path / "other"))
    monkeypatch.chdir(tmp_path / "other")
    pvr("get", f"{work}#web")
    pvr("checkout")
    assert (tmp_path / "other/web/root.squashfs").read_text() == "root"
    assert not (tmp_path / "other/README.md").exists()
    pvr("deploy", str(tmp_path / "storage/trails/0"), str(work))
    assert (tmp_path / "storage/trails/0/web/root.squashfs").stat().st_nlink == 2


def test_a_deployment_that_a_device_cannot_use_is_refused_or_warned_of(
    pvr: PvrCommand, work: Path, tmp_path: Path
) -> None:
    pvr("add")
    pvr("commit")
    storage = tmp_path / "storage"
    assert "there is no revision" in pvr.both("deploy", str(storage / "trails/0"), status=2)[1]
    assert not storage.exists()
    assert "trails/0 has no bsp" in pvr.both("deploy", str(storage / "trails/0"), str(work))[1]
    assert (
        "would hold nothing"
        in pvr.both("deploy", "-n", str(storage / "trails/0"), f"{work}#-web,-README.md", status=2)[1]
    )
    board = tmp_path / "board"
    pvr("init", str(board))
    write(board, {"bsp/run.json": '{"linux": "k", "initrd": "i"}', "bsp/k": "kernel", "bsp/i": "initrd"})
    Repository(board).add()
    Repository(board).commit()
    said = pvr.both("deploy", str(storage / "trails/0"), str(board))[1]
    assert "was committed already" in said and "no bsp" not in said
    assert "warning" not in pvr.both("deploy", str(storage / "trails/0"), str(board))[1], (
        "the same again changes nothing"
    )
    assert (
        "warning"
        not in pvr.both("deploy", str(storage / "trails/1"), str(storage / "trails/0"), str(work))[1]
    )


def test_commands_work_from_below_the_root(
    pvr: PvrCommand, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(work / "web")
    pvr("add", "run.json")
    pvr("commit")
    assert json.loads(pvr("status", "--json"))["untracked"] == ["README.md", "web/root.squashfs"]


# Jobs


@pytest.mark.parametrize("verb", ["export-container", "export-bsp", "build-root", "check-image"])
@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"nam":1}', "\x00", "[" * 100000])
def test_a_bad_job_is_the_users_mistake_and_names_its_file(
    pvr: PvrCommand, tmp_path: Path, verb: str, text: str
) -> None:
    job = tmp_path / "job.json"
    job.write_text(text)
    assert "job.json" in pvr.both(verb, "--job", str(job), status=2)[1]


# Manual, completion, help


def test_the_manual_names_every_command_and_option(pvr: PvrCommand) -> None:
    page = pvr("man")
    for words, parser in manual.walk(cli.parser()):
        assert not words or f".SH COMMAND {' '.join(words).upper()}" in page
        for action in parser._actions:
            if not isinstance(action, argparse._HelpAction):
                for option in action.option_strings:
                    assert option.replace("-", "\\-") in page, (words, option)


def test_the_manual_is_good_roff(pvr: PvrCommand) -> None:
    tools.need("groff", package="groff-base")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww"], input=pvr("man"), capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0 and "warning" not in done.stderr


def test_the_manual_shows_no_line_that_roff_takes_for_a_request(pvr: PvrCommand) -> None:
    for line in pvr("man").splitlines():
        assert re.match(r"\.(TH|SH|SS|PP|TP|B|nh|ad) ?", line) or not line.startswith((".", "'")), line


@pytest.mark.parametrize("words", list(COMMANDS), ids=" ".join)
def test_every_command_helps_itself(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {COMMANDS[words].prog} ")


def test_every_command_and_option_states_what_it_is_for() -> None:
    for words, parser in manual.walk(cli.parser()):
        assert parser.description and re.fullmatch(r"[A-Z].*[.]", parser.description), words
        for action in parser._actions:
            assert action.help or isinstance(action, argparse._SubParsersAction), (words, action.dest)


def complete(script: str, *words: str, cwd: Path) -> set[str]:
    """What bash offers for the last of the words."""
    code = 'COMP_CWORD=$(($# - 1)); COMP_WORDS=("$@"); _pvr; printf "%s\\n" "${COMPREPLY[@]}"'
    command = ["bash", "-uc", f"{script}\n{code}", "bash", "pvr", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=cwd, check=True)
    assert done.stderr == ""
    return set(filter(None, done.stdout.split("\n")))


@pytest.mark.parametrize(
    "words, wanted, unwanted",
    [
        ([""], {"init", "sig", "commit", "--version"}, {"--part"}),
        (["comm"], {"commit"}, {"init"}),
        (["sig", ""], {"add", "update", "ls"}, {"init"}),
        (["-q", "sig", ""], {"add", "update", "ls"}, set()),
        (["sig", "--key", "init", "add", "--"], {"--part"}, {"--objects"}),
        (["app", "add", "web", "--pl"], {"--platform"}, {"--from"}),
        (["completion", ""], {"bash", "zsh"}, {"init"}),
        (["nonsense", ""], {"init"}, set()),
        (["app", "nonsense", "a b", ""], {"ls"}, set()),
        (["add", ""], {"--raw", "a file with blanks"}, {"a"}),
        (["sig", "--key", ""], {"a file with blanks"}, set()),
        (["sig", ""], {"--key", "attach"}, {"a file with blanks"}),
        (["device", "disk", ""], {"set"}, {"a file with blanks"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bash_completes(
    pvr: PvrCommand, tmp_path: Path, words: list[str], wanted: set[str], unwanted: set[str]
) -> None:
    write(tmp_path, {"a file with blanks": ""})
    offered = complete(pvr("completion", "bash"), *words, cwd=tmp_path)
    assert wanted <= offered and not unwanted & offered


@pytest.mark.parametrize(
    "shell", [["bash", "--norc", "--noprofile"], ["zsh", "-f", "-o", "nopromptsp"]], ids=" ".join
)
def test_tab_completes_in_a_real_shell(pvr: PvrCommand, tmp_path: Path, shell: list[str]) -> None:
    tools.need(shell[0], package=shell[0])
    write(tmp_path, {"completion": pvr("completion", shell[0]), "some export.tgz": ""})
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        # No user's own cache of completions, and no redrawing of the line by zsh.
        environment = {
            **ENVIRONMENT,
            "TERM": "dumb",
            "PS1": "ready",
            "HOME": str(tmp_path),
            "ZDOTDIR": str(tmp_path),
        }
        os.execvpe(shell[0], shell, environment)
    try:
        os.write(terminal, b"source ./completion; PS1='go '\n")
        until(terminal, "\ngo ")
        for typed, shown in (
            ("sig upd", "sig update "),
            ("sig add --pa", "--part "),
            ("get so", "some\\ export.tgz "),
        ):
            # Ctrl-U empties the line for the next one.
            os.write(terminal, f"\x15pvr {typed}\t".encode())
            until(terminal, shown)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def until(terminal: int, wanted: str) -> None:
    """Read what the shell shows until it shows that."""
    found = ""
    while wanted not in found.replace("\r", "").replace("\a", ""):
        ready, _, _ = select.select([terminal], [], [], 20)
        assert ready, repr(found)
        found += os.read(terminal, 4096).decode()


def test_completion_of_an_unknown_shell_is_refused(tmp_path: Path) -> None:
    assert process("completion", "fish", cwd=tmp_path).returncode == 2


def test_zsh_reads_the_completion(pvr: PvrCommand) -> None:
    tools.need("zsh", package="zsh")
    subprocess.run(["zsh", "-n"], input=pvr("completion", "zsh"), text=True, check=True, timeout=600)


# The console


def test_a_log_is_not_a_terminal_and_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    shown = console.Console()
    for done in range(0, 1001, 10):
        shown.progress("image", done * 1000, 1000 * 1000)
    assert stream.getvalue().splitlines()[-1] == "image: 1.0 of 1.0 MB" and "\r" not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) <= 2


def test_a_small_amount_is_not_nothing_and_a_log_has_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    shown = console.Console()
    for _ in range(4):
        shown.progress("sending", 2442, 2442)
    assert stream.getvalue() == "sending: 2.4 of 2.4 kB\n"


def test_a_terminal_gets_a_bar_that_ends_before_the_next_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    shown = console.Console()
    shown.progress("image", 0, 0)
    shown.progress("image", 1, 100)
    shown.error(PantavisorError("no", hint="yes"))
    assert stream.getvalue().endswith("\npvr: no\n  hint: yes\n")


def test_a_table_is_as_wide_as_it_needs_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    console.Console().table(("a", "bb"), [("long", "x"), ("s", "")])
    assert capsys.readouterr().out == "a     bb\nlong  x\ns\n"
    console.Console().table(("a", "bb"), [])
    assert capsys.readouterr().out == "a  bb\n"


# Names of the published tool


def test_clone_finds_a_name_for_its_directory(
    pvr: PvrCommand, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pvr("add", ".")
    pvr("commit")
    pvr("export", str(tmp_path / "demo.pvrexport.tgz"))
    monkeypatch.chdir(tmp_path)
    pvr("clone", "demo.pvrexport.tgz")
    assert (tmp_path / "demo/README.md").read_text() == "read me"
    assert "exists already" in pvr.both("clone", "demo.pvrexport.tgz", status=2)[1]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    pvr("clone", str(work / ".pvr"))
    assert (tmp_path / "elsewhere/work/README.md").is_file()


def test_an_export_to_stdout_is_the_plain_one(pvr: PvrCommand, work: Path) -> None:
    pvr("add")
    pvr("commit")
    pvr("export", "../plain.tar")
    done = subprocess.run(
        [sys.executable, "-m", "pantavisor", "export", "-"], cwd=work, env=ENVIRONMENT, capture_output=True
    )
    assert (done.returncode, done.stdout) == (0, (work.parent / "plain.tar").read_bytes())


def test_init_and_checkout_take_the_published_options(pvr: PvrCommand, work: Path, tmp_path: Path) -> None:
    pvr("init", "--spec", "pantavisor-service-system@1", str(tmp_path / "other"))
    assert (
        'use "pantavisor-service-system@1"'
        in pvr.both("init", "--spec", "pantavisor-service-system@2", str(tmp_path / "x"), status=2)[1]
    )
    pvr("add")
    pvr("commit")
    pvr("checkout", "-c")
    assert (work / "web/run.json").read_text() == '{"group":"app","name":"web"}'


def test_a_checkpoint_records_when(pvr: PvrCommand, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pvr("add")
    pvr("commit")
    before = Repository(work).state
    pvr("commit", "-c")
    time = Repository(work).state["checkpoint.json"]["major"]
    assert abs(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() - clock()) < 60
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    pvr("commit", "--checkpoint")
    assert Repository(work).state == before.with_files(
        {"checkpoint.json": {"major": "2001-09-09T01:46:40Z"}}
    )
    assert Repository(work).status().is_clean and pvr("status") == ""
    state = (work / ".pvr/json").read_bytes()
    for wrong, said in (("soon", "not a number of seconds"), ("9" * 18, "later than the year 9999")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
        assert said in pvr.both("commit", "-c", status=2)[1]
    assert (work / ".pvr/json").read_bytes() == state


def test_fragments_with_a_minus(
    pvr: PvrCommand, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(work, {"db/run.json": "{}"})
    pvr("add")
    pvr("commit")
    pvr("export", "--parts", "db,README.md", "../some.tar")
    with tarfile.open(tmp_path / "some.tar") as tar:
        assert json.loads(tar.extractfile("json").read()).keys() == {"#spec", "README.md", "db/run.json"}
    pvr("clone", f"{work}#-web", str(tmp_path / "other"))
    monkeypatch.chdir(tmp_path / "other")
    assert Repository(Path(".")).state.part_names() == ("db",)
    pvr("merge", f"{work}#web,-db")
    assert Repository(Path(".")).state.part_names() == ("db", "web")
    pvr("get", f"{work}#web,-db")
    assert Repository(Path(".")).state.part_names() == ("web",)
    assert 'hint: use "web"' in pvr.both("get", f"{work}#-wep", status=2)[1]
    pvr("clone", f"{work}#wep", str(tmp_path / "none"), status=2)
    assert not (tmp_path / "none").exists()
    target = tmp_path / "storage/trails/0"
    pvr("deploy", str(target), f"{work}#-db")
    pvr("deploy", "-n", str(target), f"{work}#db,-web")
    assert Repository(target).state.part_names() == ("db",)
    pvr("deploy", str(target))


def test_each_command_is_found_in_the_module_that_has_it() -> None:
    top = {words[0] for words in COMMANDS if len(words) == 1}
    assert top - WHOLE == {name for names in cli.MODULES.values() for name in names}
    for name in top - WHOLE:
        assert (name,) in dict(manual.walk(cli.parser(name)))


def loaded_by(word: str, folder: Path) -> set[str]:
    """The modules that are loaded when ``pvr`` ends."""
    code = f"import sys; from pantavisor import cli\ntry: cli.main(['{word}'])\nexcept SystemExit: pass\n"
    words = [sys.executable, "-c", f"{code}print(*sys.modules, sep='\\n')"]
    done = subprocess.run(words, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    return set(done.stdout.split())


def test_the_version_loads_no_command(tmp_path: Path) -> None:
    loaded = loaded_by("--version", tmp_path)
    assert "pantavisor.cli" in loaded and not loaded & {f"pantavisor.cli.{name}" for name in cli.MODULES}


def test_a_command_loads_no_other(tmp_path: Path) -> None:
    loaded = loaded_by("status", tmp_path)
    assert "pantavisor.repo" in loaded and not loaded & {
        "pantavisor.registry",
        "pantavisor.squashfs",
        "cryptography",
        "ssl",
    }


@pytest.mark.parametrize(
    "words", [["-q", "init"], ["init", "-q"], ["init", "--quiet"], ["-v", "init", "-q"]]
)
def test_pvr_s_own_switches_may_stand_behind_the_command(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == 0
    assert capsys.readouterr().err == "" and (tmp_path / ".pvr").is_dir()


def test_json_at_a_terminal_holds_nothing_that_bends_it(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"ä": "\x9b2J\u202e\x1b\ud800\U000e0001 é"}
    console.Console().json(value)
    out = capsys.readouterr().out
    assert json.loads(out) == value and "é" in out and out.replace("\n", "").isprintable()
