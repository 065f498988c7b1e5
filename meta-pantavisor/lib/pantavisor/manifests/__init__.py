# SPDX-License-Identifier: MIT
"""The manifests of a state: what a container is (run.json, src.json),
what the bsp is, what the device is.
"""

from __future__ import annotations

from .arguments import ARGUMENTS, Kind, read_arguments
from .bsp import BspSpec, bsp_run_manifest
from .consistency import check_references, check_state, check_users, references
from .device import DeviceSpec, DeviceVolume, Group, default_device, read_device
from .disks import Disk, Pool
from .lxc_options import LxcOptions
from .mounts import Mount, VolumeImport
from .network import LxcNetwork, Network
from .process import Process, User, check_members, defaults, home, init_user, map_process
from .recovery import AutoRecovery, check_auto_recovery
from .resources import Resources, check_memory, memory_limit, parse_memory
from .run import run_manifest
from .services import Drivers, Service, Services, services_manifest
from .source import SourceChanges, SourceManifest
from .spec import ContainerSpec
from .volumes import Volume, persistence

__all__ = [
    "ARGUMENTS",
    "AutoRecovery",
    "BspSpec",
    "ContainerSpec",
    "DeviceSpec",
    "DeviceVolume",
    "Disk",
    "Drivers",
    "Group",
    "Kind",
    "LxcNetwork",
    "LxcOptions",
    "Mount",
    "Network",
    "Pool",
    "Process",
    "Resources",
    "Service",
    "Services",
    "SourceChanges",
    "SourceManifest",
    "Volume",
    "VolumeImport",
    "bsp_run_manifest",
    "check_auto_recovery",
    "check_members",
    "check_memory",
    "check_references",
    "check_state",
    "check_users",
    "default_device",
    "User",
    "defaults",
    "home",
    "init_user",
    "map_process",
    "memory_limit",
    "parse_memory",
    "persistence",
    "read_arguments",
    "read_device",
    "references",
    "run_manifest",
    "services_manifest",
]
