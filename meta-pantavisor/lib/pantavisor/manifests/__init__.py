"""The manifests of a state: what a container is (run.json, src.json), what the bsp is, what the device is."""

from __future__ import annotations

from .arguments import ARGUMENTS, Kind, check_arguments
from .bsp import BspSpec, bsp_run_manifest
from .consistency import check_state
from .device import DeviceSpec, Group, default_device
from .process import Process, init_user, map_process
from .recovery import check_auto_recovery
from .run import run_manifest
from .services import services_manifest
from .source import SourceManifest
from .spec import ContainerSpec, Volume

__all__ = [
    "ARGUMENTS",
    "BspSpec",
    "ContainerSpec",
    "DeviceSpec",
    "Group",
    "Kind",
    "Process",
    "SourceManifest",
    "Volume",
    "bsp_run_manifest",
    "check_arguments",
    "check_auto_recovery",
    "check_state",
    "default_device",
    "init_user",
    "map_process",
    "run_manifest",
    "services_manifest",
]
