"""scripts/demo_images: when an image is built again, what the build is told, what a busy port says."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from demo_images import cli, images, packages, registry
from demo_images.failure import Failure, run


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


def test_failing_command_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="status 3:\n    .*\n    the reason"):
        run(["sh", "-c", "echo the reason; exit 3"], log=tmp_path / "log")


def test_missing_command_hints_at_setup(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no-such-command is not installed") as caught:
        run(["no-such-command"], log=tmp_path / "log")
    assert "scripts/setup" in caught.value.hint


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
