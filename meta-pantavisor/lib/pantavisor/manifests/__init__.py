# SPDX-License-Identifier: MIT
"""The manifests of a state: what a container is (run.json, src.json), what the bsp is, what the device is.

source arguments  src.json, and its template arguments
spec         a container as one typed value, of all that these give together
process      what its image's config has of the first process
secrets      what of its environment looks like one
volumes verity mounts  what it has of file systems
network services       whom it reaches
resources cgroups rights  what it may take, and what it may do
recovery health        what follows when it ends or is ill
run lxc_options        what the device runs it by
bsp          bsp/run.json
device device_edit disks  device.json, changes of it, its disks and pools
consistency  whether the manifests of a whole state fit together
members      what members of manifests are made of
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
