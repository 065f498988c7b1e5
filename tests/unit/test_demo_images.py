# SPDX-License-Identifier: MIT
"""scripts/lib/demo_images: when an image is built again, what the build is given, which engine makes it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from demo_images import cli, engine, images, packages, plain, registry
from demo_images.failure import Failure, run
from demo_images.service import Service


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small image's directory."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "link").symlink_to("Dockerfile")
    monkeypatch.setattr(images, "SOURCES", tmp_path)
    return folder


SMALL = images.Image("small", "demo-small")


def test_unchanged_sources_have_the_same_hash(source: Path) -> None:
    assert images.source_hash(SMALL) == images.source_hash(SMALL)


def test_content_mode_link_and_name_each_change_the_hash(source: Path) -> None:
    hashes = {images.source_hash(SMALL)}
    (source / "Dockerfile").write_text("FROM scratch\nENV A=1\n")
    hashes.add(images.source_hash(SMALL))
    (source / "Dockerfile").chmod(0o755)
    hashes.add(images.source_hash(SMALL))
    (source / "link").unlink()
    (source / "link").symlink_to("elsewhere")
    hashes.add(images.source_hash(SMALL))
    (source / "Dockerfile").rename(source / "Containerfile")
    hashes.add(images.source_hash(SMALL))
    assert len(hashes) == 5


class Made(images.ImageBuilder):
    """Notes the architectures that it is to make an image for; the registry has what was made."""

    made: list[list[str]] = []

    def _make(self, image: images.Image, architectures: object, *_: object) -> str:
        self.made.append(list(architectures))  # type: ignore[call-overload]
        return "sha256:1"


def test_an_architecture_that_was_asked_for_once_stays(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "IMAGES", (SMALL,))
    monkeypatch.setattr(images.packages.Distribution, "of_this_machine", lambda: None)
    monkeypatch.setattr(registry.Registry, "find", lambda *_: registry.Manifest("sha256:1", 1, "list"))
    monkeypatch.setattr(Made, "made", [])

    def ensure(*further: str) -> list[list[str]]:
        Made.made.clear()
        Made(tmp_path, registry.Registry(tmp_path, 1), print, further).ensure(only_engine="none")
        return list(Made.made)

    assert ensure() == [["amd64", "arm64"]] and ensure() == []
    assert ensure("arm") == [["amd64", "arm64", "arm"]] and ensure("arm") == ensure() == []
    (source / "Dockerfile").write_text("FROM scratch\nENV A=1\n")
    assert ensure() == [["amd64", "arm64", "arm"]]


def test_auto_conf_pins_each_recipe_and_is_left_alone_when_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "conf" / "auto.conf"
    digests = {"demo-system": "sha256:" + "1" * 64, "demo-nginx": "sha256:" + "2" * 64}
    cli.write_auto_conf(path, digests, registry.Registry(tmp_path, 4711))
    first = path.stat().st_mtime_ns
    assert path.read_text().splitlines()[1:] == [
        'PVR_REGISTRY_MIRRORS:append = " registry.test=127.0.0.1:4711"',
        f'PVR_DOCKER_DIGEST:pn-demo-nginx = "sha256:{"2" * 64}"',
        f'PVR_DOCKER_DIGEST:pn-demo-system = "sha256:{"1" * 64}"',
    ]
    cli.write_auto_conf(path, digests, registry.Registry(tmp_path, 4711))
    assert path.stat().st_mtime_ns == first


def test_a_busy_port_that_was_asked_for_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Failure, match=f"port {port} of this machine is in use") as caught:
            with registry.serve(tmp_path, port=port):
                pass
    assert "--port" in caught.value.hint


@pytest.mark.parametrize("text", ["-1", "65536", "http"])
def test_what_is_not_a_port_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.parser().parse_args([f"--port={text}"])
    assert "--port" in capsys.readouterr().err


def test_a_command_is_not_hung_up_on_but_asked_to_end(tmp_path: Path) -> None:
    command = "import os, signal, sys; os.kill(os.getpid(), signal.SIGHUP); sys.exit(7)"
    assert cli.run_command([sys.executable, "-c", command], registry.Registry(tmp_path, 1)) == 7
    program = (
        "import os, signal, sys; from demo_images import cli, registry; from pathlib import Path\n"
        "signal.signal(signal.SIGHUP, cli._interrupt)\n"
        "cli.run_command(['sh', '-c', 'trap \"echo asked; exit\" TERM; kill -HUP $PPID; "
        "while :; do sleep 0.1; done'],"
        " registry.Registry(Path('/'), 1))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=600, env=environment
    )
    assert done.stdout == "asked\n" and "KeyboardInterrupt" in done.stderr


def test_a_second_run_waits_for_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = []

    def second() -> None:
        with cli._alone(tmp_path):
            order.append("second")

    waiting = threading.Thread(target=second)
    with cli._alone(tmp_path):
        waiting.start()
        while waiting.is_alive() and "waiting for it" not in capsys.readouterr().err:
            time.sleep(0.01)
        order.append("first")
    waiting.join(600)
    assert order == ["first", "second"]


def test_failing_command_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="status 3:\n    .*\n    the reason"):
        run(["sh", "-c", "echo the reason; exit 3"], log=tmp_path / "log")


def test_missing_command_hints_at_setup(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no-such-command is not installed") as caught:
        run(["no-such-command"], log=tmp_path / "log")
    assert "scripts/setup" in caught.value.hint


@pytest.mark.parametrize("start", [
    lambda log: run(["no-such-command"], log=log),
    lambda log: Service(["x"], log=log, ready=lambda: True).__enter__(),
    lambda log: packages._output("no-such-command"),
    lambda log: cli.run_command(["no-such-command"], registry.Registry(log, 1)),
])  # fmt: skip
def test_a_folder_of_path_that_may_not_be_read_is_not_a_traceback(
    start: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The kernel answers the same for a file that no user, not even root, may execute.
    for name in ("no-such-command", "setpriv", "docker"):
        (tmp_path / name).touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failure, match="not installed|does not work here"):
        start(tmp_path / "log")
    assert not engine._answers({})


@pytest.mark.parametrize(
    ("origin", "architecture", "expected"),
    [
        ("Debian", "amd64", ("deb http://archive/ stable main",)),
        ("Debian", "arm64", ("deb http://archive/ stable main",)),
        ("Ubuntu", "amd64", ("deb http://archive/ stable main",)),
        ("Ubuntu", "arm64", ()),
    ],
)
def test_foreign_architectures_of_ubuntu_come_from_its_other_archive(
    origin: str, architecture: str, expected: tuple[str, ...]
) -> None:
    distribution = packages.Distribution(
        architecture="amd64",
        origin=origin,
        codename="stable",
        sources=("deb http://archive/ stable main",),
        apt_options=(),
    )
    assert distribution.mirrors(architecture) == expected


def test_every_image_has_its_directory() -> None:
    for image in images.IMAGES:
        assert (images.SOURCES / image.name / "Dockerfile").is_file()


PLAIN = """\
# Nothing of it runs.
FROM scratch
ADD base.tar /
COPY one two \\
     /etc/
