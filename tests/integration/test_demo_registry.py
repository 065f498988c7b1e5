# SPDX-License-Identifier: MIT
"""The demonstration registry: Debian's docker-registry on whatever port is free, and images made without an
engine.
"""

from __future__ import annotations

import http.server
import socket
import threading
from pathlib import Path

import pytest
from demo_images import engine, registry
from pantavisor import layers, layout, squashfs
from pantavisor.oci import Platform
from sim import tools


@pytest.fixture(autouse=True)
def program() -> None:
    """The distribution's registry."""
    tools.need("docker-registry", package="docker-registry")


class Yes(http.server.BaseHTTPRequestHandler):
    """Answers 200 to everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


def test_two_registries_run_next_to_each_other_and_keep_their_ports(tmp_path: Path) -> None:
    with registry.serve(tmp_path / "a") as one, registry.serve(tmp_path / "b") as two:
        ports = [one.port, two.port]
        assert one.find("demo/x", "1") is None and two.find("demo/x", "1") is None
    assert len(set(ports)) == 2
    with registry.serve(tmp_path / "a") as one:
        assert one.port == ports[0]


def test_another_program_on_the_last_port_moves_the_registry(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        (tmp_path / "port").write_text(f"{other.getsockname()[1]}\n")
        with registry.serve(tmp_path) as moved:
            assert moved.port != other.getsockname()[1]


def test_a_port_that_is_lost_to_another_program_is_not_taken_for_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A web server that says yes to everything takes the port after the registry chose it.
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Yes) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        ports = iter([other.server_port, registry._free_port(tmp_path)])
        monkeypatch.setattr(registry, "_free_port", lambda root: next(ports))
        with registry.serve(tmp_path) as moved:
            assert moved.port != other.server_port
        other.shutdown()


def test_an_image_of_no_engine_reaches_skopeo_through_the_registry(tmp_path: Path) -> None:
    tools.need("skopeo", package="skopeo")
    (tmp_path / "context").mkdir()
    (tmp_path / "context/hello").write_text("hello")
    (tmp_path / "Dockerfile").write_text('FROM scratch\nCOPY hello /etc/hello\nENTRYPOINT ["/sbin/init"]\n')
    with registry.serve(tmp_path / "registry") as served:
        with engine.start("none", tmp_path / "work", served) as made:
            reference = f"{served.host}/demo/plain:1-arm64"
            made.build(
                tmp_path / "context", tmp_path / "Dockerfile", platform="linux/arm64", reference=reference
            )
            made.push(reference)
        assert not (tmp_path / "work/engine").exists()
        manifest = served.find("demo/plain", "1-arm64")
        assert manifest is not None
        served.put_index("demo/plain", "1", [(manifest, "arm64")])
        choice = ("--override-os", "linux", "--override-arch", "arm64")
        source, target = f"docker://{served.host}/demo/plain:1", f"oci:{tmp_path}/layout:1"
        tools.run("skopeo", "--insecure-policy", *choice, "copy", "--src-tls-verify=false", source, target)
    with layout.open_image(tmp_path / "layout", platform=Platform.parse("linux/arm64")) as image:
        squashfs.write(
            layers.LayeredTree(image.layers), tmp_path / "image", profile=squashfs.PROFILES["fast"]
        )
    assert squashfs.read(tmp_path / "image").head("etc/hello", 5) == b"hello"
