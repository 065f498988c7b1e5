# SPDX-License-Identifier: MIT
"""pvr where things go wrong: closed and full streams, interrupts, folders of others, misspelt words."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pantavisor.cli import failures
from pantavisor.repo import Repository
from sim import tools
from sim.pvr_command import ENVIRONMENT, PvrCommand, begin, process, write

PVR = f"{sys.executable} -m pantavisor"
ONE_SENTENCE = re.compile(r"pvr: [^\n]+\n  hint: [^\n]+\n")


@pytest.fixture
def pvr(capsys: pytest.CaptureFixture[str]) -> PvrCommand:
    return PvrCommand(capsys)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pvr: PvrCommand) -> Path:
    """A repository with more files than a pipe holds the names of, and the current directory there."""
    return begin(
        pvr, monkeypatch, tmp_path / "work", {f"{'long' * 40}{number}.txt": "" for number in range(500)}
    )


def shell(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run by bash, which knows how to close a stream; ``pvr`` is the command."""
    code = f'pvr() {{ {PVR} "$@"; }}\n{line}'
    return subprocess.run(
        ["bash", "-c", code], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=600
    )


# Streams


@pytest.mark.parametrize(
    "command", ["status", "man", "--help", "app add --help", "export -", "completion bash"]
)
def test_a_reader_of_one_line_is_enough(work: Path, command: str) -> None:
    done = shell(f"pvr {command} | head -c 3 >/dev/null; echo ${{PIPESTATUS[0]}}", work)
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize(
    "line, status, says",
    [
        ("pvr --help >/dev/full", 2, "pvr: No space left on device\n  hint: make room and do it again\n"),
        ("pvr status >/dev/full", 2, "pvr: No space left on device\n  hint: make room and do it again\n"),
        ("pvr status >&-", 0, ""),
        ("pvr commit 2>/dev/full", 0, ""),
        ("pvr commit 2>&-", 0, ""),
        ("pvr commit 2>&1 | true; exit ${PIPESTATUS[0]}", 0, ""),
        ("pvr statsu 2>/dev/full", 2, ""),
        ("pvr export ../x.tar <&- >&- 2>&-", 0, ""),
    ],
)
def test_a_stream_that_is_full_or_closed(work: Path, line: str, status: int, says: str) -> None:
    done = shell(line, work)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", says)


def test_no_file_takes_the_number_of_a_closed_stream(work: Path) -> None:
    shell(
        "pvr add; pvr commit; pvr export ../good.tar; pvr export ../x.tar >&- 2>&-; "
        "pvr -v status --json <&- >&-",
        work,
    )
    assert (work.parent / "x.tar").read_bytes() == (work.parent / "good.tar").read_bytes()


# Interrupts


def test_an_interrupt_while_a_container_is_made_leaves_nothing(work: Path, tmp_path: Path) -> None:
    (tmp_path / "rootfs").mkdir()
    # Noise takes long to pack.
    (tmp_path / "rootfs/noise").write_bytes(os.urandom(32 * 1024 * 1024))
    (tmp_path / "rootfs/noise").chmod(0o755)
    # Tests that are started in the background ignore SIGINT, and so their children.
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from pantavisor import cli; sys.exit(cli.main())"
    words = [
        "app", "add", "web", "--type", "rootfs", "--from", "../rootfs", "--config", "Entrypoint=/noise",
    ]  # fmt: skip
    child = subprocess.Popen(
        [sys.executable, "-c", code, *words, "--profile", "xz:9"],
        cwd=work,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None and "packing web" in child.stderr.readline()
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=600)
    assert child.returncode == 130 and said.endswith("interrupted; nothing half-written was left behind\n")
    assert not (work / "web").exists() and not list((work / ".pvr").glob(".*"))


def test_an_interrupt_while_it_loads_has_no_traceback(work: Path) -> None:
    code = "import sys, signal, os; from pantavisor import __main__ as entry\n"
    code += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "class Slow:\n    def find_spec(self, *_):\n        os.kill(os.getpid(), signal.SIGINT)\n"
    code += "sys.meta_path.insert(0, Slow()); sys.exit(entry.run())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=work, env=ENVIRONMENT, capture_output=True, text=True, timeout=600
    )
    assert (done.returncode, done.stderr) == (130, "")


