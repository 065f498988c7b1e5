# SPDX-License-Identifier: MIT
"""What a confined container cannot do on a device, seen from inside; next to it one that is not confined,
which can.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from devtools import guest as qemu
from devtools import services
from made import Desk
from place import BOOT_SECONDS

ANSWER_SECONDS = 600
PORTS = {"confined": 8091, "published": 8092, "nodes": 8093}
WORDS: dict[str, tuple[str, ...]] = {
    # Limits in the words of the first cgroups.
    "confined": (
        "--cgroup",
        "memory.limit_in_bytes = 64M",
        "--cgroup",
        "pids.max = 99",
        "--cgroup",
        "cpu.shares = 512",
        "--cgroup",
        "cpu.cfs_quota_us = 50000",
    ),
    "published": ("--profile", "published"),
    # Nodes may be made, so that what the device filter does is seen; and reboot(2) be called.
    "nodes": ("--cap-add", "mknod,sys_boot", "--memory", "48M", "--cpus", "0.25", "--pids", "77"),
}
# One line of NAME=yes|no words; the port is the first word of the command line.
PROBE = """#!/bin/sh
try() { name=$1; shift; if "$@" >/dev/null 2>&1; then echo "$name=yes"; else echo "$name=no"; fi; }
status() { grep "^$1:" /proc/self/status | tr -d '\\t '; }
probe() {
	status NoNewPrivs; status Seccomp; status CapBnd
	echo "loopback=$(cat /sys/class/net/lo/flags)"
	echo "files=$(ulimit -Sn)/$(ulimit -Hn)"
	for limit in memory.max pids.max cpu.weight cpu.max; do
		echo "$limit=$(tr ' ' / </sys/fs/cgroup/$limit)"
	done
	try make_null mknod /dev/null2 c 1 3
	try make_disk mknod /dev/disk2 b $(cat /sys/block/vda/dev | tr : ' ')
	try read_disk dd if=/dev/disk2 of=/dev/null bs=512 count=1
	try write_null sh -c 'echo >/dev/null'
	try read_random dd if=/dev/urandom of=/dev/null bs=1 count=1
	if [ -e /restarted ]; then echo restart=yes; else touch /restarted; try restart reboot -f; fi
	mkdir -p /run/a
	try mount mount -t tmpfs none /run/a
	try remount_sys mount -o remount,rw /sys
	try write_sys sh -c 'echo 128 > /sys/block/vda/queue/read_ahead_kb'
	try write_proc sh -c 'echo 5 > /proc/sys/kernel/printk_ratelimit'
	try write_net sh -c 'echo 64 > /proc/sys/net/ipv4/ip_default_ttl'
	try write_irq sh -c 'cat /proc/irq/default_smp_affinity > /proc/irq/default_smp_affinity'
	try write_cgroup mkdir /sys/fs/cgroup/x
	try unload_module sh -c 'rmmod nosuch 2>&1 | grep -q "No such"'
	try user_namespace unshare -U true
	try read_unix grep -q Path /proc/net/unix
	try see_monitors grep -q @/run/lxc/ /proc/net/unix
	try own_file sh -c 'touch /tmp-x && chown 33:33 /tmp-x'
	echo done
}
probe 2>&1 | tr '\\n' ' ' >/run/result
echo >>/run/result
printf '#!/bin/sh\\ncat /run/result\\n' >/run/answer
chmod 755 /run/answer
exec nc -ll -p $1 -e /run/answer
"""


@pytest.fixture(scope="module")
def answers(
    machine: str, image: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dict[str, str]]]:
    """What each container found, by name."""
    desk = Desk(tmp_path_factory.mktemp("confined"), machine)
    root = desk.root("demo-system")
    (root / "probe").write_text(PROBE)
    (root / "probe").chmod(0o755)
    exports = [desk.export("pantavisor-bsp"), desk.export("demo-system")]
    for name, port in PORTS.items():
        command = f'Entrypoint=["/bin/sh", "/probe", "{port}"]'
        exports.append(desk.container(name, root, "--config", command, *WORDS[name]))
    made = desk.image(exports)
    forwards = qemu.free_ports(*PORTS.values())
    with qemu.Guest(qemu.Setup(made, machine, forwards)) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        found = {
            name: services.ask_line(running.port(port), timeout=ANSWER_SECONDS)
            for name, port in PORTS.items()
        }
        assert "WITHOUT" not in running.console
        # It went on, and was not taken for one that had ended.
        assert "container published restarted itself" in running.console
    yield {name: dict(word.replace(":", "=").split("=", 1) for word in line.split() if word != "done")
           for name, line in found.items()}  # fmt: skip


FORBIDDEN = [
    "make_null", "make_disk", "read_disk", "mount", "remount_sys", "write_sys", "write_net", "write_irq",
    "write_cgroup", "unload_module", "user_namespace", "restart",
]  # fmt: skip


@pytest.mark.parametrize("action", FORBIDDEN)
def test_a_confined_container_cannot_and_a_published_one_can(
    action: str, answers: dict[str, dict[str, str]]
) -> None:
    assert (answers["confined"][action], answers["published"][action]) == ("no", "yes")


def test_no_container_sees_the_sockets_that_command_the_others(answers: dict[str, dict[str, str]]) -> None:
    # liblxc's are in the network's namespace, which these containers share with the device.
    for name in ("confined", "published"):
        assert (answers[name]["read_unix"], answers[name]["see_monitors"]) == ("yes", "no")


def test_the_loopback_interface_is_up_and_containers_begin_with_the_usual_limit_of_files(
    answers: dict[str, dict[str, str]],
) -> None:
    for found in answers.values():
        assert int(found["loopback"], 16) & 1
        assert found["files"] == "1024/524288"


@pytest.mark.parametrize("action", ["write_null", "read_random", "own_file"])
def test_what_services_need_is_left(action: str, answers: dict[str, dict[str, str]]) -> None:
    assert answers["confined"][action] == "yes"


def test_settings_of_the_kernel_are_read_only_in_both(answers: dict[str, dict[str, str]]) -> None:
    assert (answers["confined"]["write_proc"], answers["published"]["write_proc"]) == ("no", "no")


def test_no_privileges_are_gained_and_calls_are_filtered(answers: dict[str, dict[str, str]]) -> None:
    assert (answers["confined"]["NoNewPrivs"], answers["confined"]["Seccomp"]) == ("1", "2")
    assert (answers["published"]["NoNewPrivs"], answers["published"]["Seccomp"]) == ("0", "0")
    # Docker's, 0xa80425fb, but mknod.
    assert int(answers["confined"]["CapBnd"], 16) == 0xA00425FB


def test_the_device_filter_holds_where_nodes_may_be_made(answers: dict[str, dict[str, str]]) -> None:
    assert (answers["nodes"]["make_null"], answers["nodes"]["make_disk"]) == ("yes", "no")


def test_no_container_restarts_past_what_is_looked_at_before_a_start(
    answers: dict[str, dict[str, str]],
) -> None:
    """LXC would make the places of mounts where links of the container lead, such as in a revision."""
    assert answers["nodes"]["restart"] == "no"


def test_limits_of_the_first_cgroups_are_those_of_the_second(answers: dict[str, dict[str, str]]) -> None:
    wanted = {"memory.max": str(64 << 20), "pids.max": "99", "cpu.weight": "20", "cpu.max": "50000/100000"}
    assert {limit: answers["confined"][limit] for limit in wanted} == wanted
    assert answers["published"]["memory.max"] == "max"


def test_limits_as_people_write_them_hold(answers: dict[str, dict[str, str]]) -> None:
    wanted = {"memory.max": str(48 << 20), "pids.max": "77", "cpu.max": "25000/100000"}
    assert {limit: answers["nodes"][limit] for limit in wanted} == wanted
