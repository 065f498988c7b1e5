# SPDX-License-Identifier: MIT
"""Volumes held against the root file system that they are mounted in."""

from __future__ import annotations

import pytest
from pantavisor.container import mount_points
from pantavisor.errors import FormatError
from pantavisor.layers import File, Metadata, Symlink, Tree
from pantavisor.manifests import ContainerSpec, SourceManifest
from pantavisor.manifests.process import User
from sim.trees import folder

USER = User(1500, 1500, (20,))


def tree() -> Tree:
    file, link = Metadata(0o644, 0, 0, 0), Metadata(0o777, 0, 0, 0)
    return Tree(
        folder(
            bin=Symlink(link, b"usr/bin"),
            closed=folder(0o555, 1500, 1500),
            data=folder(0o750, 1500, 1500),
            etc=folder(secret=File(file, 1, b"x")),
            root=folder(0o700),
            shared=folder(0o775, 0, 20),
            tmp=folder(0o1777),
            usr=folder(bin=folder(sh=File(file, 1, b"x"))),
        )
    )


def spec(path: str, *, user: User = USER) -> ContainerSpec:
    source = SourceManifest(config={"Cmd": ["/bin/sh"]}, persistence={path: "permanent"})
    return ContainerSpec.from_source("app", source, user=user)


@pytest.mark.parametrize("path", ["/etc/secret", "/etc/secret/below", "/usr/bin/sh"])
def test_a_volume_over_a_file_is_refused(path: str) -> None:
    with pytest.raises(FormatError, match=f"volume {path} cannot be mounted: .* is not a directory"):
        mount_points.check(spec(path), tree())


@pytest.mark.parametrize("path", ["/data", "/tmp", "/bin", "/nowhere/at/all"])
def test_a_volume_over_a_directory_is_mounted(path: str) -> None:
    mount_points.check(spec(path), tree())


@pytest.mark.parametrize(
    ("path", "begins"), [("/nowhere", "0:0 0755"), ("/root", "0:0 0700"), ("/closed", "1500:1500 0555")]
)
def test_a_volume_that_its_user_cannot_write_is_warned_of(path: str, begins: str) -> None:
    (doubt,) = mount_points.doubtful(spec(path), tree())
    assert f"its user 1500 may not write to the volume {path}, which begins as {begins}; make the" in doubt
    assert not list(mount_points.doubtful(spec(path, user=User(0, 0)), tree()))


@pytest.mark.parametrize("path", ["/data", "/shared", "/tmp"])
def test_a_volume_that_its_user_can_write_is_not(path: str) -> None:
    assert not list(mount_points.doubtful(spec(path), tree()))


@pytest.mark.parametrize("path", ["/proc", "/sys/fs/cgroup", "/dev"])
def test_a_volume_over_what_the_kernel_shows_is_warned_of(path: str) -> None:
    assert list(mount_points.doubtful(spec(path), tree())) == [
        f"the volume {path} hides what the kernel shows there"
    ]