# Folders of others


def nobody(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """As a user who may read but not write here."""
    environment = {**ENVIRONMENT, "PVR_SAFE_DIRECTORY": "*"}
    argv = [*tools.nobody(), sys.executable, "-m", "pantavisor", *words]
    return subprocess.run(argv, cwd=cwd, env=environment, capture_output=True, text=True, timeout=600)


@pytest.fixture
def foreign(pvr: PvrCommand, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository that all users can read, and an export next to it."""
    with tools.open_folder() as folder:
        folder.chmod(0o755)
        pvr("init", str(folder / "foreign"))
        monkeypatch.chdir(folder / "foreign")
        write(folder / "foreign", {"web/run.json": "{}"})
        pvr("add")
        pvr("commit")
        pvr("export", "../all.tgz")
        yield folder / "foreign"


@pytest.mark.parametrize("words", [["status"], ["diff"], ["app", "ls"], ["inspect", "."], ["export", "-"]])
def test_who_may_only_read_can_look(foreign: Path, words: list[str]) -> None:
    done = nobody(*words, cwd=foreign)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "words, where",
    [
        (["add"], ".pvr/lock"),
        (["commit"], ".pvr/lock"),
        (["gc"], ".pvr/lock"),
        (["device", "init"], ".pvr/lock"),
        (["app", "add", "x", "--type", "rootfs", "--from", "web"], ".pvr/lock"),
        (["import", "../all.tgz"], ".pvr/lock"),
        (["export", "../x.tgz"], "x.tgz"),
        (["init", "inside"], "inside"),
        (["clone", "../all.tgz"], "all"),
        (["keys", "generate", "inside"], "inside"),
        (["deploy", "storage/trails/0", "../all.tgz"], "storage"),
    ],
)
def test_a_refused_write_names_the_place(foreign: Path, words: list[str], where: str) -> None:
    before = sorted(path.name for path in foreign.parent.rglob("*"))
    done = nobody(*words, cwd=foreign)
    assert done.returncode == 2 and ONE_SENTENCE.fullmatch(done.stderr), done.stderr
    assert f"{where}: Permission denied" in done.stderr
    assert sorted(path.name for path in foreign.parent.rglob("*")) == before


@pytest.mark.parametrize(
    "name, shown",
    [
        ("/x/.web.tgz.ab12_xyz.part", "/x/web.tgz"),
        ("/x/.web.ab12_xyz", "/x/web"),
        ("/x/.pvr/.writing.ab12_xyz", "/x/.pvr"),
        ("/x/.hidden", "/x/.hidden"),
        ("/x/plain", "/x/plain"),
    ],
)
def test_the_file_that_is_meant_is_named(name: str, shown: str) -> None:
    explained = failures.explain(OSError(errno.EROFS, "Read-only file system", name))
    assert (
        str(explained)
        == f"{shown}: Read-only file system\n  hint: mount it writable, or name another directory"
    )
    assert failures.explain(OSError("ours")) is None


# Empty, misspelt, missing


def test_a_command_in_no_repository(tmp_path: Path) -> None:
    for words in (
        ["add"], ["app", "ls"], ["sig", "ls"], ["gc"], ["get", "x"], ["export", "x.tgz"], ["device", "ls"],
    ):  # fmt: skip
        done = process(*words, cwd=tmp_path)
        said = f"pvr: {tmp_path} is not in a pvr repository\n  hint: run: pvr init\n"
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_an_empty_repository_is_whole(
    pvr: PvrCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pvr("init", str(tmp_path / "empty"))
    monkeypatch.chdir(tmp_path / "empty")
    for words in (["status"], ["app", "ls"], ["gc"], ["commit"], ["checkout"], ["export", "../x.tgz"],
                  ["import", "../x.tgz"], ["merge", "../x.tgz"],
                  ["clone", "../x.tgz", "../y"]):  # fmt: skip
        assert pvr(*words) == "", words
    assert pvr("diff") == "{}\n"
    assert "0 problems" in pvr.both("verify", ".")[1] and "Problems" not in pvr("inspect", ".")
    assert "committed" in pvr.both("commit")[1] and pvr.both("commit")[1].endswith(": 1 path\n")


MISTAKES = [
    (["add", "nope"], "nope does not exist in .*/work", None),
    (["add", "web/rum.json"], "web/rum.json does not exist in .*", 'use "web/run.json"'),
    (["add", "/etc/passwd"], "/etc/passwd lies outside .*", "copy it there first"),
    (["add", "sub"], "sub is a repository of its own", "to take its parts, run: pvr get"),
    (["get", ""], "the source has no name", "name a repository or an export"),
    (["get", "#web"], "the source has no name", "name a repository or an export"),
    (["clone", "nope"], "nope does not exist", "name a repository or an export"),
    (
        ["deploy", "../there/trails/0", "https://example.com/x"],
        "https://example.com/x is in the network",
        "run: pvr clone, and take it from there",
    ),
    (
        ["merge", "web"],
        "web is neither a repository nor an export",
        "to make an export, run: pvr export FILE.tgz",
    ),
    (
        ["merge", "web/run.json"],
        "web/run.json is not a ustar archive",
        "to make an export, run: pvr export FILE.tgz",
    ),
    (
        ["clone", ".", "web"],
        ".*/web exists already",
        "name a directory after the source that is empty or does not exist",
    ),
    (
        ["app", "add", "x", "--from", ""],
        "--from names no source",
        "name an image such as docker.io/nginx:stable",
    ),
    (["app", "add", "x", "--from", "./nope"], "./nope is a path and not an image", "use --type rootfs, .*"),
    (
        ["app", "add", "x", "--from", "../work"],
        "../work is a path and not an image",
        "use --type rootfs, .*",
    ),
    (
        ["app", "add", "x", "--type", "rootfs", "--from", "nope"],
        "nope is neither a directory nor a tarball",
        None,
    ),
    (["app", "info", "wbe"], "there is no container wbe in .*", 'use "web"'),
]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pvr: PvrCommand) -> Path:
    """A repository with a container and, in a folder, a repository of its own."""
    root = tmp_path / "work"
    pvr("init", str(root))
    monkeypatch.chdir(root)
    write(
        root,
        {
            "web/run.json": "{}",
            "web/src.json": '{"#spec": "service-manifest-src@1", "template": "builtin-lxc-docker"}',
        },
    )
    pvr("init", "sub")
    write(root, {"sub/file.txt": ""})
    return root


@pytest.mark.parametrize(
    "words, sentence, hint", MISTAKES, ids=[" ".join(words) for words, _, _ in MISTAKES]
)
def test_a_mistake_is_reported_in_a_sentence(
    pvr: PvrCommand, small: Path, words: list[str], sentence: str, hint: str
) -> None:
    out, said = pvr.both(*words, status=2)
    lines = said.splitlines()
    assert out == "" and re.fullmatch(f"pvr: (?:{sentence})", lines[0]), said
    assert hint is None or re.fullmatch(f"  hint: {hint}".replace("?", "[?]"), lines[1]), said
    assert not list(small.glob(".pvr/.*")) and sorted(os.listdir(small)) == [".pvr", "sub", "web"]


def test_a_repository_in_a_folder_stays_apart(pvr: PvrCommand, small: Path) -> None:
    assert pvr("status") == "? web/run.json\n? web/src.json\n"
    pvr("add")
    pvr("commit")
    assert set(Repository(small).state) == {"#spec", "web/run.json", "web/src.json"}


def test_a_clone_is_whole_or_not_at_all(pvr: PvrCommand, small: Path, tmp_path: Path) -> None:
    write(small, {"web/root.squashfs": "root"})
    pvr("add")
    pvr("commit")
    (tmp_path / "here").mkdir()
    held = os.open(tmp_path / "here", os.O_RDONLY)
    pvr("clone", ".", str(tmp_path / "here"))
    # A shell in the folder is still in it.
    assert os.listdir(held) and json.loads((tmp_path / "here/web/run.json").read_text()) == {}
    os.close(held)
    assert pvr.both("clone", ".", str(tmp_path / "here"), status=2)[1].startswith(
        f"pvr: {tmp_path}/here exists already"
    )
    Repository(small).pool.path(Repository(small).state.objects()["web/root.squashfs"]).unlink()
    before = sorted(os.listdir(tmp_path))
    pvr.both("clone", ".", str(tmp_path / "there"), status=2)
    assert sorted(os.listdir(tmp_path)) == before
