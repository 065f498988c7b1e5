# SPDX-License-Identifier: MIT
"""Devices that are spoken to over HTTP, by the protocol of the published ``pvr``: clone, get, merge, post.

    description   what a device answers at /.pvrremote: where its state and objects are
    session       one request, its refusals, patience with the network
    client        Device: the running state, revisions and their progress
    download      DevicePool: the objects of a device, fetched as they are opened
    upload        objects on their way to a device, in pieces that go on where they broke off
    post          a state: what is missing is sent, then it is run and watched

What a device answers is bounded and checked as that of any foreign server; objects count by their sha256
alone.
"""

from __future__ import annotations

from .client import Device, Progress
from .download import DevicePool
from .post import Failed, Posted, Watcher, post
from .session import Refused

__all__ = ["Device", "DevicePool", "Failed", "Posted", "Progress", "Refused", "Watcher", "post"]
