# SPDX-License-Identifier: MIT
"""pvr app from the user's side: working trees made by the command, looked at as files."""

from __future__ import annotations

import fcntl
import http.server
import json
import os
import shutil
import struct
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pantavisor import cli, keys, manifests
from pantavisor.cli import manual
from pantavisor.cli.app.row_options import GROUPS
from pantavisor.manifests import default_device
from pantavisor.repo import Repository
from sim import pvr_command
from sim.registry import images

VECTORS = Path(__file__).parent.parent / "vectors"
ELF_ARM64 = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, 183) + bytes(44)


class PvrCommand(pvr_command.PvrCommand):
    """Someone in front of a repository."""

    pvr = pvr_command.PvrCommand.both

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(capsys)
        self.root = root

    def json(self, name: str) -> Any:
        return json.loads((self.root / name).read_text())

    def listing(self, image: str) -> list[str]:
        found = subprocess.run(
            ["unsquashfs", "-lln", self.root / image], check=True, capture_output=True, text=True
        )
        return [line for line in found.stdout.splitlines() if "squashfs-root" in line]

    def cat(self, image: str, path: str) -> bytes:
        return subprocess.run(
            ["unsquashfs", "-cat", self.root / image, path], check=True, capture_output=True
        ).stdout

    def files(self, folder: str = ".") -> list[str]:
        return sorted(
            path.relative_to(self.root).as_posix()
            for path in (self.root / folder).rglob("*")
            if path.is_file() and ".pvr" not in path.parts
        )


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> PvrCommand:
    root = tmp_path / "work"
    Repository.init(root)
    (root / "device.json").write_text(json.dumps(default_device()))
    monkeypatch.chdir(root)
    return PvrCommand(root, capsys)


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    return make_rootfs(tmp_path / "rootfs")