COPY rootfs/ /
ENV LC_ALL=C.UTF-8
WORKDIR /srv
EXPOSE 80
STOPSIGNAL SIGQUIT
ENTRYPOINT ["/bin/sh", "-c", "a b"]
"""


def plain_image(folder: Path, umask: int) -> tuple[list[plain.Blob], bytes]:
    """An image of PLAIN, whose files are made with ``umask``."""
    before = os.umask(umask)
    try:
        (folder / "context/rootfs/sbin").mkdir(parents=True)
        for name in ("one", "two", "rootfs/sbin/init"):
            (folder / "context" / name).write_text(name)
        (folder / "context/rootfs/sbin/init").chmod(0o777 & ~umask)
        (folder / "context/rootfs/link").symlink_to("sbin/init")
        with tarfile.open(folder / "context/base.tar", "w") as archive:
            archive.addfile(tarfile.TarInfo("./etc"))
            device = tarfile.TarInfo("./dev/null")
            device.type = tarfile.CHRTYPE
            archive.addfile(device)
        (folder / "Dockerfile").write_text(PLAIN)
        (folder / "image").mkdir()
    finally:
        os.umask(before)
    return plain.build(folder / "context", folder / "Dockerfile", folder / "image", platform="linux/arm64")


def test_a_dockerfile_that_runs_nothing_needs_no_engine(tmp_path: Path) -> None:
    blobs, manifest = plain_image(tmp_path, 0o022)
    layers = [gzip.decompress(blob.path.read_bytes()) for blob in blobs[:-1]]
    config = json.loads(blobs[-1].path.read_bytes())
    assert config["rootfs"]["diff_ids"] == [
        f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers
    ]
    assert (config["os"], config["architecture"]) == ("linux", "arm64")
    assert config["config"] == {
        "Env": ["LC_ALL=C.UTF-8"], "WorkingDir": "/srv", "ExposedPorts": {"80/tcp": {}},
        "StopSignal": "SIGQUIT", "Entrypoint": ["/bin/sh", "-c", "a b"],
    }  # fmt: skip
    described = json.loads(manifest)
    assert [*described["layers"], described["config"]] == [blob.document() for blob in blobs]
    found = [
        [(m.name, oct(m.mode), m.linkname) for m in tarfile.open(fileobj=io.BytesIO(layer))]
        for layer in layers
    ]
    assert found == [
        [("./etc", "0o644", "")],
        [("etc/one", "0o644", ""), ("etc/two", "0o644", "")],
        [("link", "0o777", "sbin/init"), ("sbin", "0o755", ""), ("sbin/init", "0o755", "")],
    ]


def test_the_same_files_make_the_same_image(tmp_path: Path) -> None:
    made = []
    for umask in (0o022, 0o077):
        (tmp_path / str(umask)).mkdir()
        made.append(plain_image(tmp_path / str(umask), umask)[1])
    assert made[0] == made[1]


def test_a_command_of_a_dockerfile_needs_an_engine(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nRUN true\n")
    with pytest.raises(Failure, match='without an engine no image can be made with "RUN true"'):
        plain.build(tmp_path, tmp_path / "Dockerfile", tmp_path, platform="linux/amd64")


class Engines:
    """Stands for engines.start: which ones were tried, and which of them work."""

    def __init__(self, *working: str) -> None:
        self.working, self.tried = working, list[str]()

    def __call__(self, name: str, work: Path, registry: registry.Registry) -> Engines:
        self.tried.append(name)
        if name not in self.working:
            raise engine.EngineUnusable(f"{name} cannot build an image here: not permitted", "try another")
        return self

    def __enter__(self) -> Engines:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("working", ["docker", "buildah", "none"])
def test_the_first_engine_that_works_makes_the_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, working: str
) -> None:
    engines, words = Engines(working), list[str]()
    monkeypatch.setattr(engine, "start", engines)
    monkeypatch.setattr(images.ImageBuilder, "_is_current", lambda *_: False)
    monkeypatch.setattr(images.ImageBuilder, "_make", lambda *_: "sha256:1")
    monkeypatch.setattr(images.packages.Distribution, "of_this_machine", lambda: None)
    monkeypatch.setattr(Engines, "name", working, raising=False)
    shop = images.ImageBuilder(tmp_path, registry.Registry(tmp_path, 1), words.append)
    assert shop.ensure() == {"demo-nginx": "sha256:1", "demo-system": "sha256:1"}
    assert engines.tried == list(engine.NAMES)[: engine.NAMES.index(working) + 1]
    assert [word for word in words if "next way" in word] == [
        f"{name} cannot build an image here: not permitted; the next way is tried"
        for name in engines.tried[:-1]
    ]
    monkeypatch.setattr(engine, "start", Engines("none"))
    with pytest.raises(Failure, match="docker cannot build") as caught:
        shop.ensure(only_engine="docker")
    assert "leave out --engine" in caught.value.hint


def test_a_failing_engine_is_named_with_the_reason_and_the_log(tmp_path: Path) -> None:
    with pytest.raises(
        engine.EngineUnusable, match="^Docker cannot build an image here: not permitted$"
    ) as caught:
        engine._run("Docker", ["sh", "-c", "echo Step 1; echo not permitted; exit 1"], tmp_path / "log")
    assert str(tmp_path / "log") in caught.value.hint


def test_packages_are_unpacked_in_a_home_that_only_its_user_may_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mmdebstrap works as other users, who may not read there: no option but the result is a file there."""
    asked = []
    monkeypatch.setattr(packages, "run", lambda argv, **more: asked.append((argv, more["env"]["TMPDIR"])))
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    debian = packages.Distribution("amd64", "Debian", "trixie", (), ('Acquire::http::Proxy "";',))
    tar = home / "base.tar"
    packages.unpacked(debian, "amd64", tar, include=["nginx"], log=home / "log", users=True)
    ((argv, place),) = asked
    assert [word for word in argv if str(home) in word] == [str(tar)] and list(home.iterdir()) == []
    assert place in packages.TEMPORARY
