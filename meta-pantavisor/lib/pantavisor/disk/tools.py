# SPDX-License-Identifier: MIT
"""The environment of every program that writes a part of the disk image: this and nothing else.

Each of them reads the time from a variable of its own, some from more than one of them, and takes defaults
from files and variables that differ between machines.
"""

from __future__ import annotations

import os


def tool_environment(epoch: int) -> dict[str, str]:
    """For e2fsprogs, dosfstools and mtools; every time that they write is ``epoch``, seconds since 1970."""
    return {
        "LC_ALL": "C",
        "TZ": "UTC0",
        # e2fsprogs reads this one from 1.47.1 on, and before the next.
        "SOURCE_DATE_EPOCH": str(epoch),
        "E2FSPROGS_FAKE_TIME": str(epoch),
        "MKE2FS_CONFIG": os.devnull,
        "E2FSCK_CONFIG": os.devnull,
        "MTOOLSRC": os.devnull,
        "MTOOLS_SKIP_CHECK": "1",
    }
