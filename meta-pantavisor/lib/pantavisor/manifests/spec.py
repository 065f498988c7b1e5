# SPDX-License-Identifier: MIT
"""A container as one typed value: what its template arguments, its image's config
and its volumes give together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from .. import names
from ..errors import FormatError
from . import cgroups
from .arguments import read_arguments
from .health import HealthCheck, map_health
from .lxc_options import LXC_KEYS, LxcOptions
from .members import GOALS, RESTART_POLICIES, ROLES, RUNLEVELS, check_word
from .mounts import Mount, VolumeImport
from .network import LxcNetwork, Network
from .process import Process, User, check_members, map_process
from .recovery import AutoRecovery
from .resources import Resources
from .secrets import secrets
from .services import Drivers, Services
from .source import SourceManifest
from .volumes import Volume, read_volumes

LXC_CONFIG = "lxc.container.conf"
ROOT_VOLUME = "root.squashfs"
OVERLAY_VOLUME = "root.ovl.squashfs"


@dataclass(frozen=True)
class ContainerSpec:
    """Everything that run.json and lxc.container.conf are made from.

    ``remount`` and ``conditions`` are passed on as they are. Sources of mounts: of ``files`` the device's
    folder ``/exports``, of ``config_volumes`` a volume that is shared, of ``images`` a file of the
    container that holds a file system; ``extra_images`` are such files that are mounted without a target.
    ``defaults`` are variables of the environment that count where nothing else sets them.
    """

    name: str
    process: Process
    volumes: tuple[Volume, ...]
    group: Optional[str] = None
    runlevel: Optional[str] = None
    status_goal: Optional[str] = None
    restart_policy: Optional[str] = None
    roles: tuple[str, ...] = ()
    auto_recovery: Optional[AutoRecovery] = None
    health: Optional[HealthCheck] = None
    modules: Optional[bool] = None
    drivers: Drivers = Drivers()
    services: Services = Services()
    resources: Resources = Resources()
    network: Optional[Network] = None
    lxc_network: LxcNetwork = LxcNetwork()
    lxc: LxcOptions = LxcOptions()
    extra_images: tuple[str, ...] = ()
    images: tuple[Mount, ...] = ()
    volume_imports: tuple[VolumeImport, ...] = ()
    files: tuple[Mount, ...] = ()
    config_volumes: tuple[Mount, ...] = ()
    remount: Any = None
    conditions: Any = None
    logs: Optional[list[Any]] = None
    exports: Optional[list[Any]] = None
    verity: frozenset[str] = frozenset()
    base: Optional[str] = None
    patched: bool = False
    user: Optional[User] = None
    defaults: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (self.name, self.base, self.group):
            if name is not None:
                names.check_container(name)
        for word, known, what in (
            (self.runlevel, RUNLEVELS, "runlevel"),
            (self.status_goal, GOALS, "status goal"),
            (self.restart_policy, RESTART_POLICIES, "restart policy"),
            *((role, ROLES, "role") for role in self.roles),
        ):
            if word is not None:
                check_word(word, known, what)
        self.resources.check_alone((*self.lxc.cgroup1_settings, *self.lxc.cgroup2_settings))
        for image in self.extra_images:
            names.check_path(image, what="volume")
        if self.network and (self.lxc_network.is_own or self.lxc.sets_network):
            raise FormatError(
                "a network pool and a network of LXC exclude each other", hint="leave out one of them"
            )

    @classmethod
    def from_source(
        cls, name: str, source: SourceManifest, *, user: Optional[User] = None
    ) -> ContainerSpec:
        """``user`` is what ``init_user`` found for the image's User; None runs init as root."""
        check_members(source.config, "config in src.json")
        config = {
            **source.image_config,
            **{key: value for key, value in source.config.items() if value is not None},
        }
        return cls(
            name=name,
            process=map_process(config),
            health=map_health(config),
            volumes=read_volumes(config.get("Volumes") or {}, source.persistence),
            logs=source.logs,
            exports=source.exports,
            verity=frozenset(volume for volume, enabled in source.verity.items() if enabled),
            base=source.base or None,
            patched=bool(source.overlay_digest),
            user=user,
            **read_arguments(source.arguments),
        )

    @property
    def runs(self) -> bool:
        """Whether anything is started: a container that is only mounted has no LXC configuration."""
        return self.status_goal != "MOUNTED" and self.runlevel != "data"

    @property
    def _elsewhere(self) -> tuple[str, ...]:
        """What the runtime of this project does not read: docs/conformance.md."""
        members = {
            "drivers": any(self.drivers.document().values()),
            "exports": self.exports,
            "logs": self.logs,
            "remount": self.remount,
            "services": any(self.services.document().values()),
        }
        return tuple(name for name, value in members.items() if value)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What of the arguments will have no effect, or a bad one;
        for the image's part see ``process.unmapped``.
        """
        found = []
        if self.conditions:
            found.append("PV_CONDITIONS has no effect: devices no longer read it")
        if self._elsewhere:
            members = ", ".join(self._elsewhere)
            found.append(f"{members} of run.json: only the published runtime has a meaning for that")
        if self.lxc_network.idle:
            idle = ", ".join(self.lxc_network.idle)
            found.append(
                f"{idle} of the network have no effect with the type {self.lxc_network.type or 'host'}"
            )
        if not self.lxc.is_confined and (self.lxc.cap_add or self.lxc.new_privs):
            found.append(
                "PV_SECURITY_CAP_ADD and PV_SECURITY_NEW_PRIVS have no effect without the profile confined"
            )
        if self.lxc.cap_drop and self.lxc.cap_keep and not self.lxc.is_confined:
            found.append(
                "LXC does not start a container that lists capabilities to drop and others to keep"
            )
        for key in self.lxc.unknown_keys:
            near = names.hint(key.partition(".")[0], LXC_KEYS)
            found.append(
                f"LXC does not know lxc.{key}, and starts no container with it{f'; {near}' if near else ''}"
            )
        if hidden := secrets((*self.process.environment, *self.lxc.environment)):
            found.append(
                f"{', '.join(hidden)} of the environment can be read by all who get the container: keep "
                "secrets in a volume, to be written on each device"
            )
        found += filter(None, map(cgroups.refusal, self.lxc.cgroup1_settings))
        found += filter(None, map(cgroups.misplaced, self.lxc.cgroup2_settings))
        return tuple(f"{self.name}: {text}" for text in found)
