# SPDX-License-Identifier: MIT
"""``pvr logs``: what containers and the runtime wrote, from a storage tree."""

from pathlib import Path

import pytest
from pantavisor import readers
from pantavisor.readers.logs import MAX_LINE_BYTES
from sim.pvr_command import PvrCommand

LOGS = {
    "0/web/console.log.1": b"first\r\n",
    "0/web/console.log": b"sec\x1b[2Jond\r\nlast without end",
    "0/pantavisor/pantavisor.log": b"[1.0] info\n",
    "0/pantavisor/console.log": b"of no container\n",
    "0/web/other.log": b"not ours\n",
}


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> PvrCommand:
    monkeypatch.chdir(tmp_path)
    return PvrCommand(capsys)


def write(folder: Path, logs: dict[str, bytes]) -> None:
    (folder / "trails").mkdir(parents=True, exist_ok=True)
    for name, content in logs.items():
        path = folder / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_all_lines_are_shown_with_who_wrote_them(command: PvrCommand, tmp_path: Path) -> None:
    write(tmp_path / "storage", LOGS)
    (tmp_path / "storage/logs/current").symlink_to("0")
    out, _ = command.both("logs", "storage")
    assert out.splitlines() == [
        "pantavisor: [1.0] info",
        "web: first",
        "web: sec\\x1b[2Jond",
        "web: last without end",
    ]


def test_one_container_is_shown_alone(command: PvrCommand, tmp_path: Path) -> None:
    write(tmp_path / "storage", LOGS)
    out, _ = command.both("logs", "storage", "web")
    assert out == "first\nsec\\x1b[2Jond\nlast without end\n"
    _, said = command.both("logs", "storage", "wb", status=2)
    assert 'unknown container with a log: "wb"' in said and 'use "web"' in said


def test_of_several_revisions_one_is_named(command: PvrCommand, tmp_path: Path) -> None:
    write(tmp_path / "storage", {**LOGS, "locals/next/web/console.log": b"new\n"})
    _, said = command.both("logs", "storage", status=2)
    assert "several revisions have logs: 0, locals/next\n  hint: use --revision 0" in said
    out, _ = command.both("logs", "storage", "--revision", "locals/next")
    assert out == "web: new\n"
    (tmp_path / "storage/logs/current").symlink_to("locals/next")
    out, said = command.both("logs", "storage")
    assert out == "web: new\n" and "of locals/next, which ran last; --revision names another: 0," in said
    (tmp_path / "storage/logs/current").unlink()
    (tmp_path / "storage/logs/current").symlink_to("gone")
    assert "several revisions" in command.both("logs", "storage", status=2)[1]
    (tmp_path / "storage/logs/current").unlink()
    _, said = command.both("logs", "storage", "--revision", "locals/nxt", status=2)
    assert 'use "locals/next"' in said
    out, _ = command.both("logs", "storage", "--list")
    assert [line.split() for line in out.splitlines()][1:] == [
        ["0", "pantavisor", "11"],
        ["0", "web", "35"],
        ["locals/next", "web", "4"],
    ]


def test_what_has_no_logs_is_said(command: PvrCommand, tmp_path: Path) -> None:
    write(tmp_path / "storage", {})
    assert "storage has no logs" in command.both("logs", "storage", status=2)[1]
    assert "does not exist" in command.both("logs", "nowhere", status=2)[1]
    said = command.both("logs", "http://192.168.1.5:12368", status=2)[1]
    assert "a device in the network does not show its logs" in said and "pvcontrol logs" in said
    said = command.both("logs", "storage", "web", "--follow", status=2)[1]
    assert "is not on its disk yet" in said and "pvcontrol logs" in said


def test_a_line_without_end_is_shown_in_pieces(tmp_path: Path) -> None:
    write(tmp_path, {"0/web/console.log": b"a" * (3 << 20)})
    findings = readers.Findings()
    with readers.opened(tmp_path, findings) as opened:
        assert opened.tree is not None
        (log,) = readers.logs(opened.tree)
        pieces = list(readers.log_lines(opened.tree, log))
    assert len(pieces) > 2 and sum(map(len, pieces)) == 3 << 20
    assert max(map(len, pieces)) <= (1 << 20) + MAX_LINE_BYTES


def test_a_link_in_place_of_a_log_is_not_followed(command: PvrCommand, tmp_path: Path) -> None:
    write(tmp_path / "storage", LOGS)
    (tmp_path / "storage/logs/0/web/console.log").unlink()
    (tmp_path / "storage/logs/0/web/console.log").symlink_to("/etc/passwd")
    out, _ = command.both("logs", "storage", "web")
    assert out == "first\n"


def test_names_of_logs_do_not_reach_the_terminal_as_they_are(command: PvrCommand, tmp_path: Path) -> None:
    logs = {"0/w\x1b[2Jeb/console.log": b"one\n", "locals/a\x1b[2J/web/console.log": b"two\n"}
    write(tmp_path / "storage", logs)
    out, _ = command.both("logs", "storage", "--list")
    _, said = command.both("logs", "storage", status=2)
    one, _ = command.both("logs", "storage", "--revision", "0")
    assert one == "w\\x1b[2Jeb: one\n"
    assert command.both("logs", "storage", "--revision", "locals/a\\x1b[2J")[0] == "web: two\n"
    assert "locals/a\\x1b[2J" in out + said and "\x1b" not in out + said
