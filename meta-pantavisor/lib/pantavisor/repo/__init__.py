# SPDX-License-Identifier: MIT
"""A ``.pvr`` working tree: files on one side, the committed state and its objects on the other."""

from __future__ import annotations

from .choosing import Choice, Source, removal, select
from .cloning import clone
from .collecting import collect
from .deploying import boot_environment, committed_state, deploy
from .device import DEVICE, device_of, edit_device, read_device, write_default_device
from .folder import FOLDER
from .ownership import Owners
from .repository import DEFAULT_MESSAGE, Repository, Status
from .sources import opened

__all__ = [
    "DEFAULT_MESSAGE",
    "DEVICE",
    "FOLDER",
    "Choice",
    "Owners",
    "Repository",
    "Source",
    "Status",
    "boot_environment",
    "committed_state",
    "clone",
    "collect",
    "deploy",
    "device_of",
    "edit_device",
    "opened",
    "read_device",
    "removal",
    "select",
    "write_default_device",
]
