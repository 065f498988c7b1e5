# SPDX-License-Identifier: MIT
"""What a config overlay does to the root file system below it."""

from __future__ import annotations

import pytest
from pantavisor.container import laid_over
from pantavisor.errors import FormatError
from pantavisor.layers import File, Metadata, Symlink, Tree
from pantavisor.manifests import ContainerSpec, SourceManifest
from sim.trees import folder


def text(mode: int = 0o644) -> File:
    return File(Metadata(mode, 0, 0, 0), 1, b"x")


def link(target: str) -> Symlink:
    return Symlink(Metadata(0o777, 0, 0, 0), target.encode())


def tree() -> Tree:
    return Tree(
        folder(
            bin=link("usr/bin"),
            lib=link("/usr/lib"),
            tmp=folder(0o1777),
            data=folder(0o750, 1500, 1500),
            root=folder(0o700),
            usr=folder(
                bin=folder(sh=text(0o755), ash=link("sh"), vi=link("/usr/bin/ash"), gone=link("none")),
                lib=folder(),
            ),
            etc=folder(web=folder(), secret=text(0o600), localtime=link("zone")),
        )
    )


def spec(**volumes: str) -> ContainerSpec:
    """``volumes`` are persistences by path."""
    return ContainerSpec.from_source(
        "app", SourceManifest(config={"Cmd": ["/bin/sh"]}, persistence=volumes)
    )


def doubts(*paths: str, **volumes: str) -> list[str]:
    laid_over.check(spec(**volumes), tree(), paths)
    return list(laid_over.doubtful(spec(**volumes), tree(), paths))


@pytest.mark.parametrize(
    ("path", "sentence", "hint"),
    [("bin/tool", "would hide the image's link bin -> usr/bin", "move it to usr/bin/tool"),
     ("lib/a/b.conf", "would hide the image's link lib -> /usr/lib", "move it to usr/lib/a/b.conf"),
     ("etc/secret/x", "would hide the image's etc/secret, which is not a directory", "name another path"),
     ("etc/web", "is a file, and hides the image's directory", "put the files")],
)  # fmt: skip
def test_a_file_that_hides_more_than_itself_is_refused(path: str, sentence: str, hint: str) -> None:
    with pytest.raises(FormatError) as caught:
        doubts(path)
    assert caught.value.message.startswith(f"app: {path} of its config overlay ")
    assert sentence in caught.value.message and str(caught.value.hint).startswith(hint)


def test_what_replaces_a_file_or_a_link_or_is_new_is_taken() -> None:
    assert doubts("etc/localtime", "usr/bin/gone", "etc/web/new.conf", "opt/new/file", "usr/lib/x") == []


@pytest.mark.parametrize(
    ("path", "volumes", "sentence"),
    [("proc/x", {}, "is hidden by what is mounted at /proc"),
     ("run/x", {}, "is hidden by what is mounted at /run"),
     ("etc/resolv.conf", {}, "is hidden by what is mounted at /etc/resolv.conf"),
     ("etc/web/x", {"ovl:/etc": "boot"}, "is hidden by the volume ovl:/etc"),
     ("etc/web/x", {"/etc/web": "permanent"}, "is copied into the permanent volume /etc/web when that"),
     ("usr/bin/sh", {}, "replaces a program, and may not be executed on the device"),
     ("usr/bin/ash", {}, "replaces the link to a program usr/bin/ash -> sh, and may not be executed"),
     ("usr/bin/vi", {}, "replaces the link to a program usr/bin/vi -> /usr/bin/ash, and may not be"),
     ("etc/secret", {}, "can be read by each user, unlike the image's")],
)  # fmt: skip
def test_what_has_no_effect_or_changes_rights_is_warned_of(
    path: str, volumes: dict[str, str], sentence: str
) -> None:
    (doubt,) = doubts(path, **volumes)
    assert doubt.startswith(f"{path} of its config overlay {sentence}")


def test_a_volume_that_begins_again_shows_the_file() -> None:
    assert doubts("etc/web/x", **{"/etc/web": "revision"}) == []


def test_many_files_of_one_kind_are_one_line() -> None:
    assert doubts("run/a", "run/b", "run/c") == [
        "run/a (and 2 more) of its config overlay is hidden by what is mounted at /run"
    ]


def test_a_directory_that_loses_owner_or_mode_is_warned_of() -> None:
    assert doubts("data/x", "root/.profile", "tmp/x") == [
        "its config overlay makes /data 0:0 0755, which the image has as 1500:1500 0750",
        "its config overlay makes /root 0:0 0755, which the image has as 0:0 0700",
        "its config overlay makes /tmp 0:0 0755, which the image has as 0:0 1777",
    ]
