# SPDX-License-Identifier: MIT
"""The demonstration images, which real engines build: their squashfs against ``umoci unpack`` as root.

scripts/demo-images builds them where they are missing, and serves them meanwhile.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pantavisor import layers, layout, squashfs
from pantavisor.oci import Platform
from pantavisor.squashfs import PROFILES
from sim import demonstration, listing, tools

CAPABILITY = b"security.capability"
# The image for other machines is laid together without running anything of it.
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine())


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Name of each image and where it is served."""
    tools.need_root()
    for program, package in (("umoci", "umoci"), ("skopeo", "skopeo"), ("unsquashfs", "squashfs-tools")):
        tools.need(program, package=package)
    with demonstration.served(tmp_path_factory.mktemp("demo")) as found:
        yield found


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
@pytest.mark.parametrize("name", ["nginx", "system"])
def test_squashfs_holds_what_umoci_unpacks(
    sources: dict[str, str], name: str, architecture: str, tmp_path: Path
) -> None:
    demonstration.copy(sources[name], tmp_path / "layout", architecture)
    started = time.time()
    tools.run("umoci", "unpack", "--image", f"{tmp_path}/layout:1", tmp_path / "theirs")
    wanted = listing.of_directory(tmp_path / "theirs" / "rootfs")
    with layout.open_image(tmp_path / "layout", platform=Platform.parse(f"linux/{architecture}")) as image:
        squashfs.write(layers.LayeredTree(image.layers), tmp_path / "image", profile=PROFILES["fast"])
    tools.run("unsquashfs", "-quiet", "-no-progress", "-d", tmp_path / "ours", tmp_path / "image")
    found = listing.of_directory(tmp_path / "ours")
    # Mount points that a running container needs, and that this image may not have.
    added = {path: found.pop(path) for path in set(found) - set(wanted)}
    assert set(added) <= {*layers.STRUCTURAL, b"var"}
    assert listing.differences(found, wanted) == {}
    times = listing.folder_times(tmp_path / "theirs" / "rootfs", before=started)
    ours = listing.folder_times(tmp_path / "ours", before=started)
    assert times and {path: ours.get(path) for path in times} == times
    if name == "nginx" and architecture == MACHINE:
        check_traits(found)


def check_traits(found: listing.Listing) -> None:
    """The web server's layers have what is worth comparing: attributes, hard links, owners, whiteouts."""
    attributes = {path: dict(row[5]) for path, row in found.items()}
    assert CAPABILITY in attributes[b"usr/sbin/nginx"]
    pages = b"usr/share/nginx/html/"
    assert found[pages + b"index.html"][6] == found[pages + b"demo.html"][6]
    assert found[b"var/lib/nginx/body"][1:3] == (33, 33)
    assert b"usr/share/nginx/html/index.nginx-debian.html" not in found and b"etc/apt" not in found
