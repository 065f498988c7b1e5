# SPDX-License-Identifier: MIT
"""pvr device from the user's side: device.json of a working tree, edited by the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pantavisor import cjson, cli
from pantavisor.manifests import DeviceSpec, default_device
from pantavisor.repo import Repository
from sim.pvr_command import PvrCommand

LIBRARY = Path(cli.__file__).resolve().parents[2]


class DeviceCommand(PvrCommand):
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(capsys)
        self.root = root

    def device(self, *words: str, status: int = 0) -> tuple[str, str]:
        return self.both("device", *words, status=status)

    def json(self) -> dict[str, Any]:
        """The file, which must be canonical and pass the device's checks."""
        data = (self.root / "device.json").read_bytes()
        document = json.loads(data)
        assert cjson.dumps(document) == data
        return dict(DeviceSpec.parse(document).document)

    def container(self, name: str, **run: Any) -> None:
        (self.root / name).mkdir()
        (self.root / name / "run.json").write_text(json.dumps({"name": name, **run}))


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> DeviceCommand:
    root = tmp_path / "work"
    Repository.init(root)
    monkeypatch.chdir(root)
    made = DeviceCommand(root, capsys)
    made.device("init")
    return made


def test_the_first_device_json_is_the_default_one_and_is_not_replaced(command: DeviceCommand) -> None:
    assert command.json() == default_device()
    assert "already" in command.device("init", status=2)[1]
    (command.root / "device.json").unlink()
    assert "pvr device init" in command.device("ls", status=2)[1]


def test_groups_are_added_in_their_place_changed_and_removed(command: DeviceCommand) -> None:
    command.device("group", "add", "early", "--before", "root", "--timeout", "9", "--status-goal", "READY",
                   "--restart-policy", "system", "--description", "first",
                   "--auto-recovery", '{"policy": "always"}')  # fmt: skip
    command.device("group", "add", "late")
    assert [group["name"] for group in command.json()["groups"]] == [
        "data", "early", "root", "platform", "app", "late",
    ]  # fmt: skip
    assert command.json()["groups"][1] == {
        "name": "early", "timeout": 9, "status_goal": "READY", "restart_policy": "system",
        "description": "first", "auto_recovery": {"policy": "always"},
    }  # fmt: skip
    command.device("group", "set", "early", "--timeout", "20", "--description", "")
    changed = command.json()["groups"][1]
    assert changed["timeout"] == 20 and "description" not in changed and changed["status_goal"] == "READY"
    command.device("group", "rm", "early")
    command.device("group", "rm", "late")
    assert command.json() == default_device()


def test_a_change_leaves_alone_what_it_does_not_name(command: DeviceCommand) -> None:
    (command.root / "device.json").write_text('{"groups": [{"name": "app"}], "disks_v2": []}')
    command.device("group", "set", "app", "--restart-policy", "system")
    assert command.json() == {"groups": [{"name": "app", "restart_policy": "system"}], "disks_v2": []}


def test_disks_volumes_and_pools_with_every_member(command: DeviceCommand) -> None:
    command.device(
        "disk", "add", "d", "--type", "dm-crypt-versatile", "--alias", "x", "--alias", "y", "--path",
        "/p,2,key", "--mode", "m", "--format", "ext4", "--format-options", "-O ^x", "--provision", "zero",
        "--provision-options", "o", "--mount-target", "/m", "--mount-options", "ro", "--uuid", "u",
        "--default", "--migrate-keyblob", "--disk", "e", "--init-order", "e",
    )  # fmt: skip
    assert command.json()["disks"] == [{
        "name": "d", "type": "dm-crypt-versatile", "aliases": ["x", "y"], "path": "/p,2,key", "mode": "m",
        "format": "ext4", "format_options": "-O ^x", "provision": "zero", "provision_options": "o",
        "mount_target": "/m", "mount_options": "ro", "uuid": "u", "default": "yes",
        "migrate_keyblob": "yes", "disks": ["e"], "init_order": ["e"],
    }]  # fmt: skip
    command.device("volume", "add", "pv--logs", "--persistence", "revision", "--disk", "x")
    assert command.json()["volumes"]["pv--logs"] == {"persistence": "revision", "disk": "x"}
    assert 'pv--logs: disk "x"' in command.device("disk", "rm", "d", status=2)[1]
    command.device("volume", "set", "pv--logs", "--disk", "")
    command.device("disk", "set", "d", "--no-default")
    assert "default" not in command.json()["disks"][0]
    command.device("disk", "rm", "d")
    command.device("pool", "add", "lan", "--type", "bridge", "--bridge", "br0", "--subnet", "10.0.5.0/24",
                   "--gateway", "10.0.5.1", "--nat")  # fmt: skip
    pool = {"type": "bridge", "bridge": "br0", "subnet": "10.0.5.0/24", "gateway": "10.0.5.1", "nat": True}
    assert command.json()["network"] == {"pools": {"lan": pool}}
    command.device(
        "pool", "set", "lan", "--no-nat", "--type", "macvlan", "--parent", "eth0", "--bridge", ""
    )
    assert command.json()["network"]["pools"]["lan"] == {
        "type": "macvlan", "parent": "eth0", "subnet": "10.0.5.0/24", "gateway": "10.0.5.1", "nat": False,
    }  # fmt: skip
    command.device("pool", "rm", "lan")
    command.device("volume", "rm", "pv--logs")
    assert command.json() == {**default_device(), "network": {"pools": {}}}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["group", "add", "app"], "pvr device group set app"),
        (["group", "add", "a b"], "a b"),
        (["group", "add", "x", "--status-goal", "REDY"], 'use "READY"'),
        (["group", "add", "x", "--restart-policy", "sytem"], 'use "system"'),
        (["group", "add", "x", "--auto-recovery", '{"polcy": "no"}'], 'use "policy"'),
        (["group", "add", "x", "--timeout", "-1"], "timeout"),
        (["group", "add", "x", "--before", "rot"], 'use "root"'),
        (["group", "set", "ap", "--timeout", "1"], 'use "app"'),
        (["group", "rm", "plaform"], 'use "platform"'),
        (["disk", "add", "d"], "use --type"),
        (["disk", "add", "d", "--type", "volumedisk"], 'use "volume-disk"'),
        (["disk", "rm", "d"], "no disk d"),
        (["volume", "add", "v"], "use --persistence"),
        (["volume", "add", "v", "--persistence", "permanant"], 'use "permanent"'),
        (["volume", "add", "v", "--persistence", "boot", "--disk", "d"], "disk"),
        (["pool", "add", "p", "--type", "bridge"], "use --subnet"),
        (["pool", "add", "p", "--type", "brigde", "--subnet", "10.0.0.0/8"], 'use "bridge"'),
        (["pool", "add", "p", "--type", "bridge", "--subnet", "10.0.0.1/8"], "has host bits set"),
        (
            ["pool", "add", "p", "--type", "bridge", "--subnet", "10.0.0.0/8", "--gateway", "11.0.0.1"],
            "gateway",
        ),
    ],
)
def test_a_wrong_word_changes_nothing(command: DeviceCommand, words: list[str], said: str) -> None:
    assert said in command.device(*words, status=2)[1]
    assert command.json() == default_device()


