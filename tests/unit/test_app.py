# SPDX-License-Identifier: MIT
"""pantavisor.app: containers of a repository from any program, without the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from pantavisor import app, manifests
from pantavisor.container import PackOptions
from pantavisor.errors import FormatError, NotFound, PantavisorError
from pantavisor.manifests import SourceManifest
from pantavisor.oci import Platform
from pantavisor.registry import Credentials
from pantavisor.repo import Repository
from sim.registry import Registry, images

LAYER = Path(__file__).resolve().parents[2] / "meta-pantavisor"
FAST = PackOptions("fast")


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    made = tmp_path / "rootfs"
    (made / "sbin").mkdir(parents=True)
    (made / "sbin/init").write_bytes(b"init\n")
    (made / "sbin/init").chmod(0o755)
    return made


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.init(tmp_path / "work")
    (made.root / "device.json").write_text(json.dumps(manifests.default_device()))
    return made


def test_the_example_of_the_page_runs_as_it_stands(rootfs: Path, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (LAYER / "docs/library.md").read_text(), re.DOTALL)
    assert len([line for line in example.splitlines() if line]) <= 10
    # In a process of its own, where nothing of the command line was imported and none of it is.
    code = (
        example + "import sys\nassert not any(name.startswith('pantavisor.cli') for name in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
                          timeout=600, env={**os.environ, "PYTHONPATH": str(LAYER / "lib")})  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    state = Repository(tmp_path / "device").state
    assert state.part_names() == ("web",) and "web/root.squashfs" in state


def test_a_request_cannot_be_changed_and_contradictions_are_refused(rootfs: Path) -> None:
    request = app.AppRequest("web", app.RootfsSource(rootfs))
    with pytest.raises(FrozenInstanceError):
        request.force = True  # type: ignore[misc]
    for words in (
        {"patch": True, "base": "os"},
        {"whole": True, "base": "os"},
        {"patch": True, "whole": True},
    ):
        with pytest.raises(FormatError, match="exclude each other"):
            app.AppRequest("web", **words)  # type: ignore[arg-type]


def test_an_update_without_changes_reports_that_it_made_nothing(
    repository: Repository, rootfs: Path
) -> None:
    request = app.AppRequest("web", app.RootfsSource(rootfs), pack=FAST)
    first = app.add(repository, request)
    again = app.update(repository, request)
    assert first.changed and first.origin.startswith("rootfs, packed as sha256:")
    assert not again.changed and again.origin in first.origin


@pytest.mark.parametrize("source", [None, app.PartSource(Path("x"), "web"), app.ImageSource.parse("web:1")])
def test_an_update_keeps_the_type_of_the_source(
    repository: Repository, rootfs: Path, source: app.Source | None
) -> None:
    app.add(repository, app.AppRequest("web", app.RootfsSource(rootfs), pack=FAST))
    with pytest.raises(PantavisorError, match="no update changes|does not record"):
        app.update(repository, app.AppRequest("web", source))


def test_a_container_needs_a_source_and_nothing_to_patch_is_refused(
    repository: Repository, rootfs: Path
) -> None:
    with pytest.raises(PantavisorError, match="web has no source"):
        app.add(repository, app.AppRequest("web"))
    with pytest.raises(PantavisorError, match="nothing yet to patch"):
        app.add(repository, app.AppRequest("web", app.RootfsSource(rootfs), patch=True))
    with pytest.raises(NotFound, match="there is no container web"):
        app.update(repository, app.AppRequest("web"))
    assert not (repository.root / "web").exists()


def test_warnings_and_progress_reach_the_caller_alone(
    repository: Repository, rootfs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (repository.root / "device.json").unlink()
    (rootfs / "big").write_bytes(bytes(range(256)) * 4096)
    warnings: list[str] = []
    seen: list[tuple[str, int, int]] = []
    notify = app.Notify(lambda *step: seen.append(step), warnings.append)
    app.add(repository, app.AppRequest("web", app.RootfsSource(rootfs), pack=FAST, notify=notify))
    assert any("device.json" in text for text in warnings) and seen[-1][1] == seen[-1][2] > 0
    assert capfd.readouterr() == ("", "")


def test_what_was_merged_and_not_checked_out_is_not_worked_on(
    repository: Repository, rootfs: Path, tmp_path: Path
) -> None:
    request = app.AppRequest("db", app.RootfsSource(rootfs), pack=FAST)
    app.add(repository, request)
    repository.add()
    repository.commit()
    other = Repository.init(tmp_path / "other")
    for name in ("db", "new"):
        grouped = manifests.SourceChanges({"PV_GROUP": "root"})
        app.add(other, replace(request, name=name, changes=grouped))
    other.add()
    repository.merge_from(other.commit(), other.pool)
    before = (repository.root / "db/src.json").read_bytes()
    for attempt in (
        lambda: app.update(repository, replace(request, force=True)),
        lambda: app.update(repository, replace(request, name="new")),
        lambda: app.install(repository, "db"),
        lambda: app.protect(repository, "db"),
        lambda: app.remove(repository, "db"),
        lambda: app.add(repository, replace(request, name="new")),
        lambda: app.add(repository, replace(request, force=True)),
        lambda: app.add(repository, app.AppRequest("p", app.ImageSource.parse("web:1"), base="db")),
    ):
        with pytest.raises(PantavisorError, match="was merged or imported and is not in the") as caught:
            attempt()
        assert str(caught.value.hint).startswith("run: pvr checkout")
    assert (repository.root / "db/src.json").read_bytes() == before
    repository.checkout()
    app.update(repository, replace(request, force=True))
    assert app.source(repository, "db").arguments["PV_GROUP"] == "root"


def test_credentials_reach_the_registry_of_the_source(repository: Repository, rootfs: Path) -> None:
    login = Credentials("someone", "secret")
    with Registry() as running:
        running.users["someone"] = "secret"
        running.challenge = 'Basic realm="here"'
        running.add("web", "1", images.image({"bin/sh": b"#!"}))
        source = app.ImageSource.parse(f"{running.host}/web:1")
        platform = Platform.parse("linux/amd64")
        request = app.AppRequest("web", source, credentials=login, platform=platform, pack=FAST)
        assert app.add(repository, request).changed
        assert any(seen.headers.get("Authorization") for seen in running.seen)
    with pytest.raises(PantavisorError, match="is not in a registry"):
        app.add(repository, app.AppRequest("x", app.RootfsSource(rootfs), credentials=login))


def test_changes_are_made_by_name_and_lists_as_a_whole() -> None:
    old = SourceManifest(arguments={"PV_GROUP": "app", "PV_DEBUG_MODE": "yes"}, logs=[{"file": "a"}])
    arguments = {"PV_GROUP": "root"}
    changes = app.SourceChanges(arguments=arguments, logs=[])
    arguments["PV_GROUP"] = "data"  # the caller's own, and nothing that was asked for
    new = old.changed_by(changes)
    assert new.arguments == {"PV_GROUP": "root", "PV_DEBUG_MODE": "yes"} and new.logs == []
    assert (
        old.changed_by(app.SourceChanges()) == old
        and not app.SourceChanges()
        and app.SourceChanges(logs=[])
    )


def test_a_part_is_named_behind_the_path_that_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a#1.tgz").touch()
    assert app.PartSource.parse("a#1.tgz") == app.PartSource(Path("a#1.tgz"))
    assert app.PartSource.parse("a#1.tgz#web") == app.PartSource(Path("a#1.tgz"), "web")
    assert app.PartSource.parse("b.tgz#web") == app.PartSource(Path("b.tgz"), "web")
    for text in ("b.tgz#web,db", "b.tgz#-web", "b.tgz#web,-db", "", "#web"):
        with pytest.raises(FormatError):
            app.PartSource.parse(text)


def test_the_part_of_a_recorded_source_is_taken_again_and_none_where_none_is_recorded(
    repository: Repository, rootfs: Path, tmp_path: Path
) -> None:
    other = Repository.init(tmp_path / "other#1")
    (other.root / "device.json").write_text(json.dumps(manifests.default_device()))
    app.add(other, app.AppRequest("web", app.RootfsSource(rootfs), pack=FAST))
    other.add()
    other.commit()
    app.add(repository, app.AppRequest("www", app.PartSource(other.root), pack=FAST))
    manifest = repository.root / "www/src.json"
    recorded = json.loads(manifest.read_text())
    assert recorded["pvr"] == "other#1#web"
    for text in ("other#1#web", "other", "other#"):
        manifest.write_text(json.dumps({**recorded, "pvr": text}))
        request = app.AppRequest("www", app.PartSource(other.root), force=True, pack=FAST)
        assert app.update(repository, request).origin.startswith("other#1#web ")