def make_rootfs(path: Path, *, text: str = "one\n") -> Path:
    (path / "etc").mkdir(parents=True)
    (path / "sbin").mkdir()
    (path / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nweb:x:7:8::/:/bin/sh\n")
    (path / "etc/app.conf").write_text(text)
    (path / "sbin/init").write_bytes(b"init\n")
    (path / "sbin/init").chmod(0o755)
    for entry in [*path.rglob("*"), path]:
        os.utime(entry, (1_700_000_000, 1_700_000_000))
    return path


def packed(rootfs: Path, target: Path, mode: str) -> Path:
    with tarfile.open(target, mode) as tar:
        tar.add(rootfs, arcname=".")
    return target


def add(
    command: PvrCommand, rootfs: Path, *words: str, name: str = "app", status: int = 0
) -> tuple[str, str]:
    return command.pvr(
        "app", "add", name, "--from", str(rootfs), "--type", "rootfs", "--profile", "fast", *words,
        status=status,
    )  # fmt: skip


def test_a_directory_becomes_a_container_without_a_trace_of_this_host(
    command: PvrCommand, rootfs: Path
) -> None:
    add(command, rootfs, "--config-json", '{"Env": ["A=b"]}')
    source = command.json("app/src.json")
    digest = subprocess.run(
        ["sha256sum", "app/root.squashfs"], check=True, capture_output=True, text=True
    ).stdout
    assert source["rootfs_digest"] == "sha256:" + digest[:64]
    assert source["rootfs_url"] == "rootfs" and source["docker_config"] == {"Env": ["A=b"]}
    for path in command.files("app"):
        assert str(rootfs.parent).encode() not in (command.root / path).read_bytes()
    conf = (command.root / "app/lxc.container.conf").read_text()
    assert "lxc.init.cmd = /sbin/init\n" in conf and "lxc.environment = A=b\n" in conf
    assert (command.root / "app/root.squashfs.rootfs-digest").read_text() == source["rootfs_digest"]
    names = command.listing("app/root.squashfs")
    assert any(line.endswith("squashfs-root/proc") for line in names)
    assert all(line.split()[1] == "0/0" for line in names)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_a_tarball_becomes_a_container(
    command: PvrCommand, rootfs: Path, tmp_path: Path, mode: str
) -> None:
    add(command, packed(rootfs, tmp_path / "rootfs.tar", mode))
    assert command.cat("app/root.squashfs", "etc/app.conf") == b"one\n"
    assert command.json("app/src.json")["rootfs_url"] == "rootfs.tar"


def test_a_zstd_tarball_becomes_a_container(command: PvrCommand, rootfs: Path, tmp_path: Path) -> None:
    tarball = packed(rootfs, tmp_path / "rootfs.tar", "w")
    subprocess.run(["zstd", "-q", tarball], check=True)
    add(command, Path(f"{tarball}.zst"))
    assert command.cat("app/root.squashfs", "etc/app.conf") == b"one\n"


def test_the_same_directory_elsewhere_makes_the_same_bytes(command: PvrCommand, tmp_path: Path) -> None:
    add(command, make_rootfs(tmp_path / "a/rootfs"), name="one")
    add(command, make_rootfs(tmp_path / "b/rootfs"), name="two")
    assert (command.root / "one/root.squashfs").read_bytes() == (
        command.root / "two/root.squashfs"
    ).read_bytes()


def test_a_program_for_another_machine_is_refused(command: PvrCommand, rootfs: Path) -> None:
    (rootfs / "sbin/init").write_bytes(ELF_ARM64)
    _, said = add(command, rootfs, "--platform", "linux/amd64", status=2)
    assert "a program for arm64" in said and not (command.root / "app").exists()
    add(command, rootfs, "--platform", "linux/arm64")


def test_a_missing_rootfs_and_a_socket_are_refused(command: PvrCommand, tmp_path: Path) -> None:
    assert "neither a directory nor a tarball" in add(command, tmp_path / "none", status=2)[1]
    assert "use --type rootfs" in command.pvr("app", "add", "a", "--from", str(tmp_path), status=2)[1]


def test_an_existing_container_is_not_added_again(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs)
    assert "pvr app update app" in add(command, rootfs, status=2)[1]


@pytest.mark.parametrize("name", ["bsp", "a/b", "_sigs", ".x", "x" * 65])
def test_a_bad_name_is_refused(command: PvrCommand, rootfs: Path, name: str) -> None:
    add(command, rootfs, name=name, status=2)
    assert command.files() == ["device.json"]


def test_an_unknown_group_is_refused_with_the_nearest(command: PvrCommand, rootfs: Path) -> None:
    assert 'use "platform"' in add(command, rootfs, "--group", "platfrom", status=2)[1]
    assert command.files() == ["device.json"]
    (command.root / "device.json").unlink()
    assert "there is no device.json" in add(command, rootfs, "--group", "platfrom")[1]


def test_a_failed_add_leaves_nothing(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs, "--verity-volume", "nothing.squashfs", status=2)
    assert command.files() == ["device.json"]
    assert [path.name for path in (command.root / ".pvr").iterdir() if path.name.startswith(".")] == []


def test_an_unchanged_rootfs_changes_nothing(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs)
    before = (command.root / "app/src.json").stat().st_mtime_ns
    update = ("app", "update", "app", "--profile", "fast")
    assert "does not record where" in command.pvr(*update, status=2)[1]
    assert "--force makes it again" in command.pvr(*update, "--from", str(rootfs))[1]
    assert (command.root / "app/src.json").stat().st_mtime_ns == before
    assert "is made from rootfs" in command.pvr(*update, "--from", str(rootfs), "--force")[1]


def test_an_update_keeps_what_was_given_when_adding(command: PvrCommand, rootfs: Path) -> None:
    config = '{"Cmd": ["/sbin/init", "x"]}'
    add(command, rootfs, "--config-json", config, "--volume", "/data:permanent", "--verity")
    old = command.json("app/src.json")
    (rootfs / "etc/app.conf").write_text("two\n")
    command.pvr("app", "update", "app", "--from", str(rootfs), "--profile", "fast")
    new = command.json("app/src.json")
    assert {member for member in new if new[member] != old[member]} == {"rootfs_digest"}
    assert command.cat("app/root.squashfs", "etc/app.conf") == b"two\n"
    check_verity(command)


def check_verity(command: PvrCommand, volume: str = "root.squashfs") -> dict[str, str]:
    document = command.json(f"app/_dm/{volume}.json")
    words = [f"app/{volume}", f"app/{volume}.hash", document["root_hash"]]
    subprocess.run(["/sbin/veritysetup", "verify", *words], check=True)
    return dict(document)


def test_verity_when_adding_and_when_installing_again(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs, "--verity")
    document = check_verity(command)
    assert command.json("app/run.json")["root-volume"] == "dm:root.squashfs"
    assert command.json("app/src.json")["dm_enabled"] == {"root.squashfs": True}
    files = {path: (command.root / path).read_bytes() for path in command.files()}
    command.pvr("app", "install", "app")
    assert {path: (command.root / path).read_bytes() for path in command.files()} == files
    (rootfs / "etc/app.conf").write_text("two\n")
    command.pvr("app", "update", "app", "--from", str(rootfs))
    again = check_verity(command)
    assert again["salt"] == document["salt"] and again["root_hash"] != document["root_hash"]


def test_a_conversion_makes_what_the_published_tool_made(command: PvrCommand, rootfs: Path) -> None:
    vectors = VECTORS / "dm"
    add(command, rootfs)
    (command.root / "app/root.squashfs").unlink()
    (command.root / "app/root.squashfs").write_bytes((vectors / "root.squashfs").read_bytes())
    known = json.loads((vectors / "_dm/root.squashfs.json").read_text())
    command.pvr(
        "app", "dm-convert", "app", "root.squashfs", "--salt", known["salt"], "--uuid", known["uuid"]
    )
    assert (command.root / "app/_dm/root.squashfs.json").read_bytes() == (
        vectors / "_dm/root.squashfs.json"
    ).read_bytes()
    assert (command.root / "app/root.squashfs.hash").read_bytes() == (
        vectors / "root.squashfs.hash"
    ).read_bytes()
    assert command.json("app/run.json")["root-volume"] == "dm:root.squashfs"
    command.pvr("app", "install", "app")
    assert command.json("app/_dm/root.squashfs.json") == known


def test_installing_again_finds_the_user_in_the_image(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs, "--config-json", '{"User": "web"}')
    conf = (command.root / "app/lxc.container.conf").read_bytes()
    assert b"lxc.init.uid = 7\nlxc.init.gid = 8\n" in conf
    command.pvr("app", "install", "app")
    assert (command.root / "app/lxc.container.conf").read_bytes() == conf


def test_a_conversion_of_what_is_not_mounted_is_refused(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs)
    assert "does not mount" in command.pvr("app", "dm-convert", "app", "other.squashfs", status=2)[1]
    assert "is not a salt" in command.pvr("app", "dm-convert", "app", "--salt", "xyz", status=2)[1]


def test_another_volume_is_protected(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs, "--arg", "PV_VOLUME_MOUNTS=root.squashfs:/again")
    (command.root / "app/data.squashfs").write_bytes(bytes(8192))
    source = command.json("app/src.json")
    source["args"]["PV_VOLUME_MOUNTS"] = "data.squashfs:/data"
    (command.root / "app/src.json").write_text(json.dumps(source))
    command.pvr("app", "dm-convert", "app", "data.squashfs")
    assert command.json("app/run.json")["volumes"] == ["dm:data.squashfs"]
    check_verity(command, "data.squashfs")


def test_protection_ends_on_request_or_with_the_mount(
    command: PvrCommand, rootfs: Path, tmp_path: Path
) -> None:
    add(command, rootfs, "--verity")
    (command.root / "app/data.squashfs").write_bytes(bytes(8192))
    again = ("app", "update", "app", "--from", str(rootfs), "--force", "--profile", "fast")
    command.pvr(*again, "--mount", "data.squashfs:/data", "--verity-volume", "data.squashfs")
    check_verity(command, "data.squashfs")
    command.pvr(*again, "--arg", "PV_VOLUME_MOUNTS=")
    check_verity(command)
    assert (
        "app/_dm/data.squashfs.json" not in command.files("app")
        and "app/data.squashfs.hash" not in command.files("app")
    )  # fmt: skip
    assert "does not mount" in command.pvr(*again, "--verity-volume", "data.squashfs", status=2)[1]
    command.pvr(*again, "--no-verity")
    assert command.json("app/run.json")["root-volume"] == "root.squashfs"
    assert not [path for path in command.files("app") if "_dm" in path or ".hash" in path]
    add_image(command, "os", image(tmp_path / "one", LOWER), "--verity")
    two = (
        "--from", image(tmp_path / "two", LOWER, {"srv/x": b"x"}), "--profile", "fast", "--patch",
        "--force",
    )  # fmt: skip
    command.pvr("app", "update", "os", *two)
    assert command.json("os/run.json")["volumes"] == ["dm:root.ovl.squashfs"]
    command.pvr("app", "update", "os", *two, "--no-verity")
    assert command.json("os/run.json")["volumes"] == ["root.ovl.squashfs"]
    assert command.json("os/run.json")["root-volume"] == "root.squashfs"


def test_removing_takes_configuration_and_signature_along(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs)
    (command.root / "_config/app/etc").mkdir(parents=True)
    (command.root / "_config/app/etc/x").write_text("x")
    command.pvr("add")
    command.pvr("commit")
    add(command, rootfs, name="other")  # not committed
    command.pvr("app", "rm", "app")
    assert not [path for path in command.files() if "app/" in path]
    command.pvr("app", "rm", "other")
    assert command.files() == ["device.json"]
    assert "there is no container app" in command.pvr("app", "rm", "app", status=2)[1]


def test_a_removal_waits_for_the_commit(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs)
    command.pvr("add")
    command.pvr("commit")
    before = command.files()
    committed = (command.root / ".pvr/json").read_bytes()
    assert "run pvr commit to keep that" in command.pvr("app", "rm", "app")[1]
    assert (command.root / ".pvr/json").read_bytes() == committed
    assert "D app/run.json\n" in command.pvr("status")[0]
    command.pvr("checkout")
    assert command.files() == before
    command.pvr("app", "rm", "app/")
    command.pvr("commit")
    command.pvr("checkout")
    assert command.files() == ["device.json"]


@pytest.mark.parametrize("word", ["conf", "_sigs/conf.json", "_config/app"])
def test_what_a_signature_covers_goes_with_it(
    command: PvrCommand, rootfs: Path, tmp_path: Path, word: str
) -> None:
    """A configuration that is a package of its own, by its signature's name, by itself or by its folder."""
    keys.generate(tmp_path / "keys", common_name="x", algorithm="ES256", days=9)
    add(command, rootfs)
    for name in ("a", "b"):
        (command.root / "_config/app").mkdir(parents=True, exist_ok=True)
        (command.root / "_config/app" / name).write_text(name)
    command.pvr("add")
    command.pvr("commit")
    signing = ("--key", f"{tmp_path}/keys/key.pem", "--x5c", f"{tmp_path}/keys/x5c.pem")
    command.pvr(
        "sig", *signing, "add", "--raw", "conf", "--include", "_config/app/**", "--include", "#spec"
    )
    before = set(command.files())
    command.pvr("app", "rm", word)
    assert before - set(command.files()) == {"_config/app/a", "_config/app/b", "_sigs/conf.json"}
    command.pvr("commit")
    assert command.pvr("status")[0] == ""


def test_listing_and_info_show_the_working_tree(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs, "--verity")
    assert command.pvr("app", "ls")[0] == "app\n"
    (found,) = json.loads(command.pvr("app", "ls", "--json")[0])
    assert found["name"] == "app" and found["type"] == "rootfs" and found["verity"] == ["root.squashfs"]
    assert json.loads(command.pvr("app", "info", "app", "--json")[0]) == command.json("app/src.json")
    assert "rootfs" in command.pvr("app", "info", "app")[0]
    assert 'use "app"' in command.pvr("app", "info", "apq", status=2)[1]


def test_a_container_that_is_only_mounted_is_the_tree_as_it_is(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs, "--status-goal", "MOUNTED")
    assert not (command.root / "app/lxc.container.conf").exists()
    assert not any(line.endswith("/proc") for line in command.listing("app/root.squashfs"))


def test_times_stop_at_the_given_epoch(
    command: PvrCommand, rootfs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    add(command, rootfs)
    assert all("2001-09-0" in line or "1970-01-01" in line for line in command.listing("app/root.squashfs"))


@pytest.mark.parametrize("epoch", ["x", "\xb2", "-1", "9" * 5000])
def test_epoch_that_is_not_a_number_is_the_users_mistake(
    command: PvrCommand, rootfs: Path, monkeypatch: pytest.MonkeyPatch, epoch: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert "not a number of seconds" in add(command, rootfs, status=2)[1]


def test_progress_is_said(command: PvrCommand, rootfs: Path) -> None:
    assert "packing app" in add(command, rootfs)[1]


def other_repository(
    command: PvrCommand, rootfs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A repository with the container ``web`` and its configuration, committed and signed."""
    other = tmp_path / "other"
    Repository.init(other)
    monkeypatch.chdir(other)
    there = PvrCommand(other, command._capsys)
    add(
        there, rootfs, "--verity", "--volume", "/data:permanent", "--config-json", '{"User": "web"}',
        name="web",
    )  # fmt: skip
    (other / "_config/web/etc").mkdir(parents=True)
    (other / "_config/web/etc/x").write_text("x")
    there.pvr("add")
    there.pvr("commit")
    monkeypatch.chdir(command.root)
    return other


def test_a_part_is_taken_and_renamed(
    command: PvrCommand, rootfs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = other_repository(command, rootfs, tmp_path, monkeypatch)
    take = ("app", "add", "app", "--type", "pvr", "--from")
    assert 'use "web"' in command.pvr(*take, f"{other}#wab", status=2)[1]
    command.pvr(*take, f"{other}#web", "--group", "platform")
    source = command.json("app/src.json")
    assert (
        source["pvr"] == "other#web"
        and source["name"] == "app"
        and source["args"]["PV_GROUP"] == "platform"
    )
    conf = (command.root / "app/lxc.container.conf").read_text()
    assert "/volumes/app/" in conf and "web" not in conf and "lxc.init.uid = 7\n" in conf
    assert command.json("app/run.json")["name"] == "app"
    assert (command.root / "_config/app/etc/x").read_text() == "x"
    assert (command.root / "app/root.squashfs").read_bytes() == (other / "web/root.squashfs").read_bytes()
    assert check_verity(command) == json.loads((other / "web/_dm/root.squashfs.json").read_text())
    for path in command.files("app"):
        assert str(tmp_path).encode() not in (command.root / path).read_bytes()
    assert "--force makes it again" in command.pvr("app", "update", "app", "--from", str(other))[1]


def test_a_part_of_an_export_is_taken_as_it_is(
    command: PvrCommand, rootfs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = other_repository(command, rootfs, tmp_path, monkeypatch)
    keys = tmp_path / "keys"
    command.pvr("keys", "generate", str(keys))
    monkeypatch.chdir(other)
    command.pvr("sig", "--key", f"{keys}/key.pem", "--x5c", f"{keys}/x5c.pem", "add", "--part", "web")
    command.pvr("export", str(tmp_path / "web.tgz"))
    monkeypatch.chdir(command.root)
    _, said = command.pvr("app", "add", "web", "--type", "pvr", "--from", str(tmp_path / "web.tgz"))
    assert "warning" not in said and (command.root / "_sigs/web.json").exists()
    command.pvr("add")
    command.pvr("commit")
    command.pvr("sig", "--cacerts", f"{keys}/ca.crt", "ls")
    _, said = command.pvr("app", "add", "app", "--type", "pvr", "--from", f"{tmp_path}/web.tgz#web")
    assert "signature" in said and not (command.root / "_sigs/app.json").exists()


def test_what_else_the_signature_of_a_part_names_stays_where_it_is(
    command: PvrCommand, rootfs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = other_repository(command, rootfs, tmp_path, monkeypatch)
    (other / "bsp").mkdir()
    (other / "bsp/run.json").write_text("{}")
    monkeypatch.chdir(other)
    command.pvr("add")
    command.pvr("commit")
    command.pvr("keys", "generate", str(tmp_path / "keys"))
    keys = ("--key", f"{tmp_path}/keys/key.pem", "--x5c", f"{tmp_path}/keys/x5c.pem")
    command.pvr("sig", *keys, "add", "--raw", "web", "--include", "web/**", "--include", "bsp/*")
    monkeypatch.chdir(command.root)
    _, said = command.pvr("app", "add", "web", "--type", "pvr", "--from", f"{other}#web")
    assert "left out, since it is outside web: bsp/run.json, of the signature in other#web" in said
    assert not (command.root / "bsp").exists() and not (command.root / "_sigs").exists()


def test_a_damaged_part_is_refused(
    command: PvrCommand, rootfs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = other_repository(command, rootfs, tmp_path, monkeypatch)
    victim = max((other / ".pvr/objects").iterdir(), key=lambda path: path.stat().st_size)
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    assert (
        "damaged"
        in command.pvr("app", "add", "app", "--type", "pvr", "--from", f"{other}#web", status=2)[1]
    )
    assert command.files() == ["device.json"]


def test_an_update_changes_what_it_is_given(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs)
    command.pvr("app", "update", "app", "--from", str(rootfs), "--profile", "fast", "--group", "root")
    assert command.json("app/run.json")["group"] == "root"
    assert command.json("app/run.json")["status_goal"] == "STARTED"


def image(path: Path, *layers: dict[str, bytes]) -> str:
    made = images.image(*layers)
    images.write_files(path, images.layout_files(made))
    return f"oci:{path}"


def test_an_image_and_a_root_file_system_are_not_taken_for_each_other(
    command: PvrCommand, tmp_path: Path
) -> None:
    made = images.image({"etc/x": b"1"})
    images.write_files(tmp_path / "layout", images.layout_files(made))
    (tmp_path / "oci.tar").write_bytes(images.tar(images.layout_files(made)))
    (tmp_path / "docker.tar").write_bytes(images.tar(images.docker_files(made)))
    for name, transport in (
        ("layout", "oci"),
        ("oci.tar", "oci-archive"),
        ("docker.tar", "docker-archive"),
    ):
        said = add(command, tmp_path / name, status=2)[1]
        assert (
            f"not a root file system but a container image\n  hint: leave out --type: --from {transport}:"
            in said
        )
    (tmp_path / "rootfs.tar").write_bytes(images.tar({"etc/passwd": b""}))
    said = command.pvr("app", "add", "x", "--from", f"oci-archive:{tmp_path}/rootfs.tar", status=2)[1]
    assert "--type rootfs" in said


LOWER = {"etc/app.conf": b"one\n", "bin/sh": b"#!"}


@pytest.mark.parametrize(
    "reference, known",
    [(None, ("app", "latest")), ("1.27", ("app", "1.27")), ("web/site:3", ("docker.io/web/site", "3")),
     ("r.example:5/a/b", ("r.example:5/a/b", "latest")), ("UPPER/x:", ("app", "latest"))],
)  # fmt: skip
def test_an_image_from_a_file_has_a_name(
    command: PvrCommand, tmp_path: Path, reference: str | None, known: tuple[str, str]
) -> None:
    """The published tool installs no container without docker_name and docker_tag."""
    place = image(tmp_path / "one", LOWER)
    if reference:
        index = tmp_path / "one/index.json"
        document = json.loads(index.read_text())
        document["manifests"][0].setdefault("annotations", {})["org.opencontainers.image.ref.name"] = (
            reference
        )
        index.write_text(json.dumps(document))
    add_image(command, "App", place)
    found = command.json("App/src.json")
    assert (found["docker_name"], found["docker_tag"], found["docker_source"]) == (*known, "local")
    # It is in no registry under that name.
    assert "--from" in command.pvr("app", "update", "App", status=2)[1]
    command.pvr("app", "update", "App", "--from", place, "--platform", "linux/amd64", "--profile", "fast")


def add_image(command: PvrCommand, name: str, source: str, *words: str) -> tuple[str, str]:
    return command.pvr(
        "app", "add", name, "--from", source, "--platform", "linux/amd64", "--profile", "fast", *words
    )


def test_an_update_as_a_patch_keeps_the_root(command: PvrCommand, tmp_path: Path) -> None:
    add_image(command, "app", image(tmp_path / "one", LOWER), "--verity")
    root = (command.root / "app/root.squashfs").read_bytes()
    old = command.json("app/src.json")
    two = image(tmp_path / "two", LOWER, {"etc/app.conf": b"two\n"})
    command.pvr("app", "update", "app", "--from", two, "--patch", "--profile", "fast")
    source, run = command.json("app/src.json"), command.json("app/run.json")
    assert (command.root / "app/root.squashfs").read_bytes() == root
    assert source["docker_digest"] == old["docker_digest"] != source["docker_ovl_digest"]
    assert run["root-volume"] == "dm:root.squashfs" and run["volumes"] == ["dm:root.ovl.squashfs"]
    assert [line.rpartition("squashfs-root")[2] for line in command.listing("app/root.ovl.squashfs")] == [
        "", "/etc", "/etc/app.conf",
    ]  # fmt: skip
    conf = (command.root / "app/lxc.container.conf").read_text()
    assert "overlayfs:/volumes/app/root.ovl.squashfs:/volumes/app/root.squashfs:" in conf
    check_verity(command)
    check_verity(command, "root.ovl.squashfs")
    assert "--force" in command.pvr("app", "update", "app", "--from", two, "--patch")[1]
    command.pvr("app", "update", "app", "--from", two, "--force", "--profile", "fast")
    assert "docker_ovl_digest" not in command.json("app/src.json")
    assert not [path for path in command.files("app") if "ovl" in path]
    check_verity(command)


def test_a_container_over_another_keeps_only_the_difference(command: PvrCommand, tmp_path: Path) -> None:
    add_image(command, "os", image(tmp_path / "one", LOWER))
    add_image(command, "app", image(tmp_path / "two", LOWER, {"srv/x": b"x"}), "--base", "os")
    source = command.json("app/src.json")
    assert (
        source["base"] == "os" and source["docker_digest"] == command.json("os/src.json")["docker_digest"]
    )
    assert command.json("app/run.json")["root-volume"] == "root.ovl.squashfs"
    assert not (command.root / "app/root.squashfs").exists()
    assert (
        "/volumes/app/root.ovl.squashfs:/volumes/os/root.squashfs:"
        in (command.root / "app/lxc.container.conf").read_text()
    )
    three = image(tmp_path / "three", LOWER, {"srv/y": b"y"})
    command.pvr("app", "update", "app", "--from", three, "--profile", "fast")
    assert command.cat("app/root.ovl.squashfs", "srv/y") == b"y"
    assert (
        "app is a patch over os"
        in command.pvr("app", "update", "os", "--from", three, "--profile", "fast")[1]
    )
    command.pvr("app", "install", "app")
    assert 'no container nos' in command.pvr(
        "app", "add", "x", "--from", three, "--base", "nos", "--platform", "linux/amd64", status=2
    )[1]
    assert "app is a patch over os and starts no more" in command.pvr("app", "rm", "os")[1]
    assert "warning" not in command.pvr("app", "rm", "app")[1]


def test_an_update_gives_up_a_base_and_takes_another(command: PvrCommand, tmp_path: Path) -> None:
    one, two = image(tmp_path / "one", LOWER), image(tmp_path / "two", LOWER, {"srv/x": b"x"})
    add_image(command, "os", one)
    add_image(command, "app", two, "--base", "os")
    words = ["app", "update", "app", "--from", two, "--profile", "fast"]
    command.pvr(*words, "--newbase")
    assert command.json("app/src.json").keys().isdisjoint({"base", "docker_ovl_digest"})
    assert (
        command.cat("app/root.squashfs", "srv/x") == b"x"
        and not (command.root / "app/root.ovl.squashfs").exists()
    )
    assert "/volumes/app/root.squashfs:" in (command.root / "app/lxc.container.conf").read_text()
    command.pvr(*words, "--base", "os")
    assert (
        command.json("app/src.json")["base"] == "os" and not (command.root / "app/root.squashfs").exists()
    )
    assert command.cat("app/root.ovl.squashfs", "srv/x") == b"x"
    add_image(command, "third", one)
    said = command.pvr("app", "update", "os", "--from", one, "--base", "third", status=2)[1]
    assert "app needs the root.squashfs of os" in said and "hint: give it another base" in said
    assert (command.root / "os/root.squashfs").exists()


def test_force_makes_a_container_anew(command: PvrCommand, rootfs: Path, tmp_path: Path) -> None:
    add(command, rootfs, "--group", "root", "--verity")
    (command.root / "app/own.txt").write_text("own")
    assert "exists already\n  hint: run: pvr app update app, or" in add(command, rootfs, status=2)[1]
    made = add_image(command, "app", image(tmp_path / "one", LOWER), "--force")[1]
    assert "app is made from" in made
    assert (
        "rootfs_url" not in command.json("app/src.json") and command.json("app/run.json")["group"] == "app"
    )
    assert command.cat("app/root.squashfs", "etc/app.conf") == b"one\n"
    assert command.files("app") == [
        "app/lxc.container.conf", "app/own.txt", "app/root.squashfs", "app/root.squashfs.docker-digest",
        "app/run.json", "app/src.json",
    ]  # fmt: skip
    add(command, rootfs, "--force", name="other")
    assert command.json("other/src.json")["rootfs_url"] == "rootfs"
    (command.root / "mine").mkdir()
    assert "is not a container" in add(command, rootfs, "--force", name="mine", status=2)[1]


PASSWD = {"etc/passwd": b"web:x:7:8::/srv:/bin/sh\n", "etc/group": b"web:x:8:\ntty:x:5:web\n"}
NEW_PASSWD = {"etc/passwd": b"late:x:17:18::/srv:/bin/sh\n"}
HOME = (
    b"lxc.environment = PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
    b"lxc.environment = HOME=/srv\n"
)
LATE = b"lxc.init.uid = 17\nlxc.init.gid = 18\n" + HOME


def test_what_is_written_again_runs_as_the_user_whom_the_patch_brings(
    command: PvrCommand, tmp_path: Path
) -> None:
    add_image(command, "os", image(tmp_path / "one", LOWER, PASSWD), "--config", "User=web")
    conf = command.root / "os/lxc.container.conf"
    assert b"lxc.init.uid = 7\nlxc.init.gid = 8\nlxc.init.groups = 5\n" + HOME in conf.read_bytes()
    two = image(tmp_path / "two", LOWER, PASSWD, NEW_PASSWD)
    words = ("--from", two, "--config", "User=late", "--platform", "linux/amd64", "--profile", "fast")
    command.pvr("app", "add", "app", *words, "--base", "os")
    command.pvr("app", "update", "os", *words, "--patch")
    for name in ("app", "os"):
        before = (command.root / name / "lxc.container.conf").read_bytes()
        assert LATE in before
        command.pvr("app", "install", name)
        assert (command.root / name / "lxc.container.conf").read_bytes() == before
        command.pvr("app", "dm-convert", f"{name}/root.ovl.squashfs")
        assert (command.root / name / "lxc.container.conf").read_bytes() == before
    command.pvr("add")
    command.pvr("commit")
    export = tmp_path / "both.tgz"
    command.pvr("export", str(export))
    command.pvr("app", "add", "third", "--type", "pvr", "--from", f"{export}#app", "--group", "root")
    assert LATE in (command.root / "third/lxc.container.conf").read_bytes()


def test_what_cannot_be_looked_up_does_not_run_as_root_instead(command: PvrCommand, tmp_path: Path) -> None:
    add_image(command, "os", image(tmp_path / "one", LOWER, PASSWD))
    two = image(tmp_path / "two", LOWER, PASSWD, NEW_PASSWD)
    add_image(command, "app", two, "--base", "os", "--config", "User=late")
    before = (command.root / "app/lxc.container.conf").read_bytes()
    (command.root / "os/root.squashfs").unlink()
    assert "squashfs of os, which is not here" in command.pvr("app", "install", "app", status=2)[1]
    assert (command.root / "app/lxc.container.conf").read_bytes() == before


def test_what_is_only_mounted_needs_no_user(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs, "--config", "User=nobody-knows", "--status-goal", "MOUNTED")
    command.pvr("app", "install", "app")
    assert (
        "nobody-knows" in add(command, rootfs, "--config", "User=nobody-knows", name="other", status=2)[1]
    )


def test_a_missing_working_folder_is_made_as_docker_run_does(
    command: PvrCommand, rootfs: Path, tmp_path: Path
) -> None:
    one = image(tmp_path / "one", LOWER)
    add_image(command, "app", one, "--config", "WorkingDir=/srv//deep/./er/")
    listing = "".join(command.listing("app/root.squashfs"))
    assert "drwxr-xr-x 0/0" in [
        line[:14] for line in command.listing("app/root.squashfs") if line.endswith("/srv/deep/er")
    ]
    assert "lxc.init.cwd = /srv//deep/./er/\n" in (command.root / "app/lxc.container.conf").read_text()
    two = image(tmp_path / "two", LOWER, {"bin/x": b"x"})
    command.pvr(
        "app", "update", "app", "--from", two, "--patch", "--config", "WorkingDir=/opt", "--profile", "fast"
    )
    assert any(line.endswith("squashfs-root/opt") for line in command.listing("app/root.ovl.squashfs"))
    assert (
        "should be a directory of the root file system"
        in command.pvr(
            "app", "add", "bad", "--from", one, "--platform", "linux/amd64", "--config",
            "WorkingDir=/bin/sh", status=2,
        )[1]
    )  # fmt: skip
    add_image(command, "only", one, "--config", "WorkingDir=/srv", "--status-goal", "MOUNTED")
    assert "/srv" in listing and not any("/srv" in line for line in command.listing("only/root.squashfs"))


def test_a_rootfs_is_not_a_patch(command: PvrCommand, rootfs: Path) -> None:
    assert "only a container from an image" in add(command, rootfs, "--base", "os", status=2)[1]


def test_own_volumes_survive_an_update(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs)
    (command.root / "app/data.squashfs").write_bytes(bytes(8192))
    command.pvr(
        "app", "update", "app", "--from", str(rootfs), "--arg-json",
        'PV_VOLUME_MOUNTS=["data.squashfs:/data"]', "--verity-volume", "data.squashfs",
    )  # fmt: skip
    check_verity(command, "data.squashfs")


def test_what_a_killed_command_left_goes_and_what_lives_stays(command: PvrCommand, rootfs: Path) -> None:
    dead, living = command.root / ".pvr/.making.dead", command.root / ".pvr/.making.living"
    for folder in (dead, living):
        folder.mkdir()
        (folder / "x").write_text("x")
    held = os.open(living, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        add(command, rootfs)
        assert living.exists() and not dead.exists()
    finally:
        os.close(held)


# Rows of the manifests


# Option -> what is stored in src.json, and what in run.json or lxc.container.conf.
ROWS: list[tuple[list[str], dict[str, Any], str]] = [
    (["--group", "root"], {"PV_GROUP": "root"}, '"group":"root"'),
    (["--runlevel", "root"], {"PV_RUNLEVEL": "root", "PV_GROUP": ""}, '"runlevel":"root"'),
    (["--status-goal", "READY"], {"PV_STATUS_GOAL": "READY"}, '"status_goal":"READY"'),
    (["--restart-policy", "system"], {"PV_RESTART_POLICY": "system"}, '"restart_policy":"system"'),
    (["--role", "mgmt,nobody"], {"PV_ROLES": ["mgmt", "nobody"]}, '"roles":["mgmt","nobody"]'),
    (["--auto-recovery", '{"policy": "always"}'], {"PV_AUTO_RECOVERY": {"policy": "always"}},
     '"policy":"always"'),
    (["--no-automodfw"], {"PV_AUTOMODFW": "no"}, '"automodfw":"no"'),
    (["--remount", '{"a": ["b"]}'], {"PV_REMOUNT": {"a": ["b"]}}, '"remount":{"a":["b"]}'),
    (["--driver", "wifi,bt", "--driver", "manual:can"],
     {"PV_DRIVERS_REQUIRED": ["wifi", "bt"], "PV_DRIVERS_MANUAL": ["can"]},
     '"drivers":{"manual":["can"],"optional":[],"required":["wifi","bt"]}'),
    (["--service", "optional:db,type=unix,target=/run/db"],
     {"PV_SERVICES_OPTIONAL": [{"name": "db", "type": "unix", "target": "/run/db"}]},
     '"optional":[{"name":"db","target":"/run/db","type":"unix"}]'),
    (["--network-pool", "lan", "--hostname", "h", "--ip", "10.0.0.2", "--mac", "02:00:00:00:00:01"],
     {"PV_NETWORK_POOL": "lan", "PV_NETWORK_HOSTNAME": "h", "PV_NETWORK_IP": "10.0.0.2",
      "PV_NETWORK_MAC": "02:00:00:00:00:01"},
     '"network":{"hostname":"h","ip":"10.0.0.2","mac":"02:00:00:00:00:01","pool":"lan"}'),
    (["--lxc-network", "phys", "--lxc-link", "eth1"],
     {"PV_LXC_NETWORK_TYPE": "phys", "PV_LXC_NETWORK_LINK": "eth1"}, "lxc.net.0.link = eth1\n"),
    (["--lxc-network", "veth", "--lxc-address", "10.0.3.2/24", "--lxc-gateway", "10.0.3.1"],
     {"PV_LXC_NETWORK_IPV4_GATEWAY": "10.0.3.1"}, "lxc.net.0.ipv4.gateway = 10.0.3.1\n"),
    (["--env", "A=1,2", "--env", "B=x y"], {"PV_LXC_EXTRA_ENV": ["A=1,2", "B=x y"]},
     "= A=1,2\nlxc.environment = B=x y\n"),
    (["--cap-drop", "sys_time,CAP_NET_RAW", "--profile", "published"],
     {"PV_LXC_CAP_DROP": ["sys_time", "CAP_NET_RAW"], "PV_SECURITY_PROFILE": "published"},
     "lxc.cap.drop = net_raw\n"),
    (["--cap-add", "net_admin,CAP_SYS_BOOT"],
     {"PV_SECURITY_CAP_ADD": ["net_admin", "CAP_SYS_BOOT"], "PV_SECURITY_PROFILE": "confined"},
     "lxc.cap.keep = sys_boot\n"),
    (["--new-privs"], {"PV_SECURITY_NEW_PRIVS": "yes"}, '"profile":"confined"'),
    (["--cap-keep", "kill"], {"PV_LXC_CAP_KEEP": ["kill"]}, "lxc.cap.keep = kill\n"),
    (["--namespace-keep", "user,net"], {"PV_LXC_NAMESPACE_KEEP": "user net"},
     "lxc.namespace.keep = user net\n"),
    (["--no-console"], {"PV_LXC_DISABLE_CONSOLE": "yes"}, "lxc.console.path = none\n"),
    (["--tty-max", "3", "--pty-max", "9"], {"LXC_TTY_MAX": "3", "LXC_PTY_MAX": "9"},
     "lxc.tty.max = 3\nlxc.pty.max = 9\n"),
    (["--debug"], {"PV_DEBUG_MODE": "yes"}, "lxc.log.file"),
    (["--mount", "z.squashfs:/opt", "--mount", "y.squashfs:usr"],
     {"PV_VOLUME_MOUNTS": "z.squashfs:/opt,y.squashfs:usr"}, "/volumes/app/z.squashfs opt none"),
    (["--extra-volume", "z.squashfs"], {"PV_EXTRA_VOLUMES": "z.squashfs"}, '"volumes":["z.squashfs"]'),
    (["--import-volume", "db:/data:mnt:ro,noexec"],
     {"PV_VOLUME_IMPORTS": ["db:/data:mnt:ro,noexec"]},
     "/volumes/db/docker--data mnt none bind,ro,noexec,create=dir"),
    (["--import-config", "cfg:etc/cfg"], {"PV_IMPORT_CONFIGVOLUMES": "cfg:etc/cfg"},
     "/volumes/cfg/app etc/cfg none"),
    (["--import-file", "hosts:etc/hosts"], {"PV_FILEIMPORTS": "hosts:etc/hosts"},
     "/exports/hosts etc/hosts none"),
    (["--resolv-conf", "--resolv-conf-path", "run/r"],
     {"PV_RESOLV_CONF_DISABLE": "", "PV_RESOLV_CONF_PATH": "run/r"}, "/etc/resolv.conf run/r none"),
    (["--run-tmpfs-path", "var/run"], {"PV_RUN_TMPFS_PATH": "var/run"}, "tmpfs var/run tmpfs"),
    (["--no-run-tmpfs", "--no-autodev"], {"PV_RUN_TMPFS_DISABLE": "yes", "PV_DISABLE_AUTODEV": "yes"},
     "lxc.autodev = 0\n"),
    (["--mount-proc", "proc:rw", "--mount-sys", "sys:ro", "--mount-cgroup", "cgroup:ro"],
     {"LXC_MOUNT_AUTO_PROC": "proc:rw"}, "lxc.mount.auto = proc:rw  sys:ro  cgroup:ro\n"),
    (["--full-dev"], {"PV_SECURITY_FULLDEV": "yes"}, "/dev/ dev none"),
    (["--with-host"], {"PV_SECURITY_WITH_HOST": "yes"}, " / host none"),
    (["--with-host-proc"], {"PV_SECURITY_WITH_HOSTPROC": "yes"}, "/proc/ host/proc none"),
    (["--with-storage"], {"PV_SECURITY_WITH_STORAGE": "yes"}, "/storage storage none"),
    (["--allow-device", "c 1:3 rwm"], {"PVR_LXC_CGROUP_DEVICES_WHITE": ["c 1:3 rwm"]},
     "devices.allow = c 1:3 rwm\n"),
    (["--cgroup", "memory.limit_in_bytes = 64M"],
     {"PVR_LXC_CGROUP_V1": ["memory.limit_in_bytes = 64M"]}, "lxc.cgroup.memory.limit_in_bytes = 64M\n"),
    (["--memory", "64M", "--swap", "0"], {"PV_LIMIT_MEMORY": "64M", "PV_LIMIT_SWAP": "0"},
     "lxc.cgroup.memory.memsw.limit_in_bytes = 67108864\n"),
    (["--memory", "64M", "--cpus", "1.5", "--pids", "99"],
     {"PV_LIMIT_MEMORY": "64M", "PV_LIMIT_CPUS": "1.5", "PV_LIMIT_PIDS": "99"},
     "lxc.cgroup.cpu.cfs_quota_us = 150000\n"),
    (["--lxc-conf", "lxc.a = 1", "--lxc-conf", "more.conf"],
     {"PV_LXC_EXTRA_CONF": "lxc.a = 1\n# more\nlxc.b = 2"}, "\nlxc.a = 1\n# more\nlxc.b = 2\n"),
    (["--arg", "PV_RUN_TMPFS_DISABLE=no"], {"PV_RUN_TMPFS_DISABLE": "no"}, "tmpfs run tmpfs"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "arguments", "text"), ROWS, ids=lambda value: str(value[0]) if type(value) is list else ""
)
def test_options_reach_src_json_and_what_is_made_of_it(
    command: PvrCommand, rootfs: Path, words: list[str], arguments: dict[str, Any], text: str
) -> None:
    (command.root / "more.conf").write_text("# more\nlxc.b = 2\n")
    command.pvr("device", "pool", "add", "lan", "--type", "bridge", "--subnet", "10.0.0.0/24")
    add(command, rootfs, *words)
    found = command.json("app/src.json")["args"]
    assert {name: found.get(name) for name in arguments} == arguments
    assert (
        text
        in (command.root / "app/run.json").read_text()
        + (command.root / "app/lxc.container.conf").read_text()
    )


def test_every_template_argument_has_an_option() -> None:
    said = {option.argument for _, group in GROUPS for option in group}
    special = {
        f"PV_{what}_{kind}"
        for what in ("DRIVERS", "SERVICES")
        for kind in ("REQUIRED", "OPTIONAL", "MANUAL")
    }
    # Devices no longer read PV_CONDITIONS; --profile is among the options for packing.
    assert (
        said | special | {"PV_LXC_EXTRA_CONF", "PV_CONDITIONS", "PV_SECURITY_PROFILE"}
        == set(manifests.ARGUMENTS)
    )  # fmt: skip
    tried = {word for words, _, _ in ROWS for word in words}
    for _, group in GROUPS:
        for option in group:
            assert {option.flag, f"--no-{option.flag[2:]}"} & tried, option.flag


def test_the_page_of_containers_names_every_option_and_argument() -> None:
    page = (Path(__file__).parents[2] / "meta-pantavisor/docs/formats/container.md").read_text()
    assert [name for name in manifests.ARGUMENTS if f"`{name}`" not in page] == []
    commands = dict(manual.walk(cli.parser()))
    general = {"--help", "--quiet", "--verbose", "--json", "--from", "--type", "--base", "--force"}
    general |= {"--verity", "--verity-volume"}
    for words, command in commands.items():
        fetching = [group for group in command._action_groups if group.title == "fetching and packing"]
        elsewhere = general | {
            flag for group in fetching for action in group._group_actions for flag in action.option_strings
        }
        if words == ("app", "add") or words[:1] == ("device",):
            flags = {
                flag
                for action in command._actions
                for flag in action.option_strings
                if flag.startswith("--")
            }
            wanted = {
                flag
                for flag in flags - elsewhere
                if not (words[0] == "device" and flag.startswith("--no-"))
            }
            assert [flag for flag in sorted(wanted) if f"`{flag}" not in page] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--status-goal", "REDY"], 'use "READY"'),
        (["--restart-policy", "sytem"], 'use "system"'),
        (["--role", "mgtm"], 'use "mgmt"'),
        (["--runlevel", "platfrom"], 'use "platform"'),
        (["--driver", "requird:wifi"], 'use "required"'),
        (["--service", "db,type=unx"], 'use "unix"'),
        (["--service", "db,tpye=unix"], 'use "type"'),
        (["--service", "db,type"], "is not NAME=VALUE"),
        (["--service", "db"], "--service db has no type"),
        (["--service", "db,target=/run/db"], "--service db,target=/run/db has no type"),
        (["--profile", "confinde"], 'use "confined"'),
        (["--cap-drop", "net_admn"], 'use "net_admin"'),
        (["--lxc-network", "vet"], 'use "veth"'),
        (["--auto-recovery", '{"policy": "onfailure"}'], 'use "on-failure"'),
        (["--auto-recovery", "always"], "--auto-recovery"),
        (["--network-pool", "lan", "--ip", "10.0.0"], "is not an IP address"),
        (["--ip", "10.0.0.2"], "needs the network pool"),
        (["--mount", "a:b,c:d"], "use the option once for each"),
        (["--mount", "a"], "is not source:target"),
        (["--lxc-conf", "no-such-file"], "is not a line of LXC configuration"),
        (["--env", "A"], "is not NAME=value"),
        (["--arg", "PV_GRUOP=x"], 'use "PV_GROUP"'),
        (["--config", "Cmd"], "is not NAME=VALUE"),
        (["--network-pool", "lan"], 'network pool in app/run.json: "lan"'),
        (["--volume", "/data:permanent@disk"], 'disk of docker--data in app/run.json: "disk"'),
        (["--logs", "{}"], "is not a JSON array"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_is_fetched(
    command: PvrCommand, words: list[str], said: str
) -> None:
    _, found = command.pvr(
        "app", "add", "app", "--from", "docker://127.0.0.1:1/nothing/there", *words, status=2
    )
    assert said in found
    assert command.files() == ["device.json"]


def test_an_update_replaces_what_it_gives_and_switches_off_again(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs, "--debug", "--cap-drop", "kill", "--driver", "wifi", "--env", "A=1")
    command.pvr(
        "app", "update", "app", "--from", str(rootfs), "--profile", "fast", "--no-debug", "--cap-drop",
        "chown",
    )  # fmt: skip
    conf = (command.root / "app/lxc.container.conf").read_text()
    assert "lxc.log.file" not in conf and "= chown\n" not in conf and "lxc.cap.keep = kill\n" in conf
    assert (
        "lxc.environment = A=1\n" in conf
        and command.json("app/run.json")["drivers"]["required"] == ["wifi"]
    )  # fmt: skip


def test_an_update_keeps_the_profile_and_changes_it_by_name(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs, "--cap-add", "net_admin")
    confined = (command.root / "app/lxc.container.conf").read_text()
    update = ("app", "update", "app", "--from", str(rootfs), "--profile", "fast", "--force")
    command.pvr(*update)
    assert (command.root / "app/lxc.container.conf").read_text() == confined
    command.pvr(*update, "--profile", "published")
    assert "lxc.cap" not in (command.root / "app/lxc.container.conf").read_text()
    assert "profile" not in command.json("app/run.json")
    command.pvr(*update, "--profile", "confined")
    assert (command.root / "app/lxc.container.conf").read_text() == confined


def test_a_container_that_names_no_profile_stays_as_published(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs)
    source = command.json("app/src.json")
    del source["args"]["PV_SECURITY_PROFILE"]
    (command.root / "app/src.json").write_text(json.dumps(source))
    command.pvr("app", "update", "app", "--from", str(rootfs), "--profile", "fast", "--force")
    assert "lxc.cgroup.devices.allow = a\n" in (command.root / "app/lxc.container.conf").read_text()
    assert "profile" not in command.json("app/run.json")


def test_one_member_of_the_config_is_given_without_json(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs, "--config", "WorkingDir=/srv", "--config", 'Cmd=["/sbin/init", "a b"]')
    conf = (command.root / "app/lxc.container.conf").read_text()
    assert "lxc.init.cwd = /srv\n" in conf and 'lxc.init.cmd = /sbin/init "a b"\n' in conf
    for words in (("--config", "Entrypont=/x"), ("--config-json", '{"entrypoint": ["/x"]}')):
        assert 'use "Entrypoint"' in add(command, rootfs, *words, name="other", status=2)[1]
    source = command.json("app/src.json")
    (command.root / "app/src.json").write_text(json.dumps({**source, "config": {"Cnd": ["/x"]}}))
    assert 'use "Cmd"' in command.pvr("app", "install", "app", status=2)[1]


def test_json_comes_as_text_from_a_file_or_through_a_pipe(
    command: PvrCommand, rootfs: Path, tmp_path: Path
) -> None:
    add(command, rootfs, "--arg-json", "PV_AUTOMODFW=false", "--arg-json", "LXC_TTY_MAX=3", name="one")
    assert "lxc.tty.max = 3\n" in (command.root / "one/lxc.container.conf").read_text()
    assert command.json("one/run.json")["automodfw"] == "no"
    pipe, end = os.pipe()
    os.write(end, b'{"WorkingDir": "/srv"}')
    os.close(end)
    add(command, rootfs, "--config-json", f"/dev/fd/{pipe}", name="two")
    os.close(pipe)
    assert "lxc.init.cwd = /srv\n" in (command.root / "two/lxc.container.conf").read_text()
    for wrong in ("none.json", str(tmp_path), ""):
        assert (
            "is neither JSON nor a file"
            in add(command, rootfs, "--config-json", wrong, name="three", status=2)[1]
        )
    assert (
        "more than the 16777216 allowed"
        in add(command, rootfs, "--config-json", "/dev/zero", name="three", status=2)[1]
    )


def test_logs_and_exports_are_passed_on_and_stay(command: PvrCommand, rootfs: Path) -> None:
    logs, exports = [{"file": "/var/log/x", "maxsize": 9}], [{"a": "b"}]
    add(command, rootfs, "--logs", json.dumps(logs), "--exports", json.dumps(exports))
    assert (command.json("app/run.json")["logs"], command.json("app/src.json")["exports"]) == (
        logs,
        exports,
    )
    update = ("app", "update", "app", "--from", str(rootfs), "--profile", "fast")
    command.pvr(*update, "--logs", "[]")
    assert "logs" not in command.json("app/run.json") and command.json("app/run.json")["exports"] == exports


# Names of the published tool


def test_dm_commands_outside_of_app_do_the_same(command: PvrCommand, rootfs: Path) -> None:
    add(command, rootfs)
    command.pvr("dm-convert", "app/root.squashfs")
    document = check_verity(command)
    (command.root / "app/root.squashfs.hash").unlink()
    command.pvr("dm-apply", "app")
    assert check_verity(command) == document


@pytest.mark.parametrize(
    ("text", "codec"), [("-comp lz4", 5), ("-comp zstd -Xcompression-level 3", 6), ("-comp xz", 4)]
)
def test_format_options_choose_the_codec(command: PvrCommand, rootfs: Path, text: str, codec: int) -> None:
    add(command, rootfs, "--format-options", text)
    # Byte 20 of the superblock names the compressor.
    assert (command.root / "app/root.squashfs").read_bytes()[20] == codec


def test_format_options_that_say_more_are_refused(command: PvrCommand, rootfs: Path) -> None:
    assert (
        "use --profile" in add(command, rootfs, "--format-options", "-comp xz -e lib/modules", status=2)[1]
    )


class Empty(http.server.BaseHTTPRequestHandler):
    """A registry that has nothing."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *words: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def empty_registry() -> Iterator[str]:
    """HOST:PORT of a registry without images."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_place_is_given_in_the_published_words(command: PvrCommand, empty_registry: str) -> None:
    words = ("app", "add", "app", "--from", f"{empty_registry}/nothing/there")
    error = command.pvr(*words, "--source", "remote,local", status=2)[1]
    assert f"{empty_registry} has no image" in error, error
    assert command.pvr(*words, "--source", "local", status=2)[1].startswith("pvr: the docker daemon")
    assert 'use "local"' in command.pvr(*words, "--source", "locl", status=2)[1]


@pytest.mark.parametrize(
    ("words", "program"),
    [
        (["--config", "Cmd=/opt/run --fast"], "/opt/run"),
        (["--config", 'Entrypoint=["run"]'], "run"),
        (["--config", 'Entrypoint=["./run"]', "--config", "WorkingDir=/srv"], "./run"),
        (["--config", "Cmd=/opt/run", "--volume", "/opt/r:boot"], "/opt/run"),
        (["--config", "Cmd=/opt/away"], "/opt/away"),
        (["--config", "Cmd=/opt/script"], '/usr/bin/perl", which "/opt/script" is run by'),
        (["--config", "Cmd=/opt/env"], 'perl", which "/opt/env" is run by'),
    ],
)
def test_a_program_that_nothing_brings_is_refused(
    command: PvrCommand, rootfs: Path, words: list[str], program: str
) -> None:
    (rootfs / "opt").mkdir()
    (rootfs / "opt/away").symlink_to("/etc/../nowhere")
    for name, line in (("script", "#!/usr/bin/perl -w"), ("env", "#!/usr/bin/env perl")):
        (rootfs / "opt" / name).write_text(f"{line}\n")
        (rootfs / "opt" / name).chmod(0o755)
    error = add(command, rootfs, *words, status=2)[1]
    assert f'app: its root file system has no "{program}' in error
    assert "\n  hint: add it to the image, or " in error


def test_a_program_without_its_loader_is_refused(command: PvrCommand, rootfs: Path) -> None:
    shutil.copy("/bin/ls", rootfs / "app")
    words = ["--config", "Cmd=/app"]
    assert "/ld-linux" in add(command, rootfs, *words, status=2)[1]
    loader = next(path for path in Path("/lib64").glob("ld-linux*"))
    (rootfs / "lib64").mkdir()
    shutil.copy(loader, rootfs / "lib64" / loader.name)
    add(command, rootfs, *words)


def test_a_program_that_may_not_be_executed_is_refused(command: PvrCommand, rootfs: Path) -> None:
    (rootfs / "run").touch(0o644)
    error = add(command, rootfs, "--config", "Cmd=/run", status=2)[1]
    assert 'app: "/run" may not be executed\n  hint: run chmod +x ' in error


def test_a_program_that_a_volume_or_the_path_brings_is_not(command: PvrCommand, rootfs: Path) -> None:
    (rootfs / "opt").mkdir()
    (rootfs / "opt/run").touch(0o755)
    for number, words in enumerate(
        [
            ["--config", "Cmd=/opt/run"],
            ["--config", 'Entrypoint=["run"]', "--config", 'Env=["PATH=/bin:/opt"]'],
            ["--config", "Cmd=/srv/run", "--volume", "/srv:permanent"],
            ["--config", "Cmd=/srv/run", "--status-goal", "MOUNTED"],
        ]
    ):
        assert "has no" not in add(command, rootfs, *words, *(["--force"] if number else []))[1]


def test_a_volume_that_cannot_be_mounted_is_refused(command: PvrCommand, rootfs: Path) -> None:
    (rootfs / "app.conf").touch()
    _, said = add(command, rootfs, "--volume", "/app.conf:permanent", status=2)
    assert "app: the volume /app.conf cannot be mounted: /app.conf of the image is not a directory" in said


def test_a_volume_that_the_user_cannot_write_is_warned_of(command: PvrCommand, rootfs: Path) -> None:
    _, said = add(command, rootfs, "--volume", "/data:permanent", "--config", "User=1500")
    assert "warning: app: its user 1500 may not write to the volume /data" in said


def test_a_directory_is_laid_over_the_root(command: PvrCommand, rootfs: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay"
    (overlay / "etc/web").mkdir(parents=True)
    (overlay / "etc/app.conf").write_text("of this product\n")
    (overlay / "etc/web/more.json").write_text('{ "as": "it is" }\n')
    (overlay / "hook").touch(0o755)
    _, said = add(command, rootfs, "--config-overlay", str(overlay))
    assert "app: hook of its config overlay may not be executed on the device" in said
    there = command.root / "_config/app"
    assert (there / "etc/app.conf").read_text() == "of this product\n"
    assert (there / "etc/web/more.json").read_text() == '{ "as": "it is" }\n'
    command.pvr("add")
    command.pvr("commit")
    (overlay / "hook").unlink()
    (overlay / "etc/app.conf").write_text("newer\n")
    update = ("app", "update", "app", "--from", str(rootfs), "--config-overlay", str(overlay))
    command.pvr(*update)
    assert (there / "etc/app.conf").read_text() == "newer\n" and not (there / "hook").exists()
    (overlay / "link").symlink_to("etc")
    assert "link of the config overlay" in command.pvr(*update, status=2)[1]
    assert (there / "etc/web/more.json").exists()
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds no file" in command.pvr(*update[:-1], str(empty), status=2)[1]
    assert "is not a directory" in command.pvr(*update[:-1], str(empty / "x"), status=2)[1]
    (rootfs / "lib").symlink_to("usr/lib")
    (empty / "lib").mkdir()
    (empty / "lib/x.conf").touch()
    message = command.pvr(*update[:-1], str(empty), status=2)[1]
    assert "hide the image's link lib -> usr/lib\n  hint: move it to usr/lib/x.conf" in message
    shutil.rmtree(empty / "lib")
    # Before anything is fetched: that registry does not exist.
    early = ("app", "add", "new", "--from", "docker://registry.invalid/a:1", "--config-overlay", str(empty))
    assert "holds no file" in command.pvr(*early, status=2)[1]