def test_what_containers_use_stays(command: DeviceCommand) -> None:
    command.device("disk", "add", "d", "--type", "volume-disk", "--alias", "x")
    command.device("pool", "add", "lan", "--type", "bridge", "--subnet", "10.0.5.0/24")
    command.container(
        "web", group="app", storage={"v": {"persistence": "boot", "disk": "x"}}, network={"pool": "lan"}
    )
    command.container("old", runlevel="root")
    before = command.json()
    for words in (
        ["group", "rm", "app"],
        ["disk", "rm", "d"],
        ["disk", "set", "d", "--alias", "y"],
        ["pool", "rm", "lan"],
    ):
        assert "is used by web" in command.device(*words, status=2)[1]
    assert "is used by old" in command.device("group", "rm", "root", status=2)[1]
    assert command.json() == before
    command.device("group", "rm", "platform")


def test_what_is_missing_can_be_added_one_by_one(command: DeviceCommand) -> None:
    command.container("web", group="mine", network={"pool": "lan"})
    command.device("group", "add", "mine")
    command.device("pool", "add", "lan", "--type", "bridge", "--subnet", "10.0.5.0/24")


def test_the_list_is_for_people_and_for_programs(command: DeviceCommand) -> None:
    command.device("pool", "add", "lan", "--type", "bridge", "--subnet", "10.0.5.0/24", "--nat")
    lines = command.device("ls")[0].splitlines()
    assert lines[1].split()[:2] == ["group", "data"] and lines[-1].split() == [
        "pool", "lan", "nat=true", "subnet=10.0.5.0/24", "type=bridge",
    ]  # fmt: skip
    assert json.loads(command.device("ls", "--json")[0]) == command.json()


@pytest.mark.hostile
def test_two_commands_at_once_lose_nothing(command: DeviceCommand) -> None:
    words = [sys.executable, "-m", "pantavisor", "device", "group", "add"]
    running = [
        subprocess.Popen(
            [*words, f"g{index}"],
            cwd=command.root,
            env={"PYTHONPATH": str(LIBRARY)},
            stderr=subprocess.DEVNULL,
        )
        for index in range(6)
    ]
    assert [process.wait(600) for process in running] == [0] * 6
    assert {group["name"] for group in command.json()["groups"]} >= {f"g{index}" for index in range(6)}


def test_groups_of_an_old_state_stay_when_device_json_comes(command: DeviceCommand) -> None:
    (command.root / "device.json").unlink()
    old = [{"name": "one"}, {"name": "two", "timeout": 7}]
    (command.root / "groups.json").write_text(json.dumps(old))
    assert "two" in command.device("ls")[0]
    command.device("init")
    assert command.json() == {"groups": old}
    (command.root / "device.json").unlink()
    (command.root / "groups.json").write_text("{}")
    assert "groups.json has no list of 1 to 32 groups" in command.device("ls", status=2)[1]


def test_a_device_file_that_devices_refuse_is_committed_with_a_warning(command: DeviceCommand) -> None:
    path = command.root / "device.json"
    path.write_text(path.read_text().replace('"status_goal"', '"status_gaol"', 1))
    command("add")
    said = command.both("commit")[1]
    assert "warning: no device takes this state: unknown member of device.json: groups[0]" in said
    assert '"status_gaol"; use "status_goal"' in said and "committed" in said
    path.write_text(path.read_text().replace("status_gaol", "status_goal"))
    assert "warning" not in command.both("commit")[1]


def test_a_device_json_that_was_merged_and_not_written_is_not_edited(
    command: DeviceCommand, tmp_path: Path
) -> None:
    repository, other = Repository(command.root), Repository.init(tmp_path / "other")
    repository.add()
    repository.commit()
    (other.root / "device.json").write_bytes(cjson.dumps({**default_device(), "disks": []}))
    other.add()
    repository.merge_from(other.commit(), other.pool)
    before = command.json()
    for words in (("group", "add", "mine"), ("group", "set", "app", "--timeout", "9"), ("init",)):
        said = command.device(*words, status=2)[1]
        assert "device.json was merged or imported and is not in the working tree yet" in said
    assert command.json() == before
    repository.checkout()
    command.device("group", "add", "mine")
