# SPDX-License-Identifier: MIT
"""A ``.pvr`` working tree: files on one side, the committed state and its objects on the other.

repository    Repository: what is committed, what is staged, one writer at a time
working_tree  its files
own_folder ownership  the folder .pvr, and whose it may be
notes         what is noted between two commands
sources filter  where states come from, and which parts of them are taken
clone deploy  a new repository, a device's revision
device        device.json of a working tree
gc            objects that nothing refers to
"""

from __future__ import annotations

from .clone import clone
from .deploy import boot_environment, committed_state, deploy, least_release
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
    "least_release",
    "open_local",
    "opened",
    "read_device",
    "removal",
    "select",
    "write_default_device",
]
