# SPDX-License-Identifier: MIT
"""Manifests: what is refused and how, Docker's meaning of an image's config, and the way back."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pantavisor import cjson, lxc, manifests
from pantavisor.errors import FormatError, NotFound
from pantavisor.manifests import (
    AutoRecovery,
    BspSpec,
    ContainerSpec,
    DeviceSpec,
    Drivers,
    LxcNetwork,
    LxcOptions,
    Mount,
    Network,
    Service,
    Services,
    SourceManifest,
    User,
    Volume,
    VolumeImport,
)
from pantavisor.state import State

OBJECT = "a" * 64


def spec(*, args: Any = None, config: Any = None, **more: Any) -> ContainerSpec:
    source = SourceManifest(arguments=args or {}, image_config=config or {}, **more)
    return ContainerSpec.from_source("web", source)


def conf(**options: Any) -> "list[str]":
    return lxc.render(spec(**options)).splitlines()


def run(**options: Any) -> "dict[str, Any]":
    return manifests.run_manifest(spec(**options))


# --- arguments
# ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        ({"PV_GRUOP": "app"}, "PV_GROUP"),
        ({"PV_STATUS_GOAL": "STARTET"}, "STARTED"),
        ({"PV_ROLES": ["mgtm"]}, "mgmt"),
        ({"PV_RESTART_POLICY": "contaner"}, "container"),
        ({"PV_LXC_NETWORK_TYPE": "vet"}, "veth"),
        ({"PV_AUTO_RECOVERY": {"policy": "onfailure"}}, "on-failure"),
        ({"PV_AUTO_RECOVERY": {"policy": "always", "max_retry": 3}}, "max_retries"),
        ({"PV_SERVICES_REQUIRED": [{"name": "x", "type": "unx"}]}, "unix"),
        ({"PV_RUNLEVEL": "plaform"}, "platform"),
        ({"PV_LXC_CAP_DROP": ["sys_admn"]}, "sys_admin"),
        ({"PV_LXC_CAP_KEEP": "CAP_NET_RAWE"}, "net_raw"),
        ({"PV_LXC_NAMESPACE_KEEP": "user nett"}, "net"),
        ({"LXC_MOUNT_AUTO_SYS": "sys:rww"}, "sys:rw"),
    ],
)
def test_a_misspelt_word_gets_the_nearest_right_one(args: dict, hint: str) -> None:
    with pytest.raises(FormatError) as caught:
        spec(args=args)
    assert caught.value.hint == f'use "{hint}"'


@pytest.mark.parametrize(
    "args",
    [
        {"PV_GROUP": "a\nb"},
        {"PV_GROUP": ["a"]},
        {"PV_GROUP": True},
        {"PV_GROUP": "x" * 70_000},
        {"PV_ROLES": [["mgmt"]]},
        {"PV_LXC_EXTRA_ENV": ["A=1\nlxc.cap.drop = x"]},
        {"PV_LXC_EXTRA_ENV": "A=\0"},
        {"PV_LXC_EXTRA_ENV": "A=\ud800"},
        {"PV_AUTO_RECOVERY": "always"},
        {"PV_AUTO_RECOVERY": {"policy": "always", "max_retries": -1}},
        {"PV_AUTO_RECOVERY": {"policy": "always", "retry_delay": 1.5}},
        {"PV_AUTO_RECOVERY": {"policy": "always", "backoff_policy": "10 min"}},
        {"PV_AUTO_RECOVERY": {}},
        {"PV_SERVICES_OPTIONAL": {}},
        {"PV_SERVICES_OPTIONAL": ["x"]},
        {"PV_NETWORK_POOL": "p", "PV_LXC_NETWORK_TYPE": "veth"},
        {"PV_VOLUME_MOUNTS": "x"},
        {"PV_FILEIMPORTS": ":x"},
        {"PV_VOLUME_IMPORTS": ["a:b"]},
        {"PV_RESOLV_CONF_PATH": "a b"},
        {"PV_RUN_TMPFS_PATH": "../run"},
        {"PV_VOLUME_MOUNTS": "x.squashfs:/a/../b"},
        {"PV_VOLUME_MOUNTS": "x.squashfs:/"},
        {"PV_VOLUME_IMPORTS": ["../x:/a:b"]},
        {"PV_VOLUME_IMPORTS": ["x:/a:b:ro 0"]},
        {"PV_EXTRA_VOLUMES": "/etc"},
        {"PV_NETWORK_IP": "10.0.0.2"},
        {"PV_NETWORK_POOL": "p", "PV_NETWORK_IP": "10.0.0.2/24"},
        {"PV_NETWORK_POOL": "p", "PV_NETWORK_MAC": "02:00:00:00:00"},
        {"PV_NETWORK_POOL": "p", "PV_NETWORK_MAC": "01:00:00:00:00:00"},
        {"PV_NETWORK_POOL": "p", "PV_NETWORK_HOSTNAME": "a_b"},
        {"PV_NETWORK_POOL": "p", "PV_LXC_EXTRA_CONF": "lxc.net.0.type = veth"},
        {"PV_LXC_NETWORK_TYPE": "phys"},
        {"PV_LXC_NETWORK_IPV4_ADDRESS": "10.0.3"},
        {"PV_LXC_NETWORK_IPV4_GATEWAY": "automatic"},
        {"PV_LXC_EXTRA_CONF": "hostname = x"},
        {"PV_LXC_EXTRA_ENV": "A=1,2"},
        {"PV_LXC_EXTRA_ENV": ["=x"]},
        {"PVR_LXC_CGROUP_DEVICES_WHITE": ["c 1:3 rwx"]},
        {"PVR_LXC_CGROUP_V1": ["memory"]},
        {"LXC_TTY_MAX": "many"},
        {"LXC_PTY_MAX": 10**30},
        {"PV_SERVICES_REQUIRED": [{"type": "unix", "role": 5}]},
        {"PV_DRIVERS_REQUIRED": ["wi fi"]},
        {"PV_DEBUG_MODE": ["yes"]},
    ],
)
def test_values_that_a_device_would_misread_are_refused(args: dict) -> None:
    with pytest.raises(FormatError):
        lxc.render(spec(args=args))


@pytest.mark.parametrize("word", ["no", "0", "false", "off", "", False])
def test_flags_mean_what_they_say(word: Any) -> None:
    assert "lxc.autodev = 0" not in conf(args={"PV_DISABLE_AUTODEV": word})
    assert "lxc.autodev = 0" in conf(args={"PV_DISABLE_AUTODEV": "yes"})


def test_words_come_as_a_list_or_with_commas() -> None:
    assert run(args={"PV_ROLES": ["mgmt"]})["roles"] == run(args={"PV_ROLES": "mgmt"})["roles"] == ["mgmt"]
    assert run(args={"PV_DRIVERS_REQUIRED": "wifi,bt"})["drivers"]["required"] == ["wifi", "bt"]


# One value of each argument that differs from its default, with what it needs beside it.
SAMPLES: "dict[str, Any]" = {
    "PV_GROUP": "app",
    "PV_RUNLEVEL": "app",
    "PV_STATUS_GOAL": "READY",
    "PV_RESTART_POLICY": "system",
    "PV_ROLES": ["nobody"],
    "PV_CONDITIONS": [{"k": "v"}],
    "PV_AUTOMODFW": "no",
    "PV_REMOUNT": {"a": ["b"]},
    "PV_DRIVERS_MANUAL": ["wifi"],
    "PV_DRIVERS_REQUIRED": ["wifi"],
    "PV_DRIVERS_OPTIONAL": ["wifi"],
    "PV_SERVICES_MANUAL": [{"name": "x", "type": "unix"}],
    "PV_SERVICES_REQUIRED": [{"type": "dbus", "role": "r", "interface": "i", "target": "/t"}],
    "PV_SERVICES_OPTIONAL": [{"name": "x", "type": "unix"}],
    "PV_AUTO_RECOVERY": {"policy": "no", "max_retries": 0, "backoff_factor": 1.5},
    "PV_NETWORK_POOL": "p",
    "PV_NETWORK_HOSTNAME": "web-1",
    "PV_NETWORK_IP": "10.0.0.2",
    "PV_NETWORK_MAC": "02:00:00:00:00:01",
    "PV_EXTRA_VOLUMES": ["z.squashfs"],
    "PV_VOLUME_MOUNTS": ["z.squashfs:opt/z"],
    "PV_VOLUME_IMPORTS": ["other:sub@/var/lib/x:mnt:ro,noexec"],
    "PV_FILEIMPORTS": ["a/b:etc/b"],
    "PV_IMPORT_CONFIGVOLUMES": ["cfg:etc/cfg"],
    "PV_DEBUG_MODE": "1",
    "PV_DISABLE_AUTODEV": "yes",
    "PV_LXC_DISABLE_CONSOLE": True,
    "PV_LXC_EXTRA_CONF": "lxc.hook.version = 1\n# why\nlxc.prlimit.nofile=2",
    "PV_LXC_EXTRA_ENV": ["A=b"],
    "PV_LXC_NAMESPACE_KEEP": "user",
    "PV_LXC_NETWORK_TYPE": "empty",
    "PV_LXC_NETWORK_LINK": "eth1",
    "PV_LXC_NETWORK_IPV4_ADDRESS": "10.0.3.2/24",
    "PV_LXC_NETWORK_IPV4_GATEWAY": "10.0.3.1",
    "PV_LXC_CAP_DROP": ["CAP_SYS_TIME"],
    "PV_LXC_CAP_KEEP": ["none"],
    "PV_RESOLV_CONF_DISABLE": "yes",
    "PV_RESOLV_CONF_PATH": "run/resolv.conf",
    "PV_RUN_TMPFS_DISABLE": "yes",
    "PV_RUN_TMPFS_PATH": "var/run",
    "PV_SECURITY_PROFILE": "confined",
    "PV_SECURITY_CAP_ADD": ["CAP_NET_ADMIN"],
    "PV_SECURITY_NEW_PRIVS": "yes",
    "PV_SECURITY_FULLDEV": "yes",
    "PV_SECURITY_WITH_HOST": "yes",
    "PV_SECURITY_WITH_HOSTPROC": "yes",
    "PV_SECURITY_WITH_STORAGE": "yes",
    "PVR_LXC_CGROUP_DEVICES_WHITE": ["c 1:3 rwm", "b *:* r"],
    "PV_LIMIT_MEMORY": "64M",
    "PV_LIMIT_SWAP": "0",
    "PV_LIMIT_CPUS": "0.5",
    "PV_LIMIT_PIDS": 100,
    "PVR_LXC_CGROUP_V1": ["memory.high = 64M"],
    "LXC_TTY_MAX": 3,
    "LXC_PTY_MAX": "9",
    "LXC_MOUNT_AUTO_PROC": "proc:rw",
    "LXC_MOUNT_AUTO_SYS": "sys:ro",
    "LXC_MOUNT_AUTO_GROUP": "cgroup:mixed:force",
}
CONTEXT: "dict[str, dict[str, Any]]" = {
    "PV_SECURITY_CAP_ADD": {"PV_SECURITY_PROFILE": "confined"},
    "PV_SECURITY_NEW_PRIVS": {"PV_SECURITY_PROFILE": "confined"},
    "PV_LIMIT_SWAP": {"PV_LIMIT_MEMORY": "64M"},
    "PV_NETWORK_HOSTNAME": {"PV_NETWORK_POOL": "p"},
    "PV_NETWORK_IP": {"PV_NETWORK_POOL": "p"},
    "PV_NETWORK_MAC": {"PV_NETWORK_POOL": "p"},
    "PV_LXC_NETWORK_LINK": {"PV_LXC_NETWORK_TYPE": "phys", "PV_LXC_NETWORK_LINK": "eth0"},
    "PV_LXC_NETWORK_IPV4_ADDRESS": {"PV_LXC_NETWORK_TYPE": "veth"},
    "PV_LXC_NETWORK_IPV4_GATEWAY": {
        "PV_LXC_NETWORK_TYPE": "veth",
        "PV_LXC_NETWORK_IPV4_ADDRESS": "10.0.3.2",
    },
}


@pytest.mark.parametrize("name", sorted(manifests.ARGUMENTS))
def test_every_argument_is_used_somewhere(name: str) -> None:
    base = CONTEXT.get(name, {})
    without, together = spec(args=base), spec(args={**base, name: SAMPLES[name]})
    before = (manifests.run_manifest(without), lxc.render(without))
    assert (manifests.run_manifest(together), lxc.render(together)) != before
    warned = ("PV_CONDITIONS", "PV_STATUS_GOAL", "PV_REMOUNT", "PV_DRIVERS_", "PV_SERVICES_")
    assert not together.warnings or name.startswith(warned)


def test_every_argument_is_a_field_of_its_own() -> None:
    fields = [row.field for row in manifests.ARGUMENTS.values()]
    assert len(set(fields)) == len(fields)
    for field in fields:
        record, _, member = field.rpartition(".")
        kinds = {
            "lxc": LxcOptions,
            "lxc_network": LxcNetwork,
            "network": Network,
            "drivers": Drivers,
            "services": Services,
            "resources": manifests.Resources,
        }
        assert member in kinds.get(record, ContainerSpec).__dataclass_fields__


@pytest.mark.parametrize("value", ["", [], None])
def test_an_empty_value_is_none(value: Any) -> None:
    for name in manifests.ARGUMENTS:
        assert spec(args={name: value}) == spec()


def test_drivers_services_recovery_and_network_in_run_json() -> None:
    args = {
        name: SAMPLES[name]
        for name in SAMPLES
        if name.startswith(("PV_DRIVERS", "PV_SERVICES", "PV_AUTO_", "PV_NET"))
    }
    found = run(args=args)
    assert found["drivers"] == {"manual": ["wifi"], "required": ["wifi"], "optional": ["wifi"]}
    assert found["services"]["required"] == SAMPLES["PV_SERVICES_REQUIRED"]
    assert found["auto_recovery"] == SAMPLES["PV_AUTO_RECOVERY"]
    assert found["network"] == {
        "pool": "p",
        "hostname": "web-1",
        "ip": "10.0.0.2",
        "mac": "02:00:00:00:00:01",
    }
    assert run(args={"PV_NETWORK_POOL": "p"})["network"] == {"pool": "p", "hostname": "web"}


def test_members_that_this_runtime_passes_over_are_warned_of() -> None:
    made = ContainerSpec(
        name="web",
        process=manifests.map_process({"Cmd": ["/x"]}),
        volumes=(),
        drivers=Drivers(optional=("wifi",)),
        exports=[{"file": "/x"}],
    )
    (warning,) = made.warnings
    assert warning.startswith("web: drivers, exports of run.json: only the published runtime")
    assert not replace(made, drivers=Drivers(), exports=None).warnings


def test_a_container_can_be_made_without_any_template() -> None:
    made = ContainerSpec(
        name="web",
        process=manifests.map_process({"Cmd": ["/x"]}),
        volumes=(Volume("/data", "permanent"),),
        network=Network("lan", ip="fd00::2"),
        drivers=Drivers(required=("wifi",)),
        services=Services(optional=(Service("unix", "db"),)),
        lxc=LxcOptions(cap_drop=("net_raw",), environment=("A=b",)),
        images=(Mount("more.squashfs", "opt"),),
    )
    assert manifests.run_manifest(made)["services"]["optional"] == [{"type": "unix", "name": "db"}]
    assert "lxc.cap.drop = net_raw\n" in lxc.render(made)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Network("lan", ip="10.0.0.256"),
        lambda: Network("a b"),
        lambda: LxcNetwork("veth", address="10.0.0.2/99"),
        lambda: LxcOptions(cap_drop=("net_admn",)),
        lambda: LxcOptions(raw="lxc.a = 1\nhostname x"),
        lambda: Mount("a", "../etc"),
        lambda: manifests.VolumeImport("other", "/var/x", "mnt", flags="ro 0 0"),
        lambda: Drivers(required=("a b",)),
        lambda: Service("sokcet"),
        lambda: AutoRecovery("always", max_retries=-1),
        lambda: ContainerSpec("web", manifests.map_process({}), (), restart_policy="never"),
    ],
)
def test_records_check_themselves(build: Any) -> None:
    with pytest.raises(FormatError):
        build()


def test_targets_are_relative_because_lxc_passes_over_others() -> None:
    args = {"PV_VOLUME_MOUNTS": "z.squashfs:/opt/z", "PV_RESOLV_CONF_PATH": "/run/resolv.conf"}
    assert "lxc.mount.entry = /volumes/web/z.squashfs opt/z none bind,rw,create=dir 0 0" in conf(args=args)
    assert "lxc.mount.entry = /etc/resolv.conf run/resolv.conf none bind,rw,create=file 0 0" in conf(
        args=args
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"PV_CONDITIONS": [{}]}, "PV_CONDITIONS"),
        ({"PV_LXC_CAP_DROP": ["kill"], "PV_LXC_CAP_KEEP": ["chown"]}, "capabilities"),
        ({"PV_LXC_NETWORK_TYPE": "veth", "PV_LXC_NETWORK_LINK": "eth0"}, "link of the network"),
        ({"PV_LXC_NETWORK_IPV4_GATEWAY": "auto"}, "gateway of the network"),
    ],
)
def test_what_has_no_effect_is_said(args: dict, words: str) -> None:
    (found,) = spec(args=args).warnings
    assert words in found and found.startswith("web: ")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("lxc.network.type = veth", "net"),
        ("lxc.utsname = web", ""),
        ("lxc.cgroups.memory = 1", "cgroup"),
        ("lxc.prlimits.nofile = 7", "prlimit"),
    ],
)
def test_a_line_that_no_lxc_reads_is_warned_of(line: str, word: str) -> None:
    (found,) = spec(args={"PV_LXC_EXTRA_CONF": line}).warnings
    key = line.partition(" ")[0]
    assert found.startswith(f"web: LXC does not know {key}, and starts no container with it")
    assert not word or f'use "{word}' in found
    assert not spec(args={"PV_LXC_EXTRA_CONF": "lxc.prlimit.nofile = 7"}).warnings


@pytest.mark.parametrize(
    "variable",
    [
        "API_TOKEN=ghp_0123456789abcdefghij",
        "DB_PASSWORD=hunter2",
        "AWS_SECRET_ACCESS_KEY=x",
        "apikey=17",
        "DATABASE=postgres://app:hunter2@db/app",
        "DEPLOY=glpat-0123456789abcdefghij",
        "PEM=-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_a_secret_in_the_environment_is_warned_of_by_name_alone(variable: str) -> None:
    name, _, value = variable.partition("=")
    for options in ({"config": {"Env": [variable]}}, {"args": {"PV_LXC_EXTRA_ENV": [variable]}}):
        (found,) = spec(**options).warnings
        assert found.startswith(f"web: {name} of the environment can be read") and value not in found


@pytest.mark.parametrize(
    "variable",
    [
        "MYSQL_ALLOW_EMPTY_PASSWORD=yes",
        "DB_PASSWORD=",
        "DB_PASSWORD_FILE=/run/secrets/db",
        "DB_PASSWORD=none",
        "SMTP_TOKEN=disabled",
        "APP_SECRET=file:///run/secrets/app",
        "DATABASE_URL=postgres://app:${DB_PASSWORD}@db/app",
        "TOPIC=throughs_of_all_the_lines_here",
        "AUTH_TOKEN=/run/token",
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
        "TOKENIZERS_PARALLELISM=true",
        "URL=http://user@host/a:b@c",
        "SSH_AUTH_SOCK=/run/ssh",
    ],
)
def test_what_only_resembles_a_secret_is_not_warned_of(variable: str) -> None:
    assert not spec(config={"Env": [variable]}).warnings


# --- the image's config
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "command"),
    [
        ({}, "/sbin/init"),
        ({"Entrypoint": [], "Cmd": []}, "/sbin/init"),
        ({"Entrypoint": None, "Cmd": ["/c"]}, "/c"),
        ({"Entrypoint": ["/e", "a b"], "Cmd": ["c", "d e"]}, '/e "a b" "c" "d e"'),
        ({"Entrypoint": "/e --x", "Cmd": ["c"]}, '/e --x "c"'),
        ({"Entrypoint": ["/e"], "Cmd": "c d"}, '/e "c d"'),
        ({"Entrypoint": ["/my e"]}, '""/my e""'),  # LXC takes one pair away
        ({"Cmd": ["/bin/sh", "-c", 'echo "x"']}, '/bin/sh "-c" \'echo "x"\''),
        ({"Cmd": ["/c", ""]}, '/c ""'),
        ({"Entrypoint": [""], "Cmd": ["/c"]}, "/c"),
        ({"Entrypoint": [""]}, "/sbin/init"),
    ],
)
def test_entrypoint_and_cmd(config: dict, command: str) -> None:
    assert f"lxc.init.cmd = {command}" in conf(config=config)


@pytest.mark.parametrize(
    "config",
    [
        {"Cmd": ["/c", "both \" and '"]},
        {"Cmd": ["a\nb"]},
        {"Cmd": [""]},
        {"Cmd": ["", "/c"]},
        {"Cmd": [" "]},
        {"Cmd": " "},
        {"Entrypoint": " ", "Cmd": "/c"},
        {"Cmd": 5},
        {"Cmd": [5]},
        {"Cmd": ["x"] * 2000},
        {"Env": ["=x"]},
        {"Env": [5]},
        {"Env": ["A=b\nlxc.x = y"]},
        {"WorkingDir": "/a\n/b"},
        {"WorkingDir": "/a" * 513},
        {"Entrypoint": ["/a", "\ud800"]},
        {"Env": ["A=\udfff"]},
        {"StopSignal": "x y"},
        {"StopSignal": "SIGNOPE"},
        {"StopSignal": "TERM5"},
        {"StopSignal": "USR1+1"},
        {"StopSignal": "RTMAX+1"},
        {"StopSignal": "0"},
        {"StopSignal": "65"},
        {"StopSignal": 15},
        {"Env": 5},
        {"Env": "A=b"},
        {"Env": ["A=b"] * 2000},
        {"Volumes": 5},
        {"Volumes": "/a"},
        {"Volumes": [{}]},
        {"Volumes": {"/a b": {}}},
        {"Volumes": {"/../etc": {}}},
        {"Volumes": {"/": {}}},
        {"Volumes": {"/a-b": {}, "/a/b": {}}},
    ],
)
def test_config_that_lxc_cannot_hold_is_refused(config: dict) -> None:
    with pytest.raises(FormatError):
        conf(config=config)


def test_a_person_s_variable_needs_a_value() -> None:
    with pytest.raises(FormatError, match="holds 'A', which is not NAME=value"):
        manifests.check_members({"Env": ["A"]}, "--config")


def test_every_signal_is_known_to_the_runtime_too() -> None:
    runtime = Path(__file__).parents[2] / "meta-pantavisor/recipes-pv/pantavisor/pantavisor/src/halt.c"
    known = set(re.findall(r'\{"([A-Z0-9]+)", SIG', runtime.read_text()))
    assert known | {"RTMIN", "RTMAX"} == manifests.process.SIGNALS


def test_null_among_the_words_is_an_empty_one() -> None:
    assert 'lxc.init.cmd = /a "" "b"' in conf(config={"Entrypoint": ["/a", None], "Cmd": ["b"]})
    assert "lxc.init.cmd = /c" in conf(config={"Entrypoint": [None], "Cmd": ["/c"]})


def test_overrides_replace_members_and_null_does_not_unset() -> None:
    config = {"Cmd": ["/c"], "Env": ["A=1"], "WorkingDir": "/w"}
    found = conf(config=config, **{"persistence": {}}) and lxc.render(
        ContainerSpec.from_source(
            "web", SourceManifest(image_config=config, config={"Cmd": ["/d"], "Env": None})
        )
    )
    assert (
        "lxc.init.cmd = /d\n" in found
        and "lxc.environment = A=1\n" in found
        and "lxc.init.cwd = /w\n" in found
    )


def test_stop_signals_are_passed_on_and_the_rest_is_named() -> None:
    assert "lxc.signal.halt = SIGQUIT" in conf(config={"StopSignal": "SIGQUIT"})
    for text in ("RTMIN+3", "SIGRTMIN+3", "sigrtmin+3"):
        assert "lxc.signal.halt = SIGRTMIN+3" in conf(config={"StopSignal": text})
    spellings = {
        "sigterm": "SIGTERM",
        "RTMAX-2": "SIGRTMAX-2",
        "SIGRTMIN": "SIGRTMIN",
        "usr1": "SIGUSR1",
        "15": "15",
    }
    for text, row in spellings.items():
        assert f"lxc.signal.halt = {row}" in conf(config={"StopSignal": text})
    config = {"Healthcheck": {"Test": ["CMD", "a"]}, "ExposedPorts": {"80/tcp": {}}, "Labels": {"a": "b"}}
    assert spec(config=config).process.unmapped == ("ExposedPorts",)
    config = {
        "Healthcheck": {"Test": ["NONE"]},
        "ExposedPorts": {},
        "Hostname": "h",
        "Entrypont": ["/x"],
        "Tty": True,
    }
    assert spec(config=config).process.unmapped == ("Entrypont", "Hostname")


PASSWD = (
    b"root:x:0:0::/root:/bin/sh\nnginx:x:101:102::/srv/www:/bin/false\n1000:x:7:8::/:\n"
    b"broken\nbad:x:x:y::/:\n:x:9:9::/:\n"
)
GROUP = b"root:x:0:\nweb:x:55:nginx\ntty:x:5:root,nginx\nodd:x:y:nginx\n no:x:6:nginx2\n"


@pytest.mark.parametrize(
    ("user", "wanted"),
    [
        ("", None),
        ("root", User(0, 0, (5,), "/root")),
        ("nginx", User(101, 102, (5, 55), "/srv/www")),
        ("101", User(101, 102, (5, 55), "/srv/www")),
        ("4242", User(4242, 0)),
        ("nginx:web", User(101, 55, (), "/srv/www")),
        ("4242:4343", User(4242, 4343)),
        ("4242:web", User(4242, 55)),
        (":web", User(0, 55, (), "/root")),
        ("0", User(0, 0, (5,), "/root")),
        ("1000", User(7, 8)),
        ("9", User(9, 9)),
    ],
)
def test_user_has_dockers_meaning(user: str, wanted: Any) -> None:
    tables = {"etc/passwd": PASSWD, "etc/group": GROUP}
    assert manifests.init_user(user, tables.get) == wanted


@pytest.mark.parametrize(
    "user", ["nobody", "nginx:nogroup", "bad", "-1", "99999999999", "9" * 5000, "1:" + "9" * 5000]
)
def test_a_user_whom_the_image_does_not_know_is_reported(user: str) -> None:
    with pytest.raises(NotFound):
        manifests.init_user(user, {"etc/passwd": PASSWD, "etc/group": GROUP}.get)
    with pytest.raises(NotFound):
        manifests.init_user("nginx", lambda path: None)


@pytest.mark.parametrize("line", ["a:x:5::", "a:x:5:x:", "a:x:5:99999999999:", "a:x:5:-1:"])
def test_a_user_whose_group_is_not_a_number_is_refused(line: str) -> None:
    with pytest.raises(FormatError, match='its user "a" a group that is not a number'):
        manifests.init_user("a", lambda path: line.encode())
    assert manifests.init_user("a:7", lambda path: line.encode()) == User(5, 7)


def test_a_user_is_in_a_bounded_number_of_groups() -> None:
    table = b"".join(b"g%d:x:%d:a\n" % (number, number) for number in range(1025))
    with pytest.raises(FormatError, match="more than 1024 groups"):
        manifests.init_user("a", {"etc/passwd": b"a:x:5:5::/:", "etc/group": table}.get)


def test_a_user_has_its_groups_and_its_home_unless_env_sets_another() -> None:
    made = replace(spec(config={"Env": ["A=1"]}), user=User(5, 6, (20, 44)), defaults=("HOME=/home/a",))
    rows = lxc.render(made).splitlines()
    start = rows.index("lxc.init.uid = 5")
    assert rows[start + 1 : start + 5] == [
        "lxc.init.gid = 6", "lxc.init.groups = 20,44", "lxc.environment = HOME=/home/a",
        "lxc.environment = A=1",
    ]  # fmt: skip
    said = replace(spec(config={"Env": ["HOME=/srv"]}), user=User(5, 6), defaults=("HOME=/home/a",))
    assert [row for row in lxc.render(said).splitlines() if "HOME" in row or "groups" in row] == [
        "lxc.environment = HOME=/srv"
    ]
    with pytest.raises(FormatError):
        lxc.render(replace(said, process=made.process, defaults=("HOME=/\rlxc.uts.name = x",)))


@pytest.mark.parametrize(
    ("env", "rows"),
    [
        (None, ["PATH=" + manifests.process.DEFAULT_PATH, "HOME=/root"]),
        (["LANG=C"], ["PATH=" + manifests.process.DEFAULT_PATH, "HOME=/root", "LANG=C"]),
        (["PATH=", "HOME=/h"], ["PATH=", "HOME=/h"]),
        (["", None, "A", "B=1", "B=2", "PATH=/p"], ["HOME=/root", "B=1", "B=2", "PATH=/p"]),
    ],
)
def test_the_environment_is_what_docker_run_gives(env: Any, rows: list[str]) -> None:
    """Seen with dockerd 20.10: words without a value are left out, an empty PATH stays, of equal names the
    last counts.
    """
    table = {"etc/passwd": b"root:x:0:0::/root:/bin/sh\n"}
    made = replace(spec(config={"Env": env}), defaults=manifests.defaults(manifests.home(None, table.get)))
    found = [
        row.partition(" = ")[2]
        for row in lxc.render(made).splitlines()
        if row.startswith("lxc.environment")
    ]
    assert found == rows


@pytest.mark.parametrize(
    ("table", "home"),
    [(None, "/"), (b"", "/"), (b"web:x:7:7::/srv:\n", "/"), (b"toor:x:0:0::/r:\n", "/r"),
     (b"root:x:0:x::/root:\n", "/root"), (b"root:x:0:0\n", "/")],
)  # fmt: skip
def test_root_lives_where_passwd_has_it(table: Any, home: str) -> None:
    assert manifests.home(None, {"etc/passwd": table}.get) == home


def test_a_line_of_a_huge_number_is_not_a_user() -> None:
    with pytest.raises(NotFound):
        manifests.init_user("a", lambda path: b"a:x:" + b"9" * 5000 + b":1:")


# --- volumes
# -----------------------------------------------------------------------------------------------------


def test_volumes_last_as_said() -> None:
    config = {"Volumes": {"/data/": {}, "/var/lib/x": {}}}
    found = run(
        config=config, persistence={"/data": "revision@big", "lxc-overlay": "permanent", "ovl:/etc": "boot"}
    )
    assert found["storage"] == {
        "docker--data": {"persistence": "revision", "disk": "big"},
        "docker--var-lib-x": {"persistence": "permanent"},
        "dockerovl--etc": {"persistence": "boot"},
        "lxc-overlay": {"persistence": "permanent"},
    }


@pytest.mark.parametrize(
    ("text", "volume"),
    [
        ("/a:permanent", Volume("/a", "permanent")),
        ("/a/:boot@d", Volume("/a", "boot", "d")),
        ("ovl:/etc:revision", Volume("/etc", "revision", None, True)),
        ("lxc-overlay:permanent", Volume("lxc-overlay", "permanent")),
    ],
)
def test_volumes_read_from_text(text: str, volume: Volume) -> None:
    assert Volume.parse(text) == volume


@pytest.mark.parametrize(
    "text",
    [
        "/a",
        "/a:forever",
        "/a:permanant",
        ":boot",
        "/a:boot@",
        "lxc-overlay:permanent@",
        "/:boot",
        "/a b:boot",
        "/é:boot",
        "/a//b:boot",
        "/" + "x" * 200 + ":boot",
        "ovl:boot",
    ],
)
def test_volumes_that_are_none(text: str) -> None:
    with pytest.raises(FormatError):
        Volume.parse(text)


@pytest.mark.parametrize("text", ["data:permanent", "ovl:data/x:boot"])
def test_the_path_of_a_volume_is_absolute_as_docker_demands(text: str) -> None:
    with pytest.raises(FormatError, match="is not absolute") as caught:
        Volume.parse(text)
    assert caught.value.hint == f'write "{text.replace("data", "/data")}"'


def test_the_number_of_volumes_is_bounded() -> None:
    assert len(run(config={"Volumes": {f"/v{index}": {} for index in range(63)}})["storage"]) == 64
    with pytest.raises(FormatError):
        run(config={"Volumes": {f"/v{index}": {} for index in range(64)}})


# --- src.json
# ----------------------------------------------------------------------------------------------------


def test_src_json_reads_back_as_written() -> None:
    source = SourceManifest(
        arguments={"PV_GROUP": "app"},
        image_config={"Cmd": None},
        persistence={"/a": "boot"},
        docker_name="nginx",
        docker_digest="nginx@sha256:" + "0" * 64,
        docker_platform="linux/arm64",
        verity={"root.squashfs": True},
    )
    document = source.document("web")
    assert (
        document["#spec"] == "service-manifest-src@1"
        and document["name"] == "web"
        and "rootfs_url" not in document
    )
    assert SourceManifest.parse(cjson.load_object(cjson.dumps(document))) == source


@pytest.mark.parametrize("written", [["A=1", "B=1", "A=2"], "A=1,B=1,A=2"])
def test_src_json_of_others_may_have_a_variable_of_the_environment_twice(written: Any) -> None:
    """Docker and LXC take the last."""
    source = SourceManifest.parse({"args": {"PV_LXC_EXTRA_ENV": written, "PV_GROUP": "app"}})
    assert source.arguments == {"PV_LXC_EXTRA_ENV": ["A=2", "B=1"], "PV_GROUP": "app"}
    assert ContainerSpec.from_source("web", source).lxc.environment == ("A=2", "B=1")
    # What is given anew is not theirs.
    given = manifests.SourceChanges(arguments={"PV_LXC_EXTRA_ENV": ["A=1", "A=3"]})
    with pytest.raises(FormatError, match="twice"):
        ContainerSpec.from_source("web", source.changed_by(given))
    kept = {"PV_LXC_EXTRA_ENV": "A=1,B=2"}
    assert SourceManifest.parse({"args": kept}).arguments == kept


@pytest.mark.parametrize(
    "document",
    [
        {"#spec": "other@1"},
        {"template": "builtin-lxc-dcoker"},
        {"docker_nmae": "x"},
        {"args": []},
        {"docker_name": 5},
        {"logs": {}},
    ],
)
def test_src_json_that_is_none(document: dict) -> None:
    with pytest.raises(FormatError):
        SourceManifest.parse(document)


# --- the device
# --------------------------------------------------------------------------------------------------


def test_the_default_device_has_all_that_a_device_asks_for() -> None:
    document = manifests.default_device()
    assert DeviceSpec.parse(document).group_names == ("data", "root", "platform", "app")
    assert set(document["volumes"]) == {"pv--firmware", "pv--devmeta", "pv--phconfig", "pv--usrmeta"}
    assert cjson.loads(cjson.dumps(document)) == document
    State.empty().with_files({"device.json": document})


GROUPS = [{"name": "app"}]


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({}, "groups"),
        ({"groups": []}, "groups"),
        ({"groups": [{}]}, r"groups\[0\]"),
        ({"groups": [{"name": "a b"}]}, "a b"),
        ({"groups": GROUPS * 2}, "app"),
        ({"groups": [{"name": "a", "timeout": "30"}]}, r"groups\[0\]: timeout"),
        ({"groups": [{"name": "a", "goal": 1}]}, "goal"),
        ({"groups": [{"name": "a", "status_goal": "RUNNING"}]}, "status_goal"),
        (
            {"groups": [{"name": "a", "auto_recovery": {"policy": "x"}}]},
            r"groups\[0\]: auto_recovery: policy",
        ),
        ({"groups": [{"name": "a", "description": 5}]}, "description"),
        ({"groups": GROUPS, "volumes": {"../x": {"persistence": "boot"}}}, r'volumes: "../x"'),
        ({"groups": GROUPS, "volumes": {"": {"persistence": "boot"}}}, r'volumes: ""'),
        ({"groups": GROUPS, "disks": [{"name": "a/b", "type": "dual"}]}, r'disks\[0\]: "a/b"'),
        (
            {"groups": GROUPS, "disks": [{"name": "a", "type": "dual", "aliases": [".."]}]},
            r'disks\[0\]: ".."',
        ),
        (
            {"groups": GROUPS, "disks": [{"name": "a", "type": "dual", "default": "maybe"}]},
            r"disks\[0\]: default",
        ),
        (
            {"groups": GROUPS, "network": {"pools": {"a/..": {"type": "bridge", "subnet": "10.0.0.0/24"}}}},
            'pools: "a/.."',
        ),
        (
            {
                "groups": GROUPS,
                "network": {"pools": {"a": {"type": "bridge", "subnet": "10.0.0.0/24", "bridge": ""}}},
            },
            "bridge",
        ),
        (
            {
                "groups": GROUPS,
                "network": {"pools": {"a": {"type": "macvlan", "subnet": "10.0.0.0/24", "parent": 5}}},
            },
            "parent",
        ),
        ({"groups": GROUPS, "volumes": {"x": {}}}, "volumes.x"),
        ({"groups": GROUPS, "volumes": {"x": {"persistence": "boot", "disk": "d"}}}, "disk"),
        ({"groups": GROUPS, "volumes": []}, "volumes"),
        ({"groups": GROUPS, "disk": []}, "disk"),
        ({"groups": GROUPS, "disks": {}}, "disks"),
        ({"groups": GROUPS, "disks": [{"name": "d", "type": "dm-crypt"}]}, r"disks\[0\]: type"),
        ({"groups": GROUPS, "disks": [{"name": "d", "type": "volume-disk", "aliases": "x"}]}, "aliases"),
        (
            {
                "groups": GROUPS,
                "disks": [{"name": "d", "type": "dual"}],
                "disks_v3": [{"name": "e", "type": "dual", "aliases": ["d"]}],
            },
            '"d"',
        ),
        ({"groups": GROUPS, "network": {"pool": {}}}, "pool"),
        ({"groups": GROUPS, "network": {"pools": {"p": {"type": "bridge"}}}}, "pools.p"),
        (
            {
                "groups": GROUPS,
                "network": {
                    "pools": {"p": {"type": "bridge", "subnet": "10.0.0.0/24", "gateway": "10.1.0.1"}}
                },
            },
            "gateway",
        ),
        ({"groups": [{"name": f"g{index}"} for index in range(33)]}, "groups"),
    ],
)
def test_a_device_that_would_be_misread_is_refused_where_it_is_wrong(document: dict, place: str) -> None:
    with pytest.raises(FormatError, match=place):
        DeviceSpec.parse(document)


def test_a_full_device_passes() -> None:
    document = {
        "groups": [
            manifests.Group("app", auto_recovery=AutoRecovery("always", backoff_policy="10min")).document()
        ],
        "disks": [
            {
                "name": "d",
                "aliases": ["dm-data"],
                "type": "dm-crypt-versatile",
                "path": "/x,2,key",
                "default": "yes",
            }
        ],
        "volumes": {"pv--firmware": {"persistence": "boot", "disk": "dm-data"}},
        "network": {
            "pools": {
                "p": {
                    "type": "bridge",
                    "bridge": "br0",
                    "subnet": "10.0.5.0/24",
                    "gateway": "10.0.5.1",
                    "nat": True,
                }
            }
        },
    }
    found = DeviceSpec.parse(document)
    assert (found.disk_names, found.pool_names) == ({"d", "dm-data"}, {"p"})


# --- the bsp
# -----------------------------------------------------------------------------------------------------


def test_the_bsp_names_only_what_there_is() -> None:
    found = manifests.bsp_run_manifest(
        BspSpec(linux="k", initrd="i", modules="dm:m.squashfs", addons=("a",))
    )
    assert found == {
        "addons": ["a"],
        "initrd": "i",
        "initrd_config": "",
        "linux": "k",
        "modules": "dm:m.squashfs",
    }
    assert BspSpec.parse(found).files == ("bsp/k", "bsp/i", "bsp/m.squashfs", "bsp/a")
    assert BspSpec.parse({"fit": "f", "modules_6.1": "m"}).files == ("bsp/f", "bsp/m")


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"linux": "k"},
        {"fit": "f", "rpiab": "r"},
        {"fit": "f", "linux": "k", "initrd": "i"},
        {"fit": "../f"},
        {"fit": "f", "addons": ("a",) * 65},
    ],
)
def test_a_bsp_that_boots_nothing_is_refused(members: dict) -> None:
    with pytest.raises(FormatError):
        manifests.bsp_run_manifest(BspSpec(**members))


@pytest.mark.parametrize("document", [{"fit": 5}, {"fit": "f", "addons": "a"}, {"fti": "f"}])
def test_a_bsp_manifest_that_is_none(document: dict) -> None:
    with pytest.raises(FormatError):
        BspSpec.parse(document)


# --- the whole state
# ---------------------------------------------------------------------------------------------


def whole(**changes: Any) -> State:
    files = {
        "device.json": manifests.default_device(),
        "bsp/run.json": {"linux": "k", "initrd": "i", "addons": []},
        "bsp/k": OBJECT,
        "bsp/i": OBJECT,
        "web/run.json": {**run(args={"PV_GROUP": "app"}), **changes},
        "web/root.squashfs": OBJECT,
        "web/lxc.container.conf": OBJECT,
    }
    return State.empty().with_files(files)


def test_a_state_that_fits_together_passes() -> None:
    assert manifests.check_state(whole()).group_names[-1] == "app"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "wep"}, "web/run.json"),
        ({"group": "apps"}, "group"),
        ({"root-volume": "root.ext4"}, "web/root.ext4"),
        ({"volumes": ["more.squashfs"]}, "web/more.squashfs"),
        ({"volumes": "x"}, "volumes"),
        ({"config": "lxc.conf"}, "web/lxc.conf"),
        ({"storage": {"x": {"persistence": "boot", "disk": "dm-data"}}}, "disk"),
        ({"storage": []}, "storage"),
        ({"network": {"pool": "p"}}, "pool"),
        ({"root-volume": "dm:root.squashfs"}, "_dm/root.squashfs.json"),
    ],
)
def test_what_a_device_would_refuse_at_its_start_is_found_before(changes: dict, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        manifests.check_state(whole(**changes))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wbe:/data:/mnt", 'container of the volume wbe:/data, which web imports: "wbe"'),
        ("web:/dta:/mnt", 'path of the volume web:/dta, which web imports: "/dta"'),
    ],
)
def test_a_volume_that_no_container_has_is_not_imported(text: str, words: str) -> None:
    storage = {"docker--data": {"persistence": "permanent"}}

    def importing(text: str) -> State:
        source = {"web/src.json": {"args": {"PV_VOLUME_IMPORTS": [text]}}}
        return whole(storage=storage).with_files(source)

    manifests.check_state(importing("web:/data:/mnt"))
    manifests.check_state(importing("web:sub@/data/:/mnt"))
    for optional in ("gone:/data:/mnt:rw,optional", "web:/dta:/mnt:optional"):
        manifests.check_state(importing(optional))
    with pytest.raises(FormatError) as caught:
        manifests.check_state(importing(text))
    assert words in caught.value.message and caught.value.hint in ('use "web"', 'use "/data"')


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("Env", {"A": "b"}),
        ("Env", [5]),
        ("StopSignal", "SIGFOO"),
        ("WorkingDir", "/x" * 5000),
        ("Cmd", [5]),
    ],
)
def test_what_an_image_has_wrong_is_answered_by_how_to_overrule_it(member: str, value: Any) -> None:
    with pytest.raises(FormatError, match=f"^the image's {member} ") as caught:
        spec(config={"Entrypoint": None, "Cmd": ["/bin/app"], member: value})
    assert str(caught.value.hint).startswith(f"give another, such as --config '{member}=")


def test_a_pool_of_a_device_without_pools_is_answered_by_how_to_add_it() -> None:
    with pytest.raises(FormatError) as caught:
        manifests.check_state(whole(network={"pool": "lan"}))
    assert caught.value.hint == "run: pvr device pool add lan"


@pytest.mark.parametrize(
    "arguments",
    [
        {"PV_LXC_EXTRA_ENV": ["A=1", "B=1", "A=2"]},
        {"PV_SECURITY_CAP_ADD": ["net_raw", "net_admin"], "PV_LXC_CAP_DROP": ["net_raw"]},
    ],
)
def test_of_two_words_that_contradict_each_other_none_is_lost(arguments: dict) -> None:
    with pytest.raises(FormatError, match="twice|both") as caught:
        spec(args=arguments)
    assert caught.value.hint == "keep one of them"


def test_a_device_without_its_files_is_found() -> None:
    for path in ("device.json", "bsp/k", "web/root.squashfs"):
        with pytest.raises(FormatError, match=path):
            manifests.check_state(whole().without([path]))


def test_services_are_offered_with_a_spec() -> None:
    offered = [{"name": "x", "type": "unix", "socket": "/run/x"}]
    assert manifests.services_manifest(offered)["#spec"] == "service-manifest-xconnect@1"
    with pytest.raises(FormatError):
        manifests.services_manifest([{"name": "x", "type": "unix", "sokcet": "/x"}])


@pytest.mark.parametrize("base", ["../os", "os\nlxc.hook.start = /x", "bsp", "o s"])
def test_a_base_is_the_name_of_a_container(base: str) -> None:
    assert "/volumes/os/root.squashfs" in "\n".join(conf(base="os"))
    with pytest.raises(FormatError):
        conf(base=base)


@pytest.mark.parametrize(
    "text, parsed",
    [("awconnect/root.squashfs:/var/lib/:/var/lib-awconnect",
      ("awconnect", "root.squashfs", "/var/lib", "var/lib-awconnect")),
     ("db:/data/:/mnt/x/", ("db", "", "/data", "mnt/x")), ("db/:/data:mnt", ("db", "", "/data", "mnt")),
     ("db:sub/@/data/:mnt", ("db", "", "/data", "mnt"))],
)  # fmt: skip
def test_imports_of_volumes_are_read_with_slashes_and_without(text: str, parsed: tuple) -> None:
    """Spelled so in real states."""
    found = VolumeImport.parse(text)
    assert (found.container, found.within, found.path, found.target) == parsed
    assert found.folder == ("sub" if "@" in text else "")


@pytest.mark.parametrize(
    "text", ["db/../x:/a:b", "db//x:/a:b", "/:/a:b", "db:/a/../b:c", "db:/:b", "db/a b:/c:d"]
)
def test_imports_of_volumes_stay_below_their_container(text: str) -> None:
    with pytest.raises(FormatError):
        VolumeImport.parse(text)
