# SPDX-License-Identifier: MIT
"""What scripts for the published pvr write is understood: rows against parser, page and command lines."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pantavisor import cli
from pantavisor.cli import argument_parser, manual, published
from pantavisor.repo import Repository
from sim.pvr_command import PvrCommand, begin, write

PAGE = Path(cli.__file__).resolve().parents[3] / "docs/published.md"
# One line for each way to write something that the published help shows.
LINES = """
init -o ../objects | i -s pantavisor-service-system@1
add -r x.json | a x y
json | json -c | j
status | s
diff x y
commit -m message -c | ci -m message
reset -c | checkout --hl | r --hardlink | co
clone -o o -c -s pantavisor-service-system@1 x y | c x
get x y | g x | get
merge x | m x y
export -p a,b x.tgz
import x.tgz
deploy -n t x y | d --nomerge t x | deploy t
inspect | inspect x
app ls | ap l
app add -u me -p pw --from x --platform linux/arm -t docker --source remote -o "-comp xz" --base y z
app aa --from x --runlevel app --group g --restart-policy system --status-goal READY --config-json {} z
ap aa --from x --arg A=b --volume /x:permanent z
app install x | app ai -t rootfs --source remote -u me -p pw x
app update -t docker -u me -p pw --platform linux/arm --patch x | app au --newbase x | \
app update --base y --from z x
app rm x | app r x
app info x | app i x
sig -k key -x no add -p web -n | sig -k key a -p web -i x -e y | sig add -r x -i y
sig -k key up | sig update x y
sig -c ca ls | sig -p pub ls -p web -s
dm-convert a b | dmc a/b
dm-apply | dma a
completion | com bash
version
help | h app add
--disable-self-upgrade status
-a token -b url -r url -c dir -d -i --http-proxy http://x:1 status
"""
CALLS = [line for row in LINES.strip().splitlines() for line in row.split(" | ")]
WHOLE = cli.parser()


@pytest.fixture
def pvr(capsys: pytest.CaptureFixture[str]) -> PvrCommand:
    return PvrCommand(capsys)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pvr: PvrCommand) -> Path:
    files = {"web/run.json": '{"name": "web"}', "web/x": "x", "db/run.json": "{}", "README.md": "read me"}
    root = begin(pvr, monkeypatch, tmp_path / "work", files)
    pvr("add")
    pvr("commit")
    return root


def words(line: str) -> list[str]:
    return [word.replace('"', "") for word in line.replace('"-comp xz"', '"-comp\0xz"').split(" ")]


@pytest.mark.parametrize("line", CALLS)
def test_a_line_for_the_published_tool_is_understood(line: str) -> None:
    given = [word.replace("\0", " ") for word in words(line)]
    whole = WHOLE.parse_args(given)
    # The same as with only the command's own module.
    assert vars(cli._parse(given)).keys() >= vars(whole).keys() - {"ignored"}


def test_every_row_is_in_the_parser_as_another_name_of_the_same() -> None:
    commands = {" ".join(found): parser for found, parser in manual.walk(cli.parser(), aliases=True)}
    for row in published.ROWS:
        own = commands[row.command]
        above = row.command.rpartition(" ")[0]
        for name in row.names:
            assert commands[f"{above} {name}".strip()] is own
        for option, others in row.options.items():
            assert {own._option_string_actions[other] for other in others} == {
                own._option_string_actions[option]
            }
        assert all(option in own._option_string_actions for option in row.variables)
        for option in row.ignored:
            assert all(own._option_string_actions[flag].help == "no effect" for flag in option.flags)


def rows() -> str:
    """The table of the page."""
    lines = ["| command | also | options | from the environment |", "|---|---|---|---|"]
    for row in published.ROWS:
        options = [
            f"`{option}` {' '.join(f'`{other}`' for other in others)}"
            for option, others in row.options.items()
        ]
        options += [f"{' '.join(f'`{flag}`' for flag in option.flags)} no effect" for option in row.ignored]
        variables = [f"`{option}` `{variable}`" for option, variable in row.variables.items()]
        cells = (
            f"`{row.command}`",
            " ".join(f"`{name}`" for name in row.names),
            ", ".join(options),
            ", ".join(variables),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(line.replace("|  |", "| |").replace("|  |", "| |") for line in lines) + "\n"


def test_the_page_has_the_rows() -> None:
    assert rows() in PAGE.read_text(), f"docs/published.md should hold:\n{rows()}"
    for option in published.GLOBAL:
        assert f"`{option.flags[-1]}`" in PAGE.read_text()


def test_a_command_that_is_not_here_is_refused_with_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    section = PAGE.read_text().partition("## Not here")[2]
    for name in published.ABSENT_HINTS:
        assert f"`{name}`" in section
        with pytest.raises(SystemExit, match="2"):
            cli.main([name, "x"])
        assert (
            capsys.readouterr().err
            == f'pvr: pvr has no command "{name}"\n  hint: {published.ABSENT_HINTS[name]}\n'
        )
    assert not set(published.ABSENT_HINTS) & set(argument_parser.verbs(cli.parser()))


def test_names_that_the_manual_shows_once() -> None:
    text = manual.manual(cli.parser())
    assert text.count(".SH COMMAND CHECKOUT\n") == 1 and ".SH COMMAND CO\n" not in text
    assert "checkout (reset, r, co)" in cli.parser().format_help()


# What it does


def test_json_is_the_committed_state(pvr: PvrCommand, work: Path) -> None:
    write(work, {"web/x": "changed"})
    committed = (work / ".pvr/json").read_text()
    assert pvr("json", "-c") == f"{committed}\n"
    assert json.loads(pvr("j")) == json.loads(committed) and pvr("j").startswith('{\n    "#spec"')


def test_version_and_help(pvr: PvrCommand, work: Path) -> None:
    assert pvr("version").startswith("pvr ")
    assert "--from" in pvr("help", "app", "add") and "COMMAND" in pvr("h")
    assert 'unknown command "statsu"' in pvr.both("help", "statsu", status=2)[1]


def test_diff_of_some_files(pvr: PvrCommand, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(work, {"web/x": "changed", "README.md": "changed"})
    (work / "db/run.json").unlink()
    assert set(json.loads(pvr("diff"))) == {"web/x", "README.md", "db/run.json"}
    assert set(json.loads(pvr("diff", "web"))) == {"web/x"}
    assert json.loads(pvr("diff", "db/run.json", "web/run.json")) == {"db/run.json": None}
    monkeypatch.chdir(work / "web")
    assert set(json.loads(pvr("diff", "x"))) == {"web/x"} and set(json.loads(pvr("diff", "."))) == {"web/x"}
    assert "neither committed nor staged" in pvr.both("diff", "none", status=2)[1]
    assert "outside" in pvr.both("diff", "../..", status=2)[1]


def test_add_of_a_pattern_takes_files(pvr: PvrCommand, work: Path) -> None:
    write(work, {"a.txt": "a", "b.txt": "b", "c/d.txt": "d", "[x]": "x"})
    pvr("add", "*.txt")
    assert "A a.txt\nA b.txt\n? [x]\n? c/d.txt\n" == pvr("status")
    pvr("add", "[x]", "c/*")
    assert "?" not in pvr("status")
    assert "does not exist" in pvr.both("add", "*.none", status=2)[1]


def test_get_into_another_repository_and_again_from_the_last(
    pvr: PvrCommand, work: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    pvr("init", str(other))
    assert "no source was taken yet" in pvr.both("merge", status=2)[1]
    pvr("get", ".#web", str(other))
    assert Repository(other).state.part_names() == ("web",)
    write(work, {"web/x": "newer"})
    pvr("commit")
    os.chdir(other)
    pvr("get")
    assert Repository(other).state == Repository(work).state.without(["README.md", "db/run.json"])
    pvr("clone", f"{work}#db", "../third")
    os.chdir("../third")
    pvr("merge")
    assert Repository(Path(".")).state.part_names() == ("db",)


def test_a_last_source_in_the_network_is_asked_there(
    pvr: PvrCommand, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = json.loads((work / ".pvr/config").read_text())
    write(work, {".pvr/config": json.dumps({**config, "DefaultGetUrl": "http://127.0.0.1:1/x/y"})})
    monkeypatch.setattr("pantavisor.remote.session.ATTEMPTS", 1)
    assert "127.0.0.1:1 cannot be reached" in pvr.both("get", status=2)[1]


def test_clone_with_objects_elsewhere(
    pvr: PvrCommand, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pvr("clone", "-o", "../objects", str(work), str(tmp_path / "one"))
    assert (
        Repository(tmp_path / "one").pool.root == tmp_path / "objects"
        and len(os.listdir(tmp_path / "objects")) == 2
    )
    monkeypatch.setenv("PVR_OBJECTS_DIR", str(tmp_path / "objects"))
    pvr("clone", str(work), str(tmp_path / "two"))
    pvr("init", str(tmp_path / "three"))
    pvr("init", "-o", "mine", str(tmp_path / "four"))
    pools = [Repository(tmp_path / name).pool.root for name in ("two", "three", "four")]
    assert pools == [tmp_path / "objects", tmp_path / "objects", tmp_path / "four/mine"]


def test_variables_speak_where_the_options_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in (("PVR_FROM", "nginx"), ("PVR_PLATFORM", "linux/arm"),
                            ("PVR_TEMPLATE_ARG", "A=1,B=2"),
                            ("PVR_PERSISTENCE_VOLUME", "/x:boot")):  # fmt: skip
        monkeypatch.setenv(variable, value)
    found = cli._parse(["app", "add", "web"])
    assert (found.source, found.platform, found.arg, found.volume) == (
        "nginx",
        "linux/arm",
        ["A=1", "B=2"],
        ["/x:boot"],
    )
    found = cli._parse(
        ["app", "add", "web", "--from", "alpine", "--arg", "C=3", "--platform", "linux/amd64"]
    )
    assert (found.source, found.platform, found.arg) == ("alpine", "linux/amd64", ["C=3"])


def test_a_proxy_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, pvr: PvrCommand, work: Path
) -> None:
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, "")
    pvr("--http-proxy", "http://p:1", "status")
    assert os.environ["http_proxy"] == os.environ["https_proxy"] == "http://p:1"


def test_an_update_keeps_its_type(pvr: PvrCommand, work: Path, tmp_path: Path) -> None:
    write(tmp_path, {"rootfs/sbin/init": "init\n"})
    (tmp_path / "rootfs/sbin/init").chmod(0o755)
    from_rootfs = ("--from", str(tmp_path / "rootfs"), "-o", "-comp gzip")
    pvr("app", "add", "new", "-t", "rootfs", *from_rootfs)
    assert "is of type rootfs" in pvr.both("app", "update", "-t", "docker", "new", status=2)[1]
    pvr("app", "au", "-t", "rootfs", *from_rootfs, "new")
    assert "no container has dm-verity" in pvr.both("dma", status=2)[1]
    pvr("dmc", "new")
    assert "new is written again" in pvr.both("dma")[1]


def test_roots_may_be_a_folder(pvr: PvrCommand, work: Path, tmp_path: Path) -> None:
    pvr("keys", "generate", "../keys", "--algorithm", "ES256")
    pvr("sig", "-k", "../keys/key.pem", "-x", "../keys/x5c.pem", "a", "-p", "web")
    (tmp_path / "roots").mkdir()
    assert "holds no file .pem or .crt" in pvr.both("sig", "-c", "../roots", "ls", "-p", "web", status=2)[1]
    (tmp_path / "roots/one.crt").write_bytes((tmp_path / "keys/ca.crt").read_bytes())
    out = pvr("sig", "-c", "../roots", "ls", "-p", "web", "-s")
    assert "protected  web/run.json" in out and '_sigs/web.json {"#spec"' in out
    assert argument_parser.verbs(cli.parser())["sig"]
