# SPDX-License-Identifier: MIT
"""States and the manifests in them: what is read is written again as the same value.

The first byte of an input says what the JSON behind it is: 0 a state, 1 device.json, 2 run.json of the bsp,
3 src.json of a container, 4 run.json of a container in an else good state.
"""

from __future__ import annotations

import json
from typing import Any

from pantavisor import cjson, lxc, manifests, pvs
from pantavisor.errors import PantavisorError
from pantavisor.manifests import BspSpec, ContainerSpec, DeviceSpec, SourceManifest
from pantavisor.state import State

from .target import OBJECT, VECTORS

JSON = True
WORDS = (
    "#spec", "pantavisor-service-system@1", "pantavisor-multi-platform@1", "service-manifest-run@1",
    "service-manifest-src@1", "/run.json", "/src.json", "device.json", "bsp/", "_config/", "_sigs/", "dm:",
    "ovl:", "/_dm/", "@disk", ":permanent", ":revision", ":boot", *manifests.ARGUMENTS,
    *BspSpec.__dataclass_fields__, *SourceManifest.__dataclass_fields__, "Entrypoint", "Cmd", "Env", "User",
    "WorkingDir", "StopSignal", "Volumes", "Healthcheck",
)  # fmt: skip
DEVICE: dict[str, Any] = {
    "groups": [
        {
            "name": "app",
            "timeout": 3,
            "auto_recovery": {"policy": "always", "max_retries": 1, "backoff_factor": 1.5},
        }
    ],
    "disks": [{"name": "data", "type": "dual", "aliases": ["other"], "disks": ["x"]}],
    "volumes": {"logs": {"persistence": "boot", "disk": "data"}},
    "network": {
        "pools": {"lan": {"type": "bridge", "subnet": "10.0.0.0/24", "gateway": "10.0.0.1", "nat": True}}
    },
}
BSP = {"linux": "kernel", "initrd": "initrd", "addons": ["more"], "modules_5": "modules"}
RUN = {
    "name": "web", "root-volume": "dm:root.squashfs", "volumes": ["more"], "config": "lxc.container.conf",
    "type": "lxc", "group": "app", "storage": {"logs": {"persistence": "boot", "disk": "data"}},
    "network": {"pool": "lan"}, "drivers": {"required": ["usb"]},
    "services": {"required": [{"name": "bus", "type": "dbus"}]},
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "#spec": "pantavisor-service-system@1", "device.json": DEVICE,
    "bsp/run.json": {"linux": "k", "initrd": "i", "addons": []}, "bsp/k": OBJECT, "bsp/i": OBJECT,
    "web/run.json": RUN, "web/root.squashfs": OBJECT, "web/more": OBJECT, "web/lxc.container.conf": OBJECT,
    "web/_dm/root.squashfs.json": {"type": "dm-verity", "data_device": "root.squashfs"},
}  # fmt: skip


def one_input(content: bytes) -> None:
    if not content:
        return
    try:
        _READERS[content[0] % len(_READERS)](content[1:])
    except PantavisorError:
        pass


def _state(text: bytes) -> None:
    state = State.parse(text)
    written = state.dumps()
    assert State.parse(written) == state and State.parse(written).dumps() == written
    assert not any([*state.diff(State.parse(written)).__dict__.values()])
    state.warnings()
    for name in state.part_names():
        assert set(state.part(name)) <= set(state)
        pvs.part_files(state, name)
    for path, value in state.inline().items():
        for end, reader in (
            (("bsp/run.json",), _bsp),
            (("device.json",), _device),
            (("/src.json",), _source),
        ):
            if path.endswith(end) and isinstance(value, dict):
                _apart(reader, cjson.dumps(value))
    _apart(lambda _: pvs.signatures(state), b"")
    manifests.check_state(state)


def _apart(reader: Any, text: bytes) -> None:
    try:
        reader(text)
    except PantavisorError:
        pass


def _device(text: bytes) -> None:
    spec = DeviceSpec.parse(cjson.load_object(text))
    assert DeviceSpec.parse(cjson.load_object(cjson.dumps(spec.document))) == spec
    assert spec.group_names and spec.disk_names is not None and spec.pool_names is not None


def _bsp(text: bytes) -> None:
    spec = BspSpec.parse(cjson.load_object(text))
    assert BspSpec.parse(cjson.load_object(cjson.dumps(manifests.bsp_run_manifest(spec)))) == spec


def _source(text: bytes) -> None:
    source = SourceManifest.parse(cjson.load_object(text))
    document = source.document("web")
    assert SourceManifest.parse(cjson.load_object(cjson.dumps(document))).document("web") == document
    spec = ContainerSpec.from_source("web", source)
    cjson.dumps(manifests.run_manifest(spec))
    lines = lxc.render(spec)
    lines.encode()
    assert "\0" not in lines


def _run(text: bytes) -> None:
    run = cjson.load_object(text)
    _state(cjson.dumps({**WHOLE, "web/run.json": run}))


_READERS = (_state, _device, _bsp, _source, _run)


def seeds() -> dict[str, bytes]:
    found = {
        f"state-{path.stem}": b"\0" + path.read_bytes() for path in sorted((VECTORS / "states").iterdir())
    }
    sources = {
        f"src-{path.parent.name}": b"\3" + path.read_bytes()
        for path in (VECTORS / "templates").glob("*/src.json")
    }
    arguments = {
        "PV_GROUP": "app",
        "PV_ROLES": ["mgmt"],
        "PV_SECURITY_FULLDEV": "yes",
        "PV_LXC_EXTRA_ENV": "A=1,B=2",
    }
    config = {
        "Entrypoint": ["/bin/a"],
        "Cmd": "b",
        "Env": ["A=b"],
        "User": "1:2",
        "Volumes": {"/v": {}},
        "StopSignal": "9",
    }
    source = {
        "args": arguments,
        "docker_config": config,
        "persistence": {"/v": "permanent@data"},
        "dm_enabled": {"r": True},
    }
    made = {
        "state": (0, WHOLE),
        "device": (1, DEVICE),
        "bsp": (2, BSP),
        "source": (3, source),
        "run": (4, RUN),
    }
    written = {
        name: bytes([kind]) + json.dumps(document).encode() for name, (kind, document) in made.items()
    }
    return {**found, **dict(sorted(sources.items())), **written}
