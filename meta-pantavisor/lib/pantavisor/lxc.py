"""lxc.container.conf of a container, row by row as the published tool writes it.

Row order follows its releases of 2024 and later: the tmpfs on /run before the bind of resolv.conf, which may lie in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from .errors import FormatError
from .manifests import ContainerSpec
from .manifests.spec import OVERLAY, OVERLAY_VOLUME, ROOT_VOLUME


def render(spec: ContainerSpec) -> str:
    """The whole file, with one newline at its end."""
    rows = [*_limits(spec), *_root(spec), *_process(spec), *_namespaces(spec), *_mounts(spec), *_volumes(spec)]
    rows += [*_capabilities(spec), *_network(spec), *_extra(spec), *_imports(spec)]
    return "\n".join(rows) + "\n"


def _limits(spec: ContainerSpec) -> Iterator[str]:
    yield f"lxc.tty.max = {spec.text('LXC_TTY_MAX', '8')}"
    yield f"lxc.pty.max = {spec.text('LXC_PTY_MAX', '1024')}"
    if spec.flag("PV_DEBUG_MODE"):
        yield f"lxc.log.file = /pv/logs/{spec.name}.log"
    allowed = spec.words("PVR_LXC_CGROUP_DEVICES_WHITE")
    if allowed:
        yield "lxc.cgroup.devices.deny = a"
    for device in allowed or ("a",):
        yield f"lxc.cgroup.devices.allow = {device}"
    for item in spec.words("PVR_LXC_CGROUP_V1"):
        yield f"lxc.cgroup.{item}"


def _root(spec: ContainerSpec) -> Iterator[str]:
    patch = f"/volumes/{spec.name}/{OVERLAY_VOLUME}:" if spec.patched else ""
    lower = f"/volumes/{spec.base or spec.name}/{ROOT_VOLUME}"
    yield f"lxc.rootfs.path = overlayfs:{patch}{lower}:/volumes/{spec.name}/{OVERLAY}/upper"


def _process(spec: ContainerSpec) -> Iterator[str]:
    yield f"lxc.init.cmd = {spec.process.command}"
    if spec.process.folder:
        yield f"lxc.init.cwd = {spec.process.folder}"
    if spec.process.stop_signal:
        yield f"lxc.signal.halt = {spec.process.stop_signal}"
    if spec.user is not None:
        yield f"lxc.init.uid = {spec.user[0]}"
        yield f"lxc.init.gid = {spec.user[1]}"
    for variable in (*spec.process.environment, *spec.words("PV_LXC_EXTRA_ENV")):
        yield f"lxc.environment = {variable}"


def _namespaces(spec: ContainerSpec) -> Iterator[str]:
    shared = "user  net  ipc" if spec.text("PV_LXC_NETWORK_TYPE", "host") == "host" else "user  ipc"
    yield f"lxc.namespace.keep = {spec.text('PV_LXC_NAMESPACE_KEEP', shared)}"
    if spec.flag("PV_LXC_DISABLE_CONSOLE"):
        yield "lxc.console.path = none"


def _mounts(spec: ContainerSpec) -> Iterator[str]:
    proc, sys, group = (
        spec.text(f"LXC_MOUNT_AUTO_{name}", default)
        for name, default in (("PROC", "proc"), ("SYS", "sys:rw"), ("GROUP", "cgroup"))
    )
    yield f"lxc.mount.auto = {proc}  {sys}  {group}"
    if spec.flag("PV_DISABLE_AUTODEV"):
        yield "lxc.autodev = 0"
    for argument, source, target in (
        ("PV_SECURITY_FULLDEV", "/dev/", "dev"),
        ("PV_SECURITY_WITH_HOST", "/", "host"),
        ("PV_SECURITY_WITH_HOSTPROC", "/proc/", "host/proc"),
        ("PV_SECURITY_WITH_STORAGE", "/storage", "storage"),
    ):
        if spec.flag(argument):
            yield _bind(source, target)
    if not spec.flag("PV_RUN_TMPFS_DISABLE"):
        yield _entry("tmpfs", spec.text("PV_RUN_TMPFS_PATH", "run"), "tmpfs", "rw,nodev,relatime,create=dir,mode=755")
    if not spec.flag("PV_RESOLV_CONF_DISABLE"):
        target = spec.text("PV_RESOLV_CONF_PATH", "etc/resolv.conf")
        yield _entry("/etc/resolv.conf", target, "none", "bind,rw,create=file")


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
            source, target, "overlay", f"lowerdir={lower},upperdir={source}/upper,workdir={source}/work,create=dir"
        )


def _capabilities(spec: ContainerSpec) -> Iterator[str]:
    for verb in ("drop", "keep"):
        for capability in spec.words(f"PV_LXC_CAP_{verb.upper()}"):
            yield f"lxc.cap.{verb} = {capability.lower()}"


def _network(spec: ContainerSpec) -> Iterator[str]:
    kind = spec.text("PV_LXC_NETWORK_TYPE")
    if kind in ("empty", "phys", "veth"):
        yield f"lxc.net.0.type = {kind}"
    if kind == "phys":
        yield f"lxc.net.0.link = {spec.text('PV_LXC_NETWORK_LINK')}"
    elif kind == "veth":
        yield "lxc.net.0.link = lxcbr0"
        yield "lxc.net.0.flags = up"
        if spec.text("PV_LXC_NETWORK_IPV4_ADDRESS"):
            yield f"lxc.net.0.ipv4.address = {spec.text('PV_LXC_NETWORK_IPV4_ADDRESS')}"
            yield f"lxc.net.0.ipv4.gateway = {spec.text('PV_LXC_NETWORK_IPV4_GATEWAY', 'auto')}"


def _extra(spec: ContainerSpec) -> Iterator[str]:
    if spec.text("PV_LXC_EXTRA_CONF"):
        yield spec.text("PV_LXC_EXTRA_CONF")


def _imports(spec: ContainerSpec) -> Iterator[str]:
    for item in spec.words("PV_FILEIMPORTS"):
        source, target = _pair(item, "PV_FILEIMPORTS")
        yield _entry(f"/exports/{source}", target, "none", "bind,rw,create=file")
    for item in spec.words("PV_IMPORT_CONFIGVOLUMES"):
        source, target = _pair(item, "PV_IMPORT_CONFIGVOLUMES")
        yield _entry(f"/volumes/{source}/{spec.name}", target, "none", "bind,rw,create=dir,optional,noexec")
    for item in spec.words("PV_VOLUME_MOUNTS"):
        source, target = _pair(item, "PV_VOLUME_MOUNTS")
        yield _bind(f"/volumes/{spec.name}/{source}", target)
    for item in spec.words("PV_VOLUME_IMPORTS"):
        yield _volume_import(item)


def _volume_import(item: str) -> str:
    """``<container>:[<subfolder>@]<path there>:<target>[:<flags>]``"""
    parts = item.split(":")
    if len(parts) not in (3, 4):
        raise FormatError(f'PV_VOLUME_IMPORTS has "{item}", which is not container:path:target[:flags]')
    subfolder, at, origin = parts[1].rpartition("@")
    source = f"/volumes/{parts[0]}/docker-{origin.replace('/', '-')}" + (f"/{subfolder}" if at else "")
    return _entry(source, parts[2], "none", f"bind,{parts[3] if len(parts) == 4 else 'rw'},create=dir")


def _pair(item: str, argument: str) -> tuple[str, str]:
    source, colon, target = item.partition(":")
    if not colon or not source or not target:
        raise FormatError(f'{argument} has "{item}", which is not source:target')
    return source, target


def _bind(source: str, target: str) -> str:
    return _entry(source, target, "none", "bind,rw,create=dir")


def _entry(source: str, target: str, kind: str, flags: str) -> str:
    for part in (source, target, flags):
        if any(char.isspace() for char in part):
            raise FormatError(f'"{part}" cannot stand in a mount entry: it holds white space')
    return f"lxc.mount.entry = {source} {target} {kind} {flags} 0 0"
