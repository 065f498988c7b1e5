# SPDX-License-Identifier: MIT
"""lxc.container.conf of a container, row by row as the published tool writes it.

Row order follows its releases of 2024 and later: the tmpfs on /run before the bind of resolv.conf, which
may lie in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from .errors import FormatError, LimitError
from .manifests import ContainerSpec
from .manifests.lxc_options import LINE_ENDS
from .manifests.rights import NET_SETTINGS, READ_ONLY
from .manifests.spec import OVERLAY_VOLUME, ROOT_VOLUME
from .manifests.volumes import OVERLAY

MAX_BYTES = 256 * 1024  # as much as a device reads


def render(spec: ContainerSpec) -> str:
    """The whole file, with one newline at its end. Raises FormatError for a value that would be two rows,
    LimitError for too many.
    """
    rows = [
        *_limits(spec),
        *_root(spec),
        *_process(spec),
        *_namespaces(spec),
        *_mounts(spec),
        *_volumes(spec),
    ]
    rows += [*_capabilities(spec), *_network(spec)]
    lines = [*map(_line, rows), *_extra(spec), *map(_line, _imports(spec))]
    text = "\n".join(lines) + "\n"
    if len(text.encode()) > MAX_BYTES:
        raise LimitError(f"lxc.container.conf is longer than the {MAX_BYTES} bytes that a device reads")
    return text


def _line(row: str) -> str:
    """The row, of which no value may make two."""
    if not LINE_ENDS.isdisjoint(row):
        raise FormatError(f"a value of lxc.container.conf holds a line break: {row[:80]!r}")
    return row


def _value(text: str) -> str:
    """``text`` so that LXC reads it: blanks at both ends and one pair of quotes around all of it get lost
    there.
    """
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return f'"{text}"' if is_quoted or text != text.strip() else text


def _limits(spec: ContainerSpec) -> Iterator[str]:
    yield f"lxc.tty.max = {spec.lxc.tty_max}"
    yield f"lxc.pty.max = {spec.lxc.pty_max}"
    if spec.lxc.debug:
        yield f"lxc.log.file = /pv/logs/{spec.name}.log"
    yield from _devices(spec)
    for item in (*spec.resources.rows(), *spec.lxc.cgroups):
        yield f"lxc.cgroup.{item}"


def _devices(spec: ContainerSpec) -> Iterator[str]:
    # The published rows are for the first version of cgroups;
    # a confined container has a filter with either.
    for version in ("cgroup", "cgroup2") if spec.lxc.is_confined else ("cgroup",):
        if spec.lxc.allowed_devices:
            yield f"lxc.{version}.devices.deny = a"
        for device in spec.lxc.allowed_devices or ("a",):
            yield f"lxc.{version}.devices.allow = {device}"


def _root(spec: ContainerSpec) -> Iterator[str]:
    patch = f"/volumes/{spec.name}/{OVERLAY_VOLUME}:" if spec.patched else ""
    lower = f"/volumes/{spec.base or spec.name}/{ROOT_VOLUME}"
    yield f"lxc.rootfs.path = overlayfs:{patch}{lower}:/volumes/{spec.name}/{OVERLAY}/upper"


def _process(spec: ContainerSpec) -> Iterator[str]:
    yield f"lxc.init.cmd = {_value(spec.process.command)}"
    if spec.process.folder:
        yield f"lxc.init.cwd = {_value(spec.process.folder)}"
    if spec.process.stop_signal:
        yield f"lxc.signal.halt = {spec.process.stop_signal}"
    if spec.user is not None:
        yield f"lxc.init.uid = {spec.user.uid}"
        yield f"lxc.init.gid = {spec.user.gid}"
        if spec.user.groups:
            yield f"lxc.init.groups = {','.join(map(str, spec.user.groups))}"
    for variable in _environment(spec):
        yield f"lxc.environment = {_value(variable)}"


def _environment(spec: ContainerSpec) -> tuple[str, ...]:
    given = (*spec.process.environment, *spec.lxc.environment)
    names = {variable.partition("=")[0] for variable in given}
    return (*(variable for variable in spec.defaults if variable.partition("=")[0] not in names), *given)


def _namespaces(spec: ContainerSpec) -> Iterator[str]:
    shared = "user  net  ipc" if spec.lxc_network.is_shared else "user  ipc"
    if spec.lxc.is_confined:
        shared = shared.replace("  ipc", "")
    yield f"lxc.namespace.keep = {' '.join(spec.lxc.namespaces) if spec.lxc.namespaces else shared}"
    if not spec.lxc.console:
        yield "lxc.console.path = none"


def _mounts(spec: ContainerSpec) -> Iterator[str]:
    lxc = spec.lxc
    yield f"lxc.mount.auto = {'  '.join(lxc.mounts)}"
    if lxc.is_confined and lxc.proc is None:
        for path in (*READ_ONLY, *([NET_SETTINGS] if spec.lxc_network.is_shared else [])):
            yield _entry(path, path[1:], "none", "bind,ro,optional")
    if not lxc.autodev:
        yield "lxc.autodev = 0"
    for wanted, source, target in (
        (lxc.full_dev, "/dev/", "dev"),
        (lxc.host, "/", "host"),
        (lxc.host_proc, "/proc/", "host/proc"),
        (lxc.storage, "/storage", "storage"),
    ):
        if wanted:
            yield _bind(source, target)
    if lxc.is_confined and lxc.autodev and not lxc.full_dev:
        # As docker run mounts it; without, no program has POSIX shared memory.
        # The published format knows none.
        yield _entry(
            "tmpfs", "dev/shm", "tmpfs", "rw,nosuid,nodev,noexec,relatime,size=65536k,create=dir,mode=1777"
        )
    if lxc.run_tmpfs:
        yield _entry("tmpfs", lxc.run_tmpfs_path, "tmpfs", "rw,nodev,relatime,create=dir,mode=755")
    if lxc.resolv_conf:
        yield _entry("/etc/resolv.conf", lxc.resolv_conf_path, "none", "bind,rw,create=file")


def _volumes(spec: ContainerSpec) -> Iterator[str]:
    for volume in spec.volumes:
        if volume.key == OVERLAY:
            continue
        source, target = f"/volumes/{spec.name}/{volume.key}", volume.path.lstrip("/")
        if not volume.overlay:
            yield _bind(source, target)
            continue
        lower = f"/volumes/{spec.name}/{ROOT_VOLUME}{volume.path}"
        yield _entry(
            source,
            target,
            "overlay",
            f"lowerdir={lower},upperdir={source}/upper,workdir={source}/work,create=dir",
        )


def _capabilities(spec: ContainerSpec) -> Iterator[str]:
    if spec.lxc.is_confined:
        yield from (f"lxc.cap.keep = {capability}" for capability in spec.lxc.kept_capabilities)
        if not spec.lxc.new_privs:
            yield "lxc.no_new_privs = 1"
        return
    yield from (f"lxc.cap.drop = {capability}" for capability in spec.lxc.cap_drop)
    yield from (f"lxc.cap.keep = {capability}" for capability in spec.lxc.cap_keep)


def _network(spec: ContainerSpec) -> Iterator[str]:
    network = spec.lxc_network
    if network.is_own:
        yield f"lxc.net.0.type = {network.type}"
    if network.type == "phys":
        yield f"lxc.net.0.link = {network.link}"
    elif network.type == "veth":
        yield "lxc.net.0.link = lxcbr0"
        yield "lxc.net.0.flags = up"
        if network.address:
            yield f"lxc.net.0.ipv4.address = {network.address}"
            yield f"lxc.net.0.ipv4.gateway = {network.gateway or 'auto'}"


def _extra(spec: ContainerSpec) -> Iterator[str]:
    if spec.lxc.raw:
        yield spec.lxc.raw


def _imports(spec: ContainerSpec) -> Iterator[str]:
    for file in spec.files:
        yield _entry(f"/exports/{file.source}", file.target, "none", "bind,rw,create=file")
    for volume in spec.config_volumes:
        flags = "bind,rw,create=dir,optional,noexec"
        yield _entry(f"/volumes/{volume.source}/{spec.name}", volume.target, "none", flags)
    for image in spec.images:
        yield _bind(f"/volumes/{spec.name}/{image.source}", image.target)
    for imported in spec.volume_imports:
        owner = "/".join(filter(None, (imported.container, imported.within)))
        source = f"/volumes/{owner}/docker-{imported.path.replace('/', '-')}"
        source += f"/{imported.folder}" if imported.folder else ""
        yield _entry(source, imported.target, "none", f"bind,{imported.flags},create=dir")


def _bind(source: str, target: str) -> str:
    return _entry(source, target, "none", "bind,rw,create=dir")


def _entry(source: str, target: str, kind: str, flags: str) -> str:
    return f"lxc.mount.entry = {source} {target} {kind} {flags} 0 0"
