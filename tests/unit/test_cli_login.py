# SPDX-License-Identifier: MIT
"""--username and --password of pvr app: who gets them, and that no one else sees them."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pantavisor import cli
from pantavisor.repo import Repository
from sim.pvr_command import PvrCommand
from sim.registry import Registry, answer, change, images, redirect

USER, SECRET = "someone", "s3cret:with a blank"
BASIC = "Basic " + base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
MISTAKES = [
    (["-p", SECRET], "needs the name of a user"),
    (["-u", "a:b", "-p", SECRET], "needs the name of a user, without a colon"),
    (["-u", USER], "the password of someone is empty"),
    (["-u", USER, "-p", "\udcff"], "the password of someone is empty or not a password"),
    (["-u", USER, "-p", ""], "the password of someone is empty"),
    (["-u", USER, "--password-stdin"], "the password of someone is empty"),
]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as running:
        running.users[USER] = SECRET
        running.challenge = 'Basic realm="here"'
        running.add("web", "1", images.image({"bin/sh": b"#!"}))
        yield running


@pytest.fixture
def pvr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> PvrCommand:
    """In a repository, in a home without logins, and with nothing on standard input."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for variable in (
        "DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY",
    ):  # fmt: skip
        monkeypatch.delenv(variable, raising=False)
    Repository.init(tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return PvrCommand(capsys)


def add(pvr: PvrCommand, registry: Registry, *words: str, status: int = 0) -> tuple[str, str]:
    source = f"{registry.host}/web:1"
    fixed = ["--platform", "linux/amd64", "--profile", "fast"]
    return pvr.both("app", "add", "web", "--from", source, *fixed, *words, status=status)


def holds_secret(root: Path) -> list[Path]:
    words = (SECRET.encode(), BASIC[6:].encode())
    return [
        path
        for path in root.rglob("*")
        if path.is_file() and any(word in path.read_bytes() for word in words)
    ]


def test_the_registry_gets_them_and_no_file_does(
    pvr: PvrCommand, registry: Registry, tmp_path: Path
) -> None:
    assert "someone" not in "".join(add(pvr, registry, "-u", USER, "--password", SECRET))
    assert {seen.headers.get("Authorization") for seen in registry.seen} == {None, BASIC}
    assert (tmp_path / "work/web/root.squashfs").is_file() and not holds_secret(tmp_path)


def test_standard_input_is_read_to_the_end_of_the_line(
    pvr: PvrCommand, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\nmore\n"))
    add(pvr, registry, "--username", USER, "--password-stdin")
    # It is read once, and an update asks the registry twice.
    registry.add("web", "1", images.image({"bin/sh": b"#!", "new": b""}))
    monkeypatch.setattr(sys, "stdin", io.StringIO(SECRET))
    pvr("app", "update", "web", "-u", USER, "--password-stdin", "--profile", "fast")


@pytest.mark.parametrize("words, sentence", MISTAKES)
def test_half_a_login_is_refused(
    pvr: PvrCommand, registry: Registry, words: list[str], sentence: str
) -> None:
    said = add(pvr, registry, *words, status=2)[1]
    assert sentence in said and "hint: use --username NAME --password-stdin" in said and SECRET not in said
    assert not registry.seen


def test_a_source_without_a_registry_takes_none(
    pvr: PvrCommand, registry: Registry, tmp_path: Path
) -> None:
    login = ["-u", USER, "-p", SECRET]
    for words in (["--from", str(tmp_path), "--type", "rootfs"], ["--from", f"oci:{tmp_path}"]):
        said = pvr.both("app", "add", "x", *words, *login, status=2)[1]
        assert "is not in a registry\n  hint: leave out --username" in said and SECRET not in said


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_does_not_repeat_them(pvr: PvrCommand, registry: Registry, status: int) -> None:
    # A hostile registry repeats what it was sent.
    registry.misbehave("/v2/", answer(
        status, {"WWW-Authenticate": 'Basic realm="x"'},
        json.dumps({"errors": [{"code": "DENIED", "message": f"{SECRET} {BASIC}"}]}).encode(),
    ))  # fmt: skip
    said = "".join(add(pvr, registry, "-u", USER, "-p", SECRET, status=2))
    assert "(DENIED *** Basic ***)" in said and SECRET not in said and BASIC not in said


def test_neither_mirror_nor_redirect_gets_them(pvr: PvrCommand, registry: Registry) -> None:
    with Registry() as other:
        other.challenge = registry.challenge
        other.blobs.update(registry.blobs)
        registry.misbehave("/blobs/", redirect(lambda path: other.url + path))
        add(pvr, registry, "-u", USER, "-p", SECRET, "--mirror", f"{registry.host}={other.host}", status=2)
        assert other.seen and all("Authorization" not in seen.headers for seen in other.seen)
        assert any(seen.headers.get("Authorization") == BASIC for seen in registry.seen)


@pytest.mark.parametrize(
    "words",
    [["--passwrod", SECRET], [f"--passwrod={SECRET}"], [f"--passwor={SECRET}"], ["-P", SECRET],
     [f"-P{SECRET}"], ["--password", SECRET, "--no-such"], ["-p", SECRET, "--password-stdin"],
     ["--password", SECRET, "--password-stdin"], [f"--password-stdin={SECRET}"],
     ["--password", "s3cret:with", "a", "blank"]],
)  # fmt: skip
def test_a_misspelt_option_does_not_show_them(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["app", "add", "web", "--from", "nginx", "-u", USER, *words])
    said = capsys.readouterr()
    assert ended.value.code == 2 and re.fullmatch(r"pvr: .*\n  hint: .*\n", said.err)
    assert not [word for word in (SECRET, "s3cret", "blank") if word in said.out + said.err]


def test_a_mirror_that_lies_is_passed_over_with_a_word(pvr: PvrCommand, registry: Registry) -> None:
    with Registry() as mirror:
        mirror.add("web", "1", images.image({"bin/sh": b"#!"}))
        mirror.misbehave("/blobs/", change(lambda data: data[:-1] + b"x"))
        said = add(pvr, registry, "-u", USER, "-p", SECRET, "--mirror", f"{registry.host}={mirror.host}")[1]
        assert f"warning: registry mirror {mirror.host} is skipped" in said
        assert all("Authorization" not in seen.headers for seen in mirror.seen)


def test_mirrors_may_stand_in_the_environment(
    pvr: PvrCommand, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Registry() as mirror:
        mirror.add("web", "1", images.image({"bin/sh": b"#!"}))
        monkeypatch.setenv("PVR_REGISTRY_MIRRORS", f"other.example=x.example {registry.host}={mirror.host}")
        add(pvr, registry, "-u", USER, "-p", SECRET)
        assert mirror.paths("/manifests/") and not registry.paths("/blobs/")
        monkeypatch.setenv("PVR_REGISTRY_MIRRORS", "nonsense")
        assert '"nonsense" is not a registry mirror' in add(pvr, registry, "--force", status=2)[1]
