# SPDX-License-Identifier: MIT
"""A ``.pvr`` working tree: files on one side, the committed state and its objects on the other."""

from __future__ import annotations

from .clone import clone
from .deploy import boot_environment, committed_state, deploy
from .device import DEVICE, device_of, edit_device, read_device, write_default_device
from .filter import PartFilter, StateSource, removal, select
from .gc import collect
from .own_folder import FOLDER
from .ownership import Owners
from .repository import DEFAULT_MESSAGE, Repository, Status
from .sources import Opener, open_local, opened

__all__ = [
    "DEFAULT_MESSAGE",
    "DEVICE",
    "FOLDER",
    "PartFilter",
    "Opener",
    "Owners",
    "Repository",
    "StateSource",
    "Status",
    "boot_environment",
    "committed_state",
    "clone",
    "collect",
    "deploy",
    "device_of",
    "edit_device",
    "open_local",
    "opened",
    "read_device",
    "removal",
    "select",
    "write_default_device",
]
