# SPDX-License-Identifier: MIT
"""The golden pairs of the published tool, with its bugs undone and named."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from pantavisor import lxc, manifests
from pantavisor.errors import FormatError
from pantavisor.manifests import rights
from sim import tools

TEMPLATES = Path(__file__).resolve().parents[1] / "vectors" / "templates"
CASES = sorted(path.name for path in TEMPLATES.iterdir())
# Case -> what the published tool gets wrong there, as (its text, the right text).
BUGS = {
    "ep_list_cmd_list": ('/e "a""b c"', '/e "a" "b c"'),  # no blank between words of Cmd
    "net_phys": ("lxc.net.0.link =", "lxc.net.0.link = "),  # no blank before the link
}


def published_run(case: str) -> dict:
    # Two or more volumes come out with a literal backslash-n between them, which is not JSON.
    return json.loads((TEMPLATES / case / "run.json").read_text().replace("\\n", ""))


def spec(case: str) -> manifests.ContainerSpec:
    source = manifests.SourceManifest.parse(json.loads((TEMPLATES / case / "src.json").read_text()))
    return manifests.ContainerSpec.from_source(case, source)


@pytest.mark.parametrize("case", [case for case in CASES if (TEMPLATES / case / "run.json").exists()])
def test_run_json_equals_the_published_one(case: str) -> None:
    assert manifests.run_manifest(spec(case)) == published_run(case)


@pytest.mark.parametrize(
    "case", [case for case in CASES if (TEMPLATES / case / "lxc.container.conf").exists()]
)
def test_lxc_configuration_equals_the_published_one(case: str) -> None:
    wanted = (TEMPLATES / case / "lxc.container.conf").read_text()
    if case in BUGS:
        assert BUGS[case][0] in wanted
        wanted = wanted.replace(*BUGS[case])
    # Releases from 2024 on mount /run first.
    resolv, run = (
        re.search(rf"^lxc.mount.entry = {word}.*\n", wanted, re.MULTILINE)
        for word in ("/etc/resolv", "tmpfs")
    )
    if resolv and run:
        wanted = wanted.replace(resolv.group() + run.group(), run.group() + resolv.group())
    assert lxc.render(spec(case)) == wanted


def read_by_lxc(text: str, key: str, folder: Path) -> str:
    """What liblxc itself takes for the values of ``key``."""
    program = tools.need("lxc-info", package="lxc")
    (folder / "web").mkdir(parents=True, exist_ok=True)
    (folder / "web" / "config").write_text(text)
    found = tools.run(program, "-P", folder, "-n", "web", "-c", key)
    assert found.startswith(f"{key} = ")
    return found[len(key) + 3 : -1]


def rendered(config: dict, **arguments: object) -> str:
    source = manifests.SourceManifest(image_config=config, arguments=arguments)
    return lxc.render(manifests.ContainerSpec.from_source("web", source))


@pytest.mark.parametrize(
    ("config", "command"),
    [
        ({"Cmd": ["/c", "a b"]}, '/c "a b"'),
        ({"Cmd": ["/my c"]}, '"/my c"'),
        ({"Cmd": ["/my c", "a b"]}, '"/my c" "a b"'),
        ({"Cmd": ["/my c", 'say "x"']}, '"/my c" \'say "x"\''),
        ({"Entrypoint": '"/my c"', "Cmd": ["a"]}, '"/my c" "a"'),
        ({"Entrypoint": "'/my c' 'a'"}, "'/my c' 'a'"),
        ({"Cmd": ["/c", "a "]}, '/c "a "'),
        ({"Cmd": ["/a\x0bb"]}, '"/a\x0bb"'),
    ],
)
def test_lxc_reads_the_words_that_were_written(config: dict, command: str, tmp_path: Path) -> None:
    assert read_by_lxc(rendered(config), "lxc.init.cmd", tmp_path) == command


ODD_VARIABLES = [
    "A=",
    "B= x ",
    "C=\ty\t",
    'D="z"',
    'E="',
    "F=a # b",
    "G=a=b",
    "'H='",
    "I=\\",
    '"J=x"',
    '" K="',
]


def test_lxc_reads_the_variables_that_were_written(tmp_path: Path) -> None:
    found = read_by_lxc(rendered({"Env": ODD_VARIABLES}), "lxc.environment", tmp_path)
    assert found == "\n".join([*ODD_VARIABLES, ""])
    found = read_by_lxc(rendered({}, PV_LXC_EXTRA_ENV=ODD_VARIABLES), "lxc.environment", tmp_path)
    assert found == "\n".join([*ODD_VARIABLES, ""])


def test_lxc_reads_the_folder_that_was_written(tmp_path: Path) -> None:
    for folder in ("/a b", "/a ", '"/a"'):
        assert read_by_lxc(rendered({"WorkingDir": folder}), "lxc.init.cwd", tmp_path) == folder


EVIL = "lxc.uts.name = evil"
# Arguments whose values have a form, and one of that form: nothing but the line break must be wrong.
GOOD = {
    "PV_RUNLEVEL": "app", "PV_STATUS_GOAL": "READY", "PV_RESTART_POLICY": "system", "PV_ROLES": "mgmt",
    "PV_VOLUME_MOUNTS": "a:b", "PV_VOLUME_IMPORTS": "a:/b:c", "PV_FILEIMPORTS": "a:b",
    "PV_IMPORT_CONFIGVOLUMES": "a:b", "PV_LXC_EXTRA_ENV": "A=b", "PV_LXC_NAMESPACE_KEEP": "user",
    "PV_LXC_NETWORK_TYPE": "host", "PV_LXC_NETWORK_LINK": "e", "PV_LXC_NETWORK_IPV4_ADDRESS": "fe80::1%e",
    "PV_LXC_NETWORK_IPV4_GATEWAY": "auto", "PV_LXC_CAP_DROP": "kill", "PV_LXC_CAP_KEEP": "kill",
    "PVR_LXC_CGROUP_DEVICES_WHITE": "c 1:3 rwm", "PVR_LXC_CGROUP_V1": "cpu.shares = 5", "LXC_TTY_MAX": "8",
    "LXC_PTY_MAX": "8", "LXC_MOUNT_AUTO_PROC": "proc", "LXC_MOUNT_AUTO_SYS": "sys",
    "LXC_MOUNT_AUTO_GROUP": "cgroup", "PV_NETWORK_IP": "fe80::1%e", "PV_NETWORK_MAC": "02:00:00:00:00:01",
}  # fmt: skip


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])  # liblxc ends a line at each
@pytest.mark.parametrize(
    ("config", "arguments"),
    [
        ({"Env": ["A=x{}"]}, {}),
        ({"Cmd": ["/c", "x{}"]}, {}),
        ({"Cmd": "/c{}"}, {}),
        ({"Entrypoint": ["/c{}"]}, {}),
        ({"Entrypoint": "/c{}"}, {}),
        ({"WorkingDir": "/w{}"}, {}),
        ({"StopSignal": "SIGTERM{}"}, {}),
        ({"Volumes": {"/v{}": {}}}, {}),
        *(
            ({}, {name: row.kind is manifests.Kind.WORDS and [f"{good}{{}}"] or f"{good}{{}}"})
            for name, row, good in (
                (name, row, GOOD.get(name, "x"))
                for name, row in manifests.ARGUMENTS.items()
                if row.kind in (manifests.Kind.WORDS, manifests.Kind.TEXT, manifests.Kind.NUMBER)
            )
            if name != "PV_LXC_EXTRA_CONF"
        ),
    ],
)
def test_no_value_adds_a_line(config: dict, arguments: dict, end: str) -> None:
    def fill(value: object) -> object:
        if isinstance(value, dict):
            return {fill(member): fill(item) for member, item in value.items()}
        if isinstance(value, list):
            return [fill(item) for item in value]
        return str(value).replace("{}", end + EVIL)

    needed = {"PV_NETWORK_POOL": "p"} if "PV_NETWORK_IP" in arguments else {}
    with pytest.raises(FormatError):
        rendered(fill(config), **needed, **fill(arguments))


def test_raw_lines_may_end_as_on_windows_and_hide_nothing(tmp_path: Path) -> None:
    text = rendered({}, PV_LXC_EXTRA_CONF="lxc.prlimit.nofile = 9\r\nlxc.uts.name = a\r\n")
    assert read_by_lxc(text, "lxc.uts.name", tmp_path) == "a" and "\r" not in text
    with pytest.raises(FormatError, match="line"):
        rendered({}, PV_LXC_EXTRA_CONF="lxc.uts.name = a\rlxc.net.0.type = empty")
    with pytest.raises(FormatError, match="exclude each other"):
        rendered({}, PV_LXC_EXTRA_CONF="lxc.uts.name = a\r\nlxc.net.0.type = empty", PV_NETWORK_POOL="p")


def test_a_spec_made_without_arguments_adds_no_line() -> None:
    spec = manifests.ContainerSpec.from_source("web", manifests.SourceManifest())
    with pytest.raises(FormatError, match="line break"):
        lxc.render(replace(spec, lxc=replace(spec.lxc, environment=(f"A=x\r{EVIL}",))))


CONFINED_ROWS = """\
lxc.cgroup.devices.deny = a
lxc.cgroup2.devices.deny = a
lxc.cgroup2.devices.allow = c 1:3 rwm
lxc.namespace.keep = user  net
lxc.mount.auto = proc:mixed  sys:ro  cgroup:ro
lxc.mount.entry = /proc/sys/net proc/sys/net none bind,ro,optional 0 0
lxc.mount.entry = tmpfs dev/shm tmpfs rw,nosuid,nodev,noexec,relatime,size=65536k,create=dir,mode=1777 0 0
lxc.cap.keep = chown
lxc.no_new_privs = 1
"""


def test_the_confined_profile_takes_rights_away() -> None:
    lines = rendered({}, PV_SECURITY_PROFILE="confined").splitlines()
    assert [row for row in CONFINED_ROWS.splitlines() if row not in lines] == []
    assert sum(line.startswith("lxc.cgroup2.devices.allow = ") for line in lines) == 10
    for capability in (
        "sys_admin",
        "sys_module",
        "mknod",
        "net_admin",
        "sys_rawio",
        "sys_ptrace",
        "dac_read_search",
    ):
        assert f"lxc.cap.keep = {capability}" not in lines
    assert not any(line.startswith("lxc.cap.drop") for line in lines)


def test_shared_memory_is_mounted_where_nothing_else_makes_dev() -> None:
    assert "dev/shm" in rendered({}, PV_SECURITY_PROFILE="confined")
    assert "dev/shm" not in rendered({})
    for other in ("PV_SECURITY_FULLDEV", "PV_DISABLE_AUTODEV"):
        assert "dev/shm" not in rendered({}, PV_SECURITY_PROFILE="confined", **{other: "yes"})


@pytest.mark.parametrize(
    ("arguments", "row", "is_there"),
    [
        ({"PV_SECURITY_CAP_ADD": "net_admin"}, "lxc.cap.keep = net_admin", True),
        ({"PV_LXC_CAP_DROP": "net_raw"}, "lxc.cap.keep = net_raw", False),
        ({"PV_LXC_CAP_KEEP": "kill"}, "lxc.cap.keep = chown", False),
        ({"PV_LXC_CAP_KEEP": "none"}, "lxc.cap.keep = none", True),
        ({"PV_LXC_CAP_KEEP": "none", "PV_SECURITY_CAP_ADD": "kill"}, "lxc.cap.keep = none", False),
        ({"PV_SECURITY_NEW_PRIVS": "yes"}, "lxc.no_new_privs = 1", False),
        ({"PVR_LXC_CGROUP_DEVICES_WHITE": ["c 188:* rw"]}, "lxc.cgroup2.devices.allow = c 188:* rw", True),
        ({"PVR_LXC_CGROUP_DEVICES_WHITE": ["c 188:* rw"]}, "lxc.cgroup2.devices.allow = c 1:3 rwm", True),
        (
            {"LXC_MOUNT_AUTO_GROUP": "cgroup:mixed"},
            "lxc.mount.auto = proc:mixed  sys:ro  cgroup:mixed",
            True,
        ),
        ({"PV_LXC_NETWORK_TYPE": "veth"}, "lxc.namespace.keep = user", True),
    ],
)
def test_what_a_container_needs_is_added_to_the_confined_profile(
    arguments: dict, row: str, is_there: bool
) -> None:
    assert (row in rendered({}, PV_SECURITY_PROFILE="confined", **arguments).splitlines()) is is_there


def test_lxc_reads_the_confined_profile(tmp_path: Path) -> None:
    text = rendered({}, PV_SECURITY_PROFILE="confined")
    assert read_by_lxc(text, "lxc.no_new_privs", tmp_path) == "1"
    assert read_by_lxc(text, "lxc.cap.keep", tmp_path).split() == list(rights.CAPABILITIES)
    assert read_by_lxc(text, "lxc.mount.auto", tmp_path)
