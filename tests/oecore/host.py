# SPDX-License-Identifier: MIT
"""Images that are made by openembedded-core's own tasks with the tools of this machine: lines for
local.conf in place of all that is built before an image.
"""

from __future__ import annotations

import os
import shutil
import sys

import pytest

PSEUDO = "/usr/lib/x86_64-linux-gnu/pseudo"
APT = ("apt-cache", "apt-ftparchive", "apt-get", "dpkg", "dpkg-deb", "dpkg-query", "dpkg-split")
# Whatever is built before an image: none of it runs here.
PROVIDED = (
    "^(?!virtual/{but}).*-native$ ^.*-cross$ ^nativesdk- ^virtual/(?!x{but}) ^meta-.*-toolchain$"
    " buildtools-tarball"
)
LIBRARY = f"""\
PVR_PYTHON = "{sys.executable}"
PVR_LIBSQUASHFS = "libsquashfs.so.1"
"""
FAKEROOT = f"""\
FAKEROOTCMD = "/usr/bin/pseudo"
FAKEROOTBASEENV = "PSEUDO_PREFIX=/usr PSEUDO_BINDIR=/usr/bin PSEUDO_LIBDIR={PSEUDO} PSEUDO_DISABLED=1"
FAKEROOTENV = "PSEUDO_PREFIX=/usr PSEUDO_BINDIR=/usr/bin PSEUDO_LIBDIR={PSEUDO} \\
    PSEUDO_LOCALSTATEDIR=${{PSEUDO_LOCALSTATEDIR}} PSEUDO_NOSYMLINKEXP=1 PSEUDO_DISABLED=0"
"""


def lines(*but: str) -> str:
    """With recipes whose names begin as ``but``, which a layer has."""
    pattern = PROVIDED.format(but="".join(f"|{name}" for name in but))
    return f'PVS_DEVELOPMENT_KEYS = "1"\n{LIBRARY}{FAKEROOT}ASSUME_PROVIDED += "{pattern}"\n'


def need(*programs: str) -> None:
    """Skip a test that this machine lacks programs for."""
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        message = f"{', '.join(missing)} not installed: apt-get install pseudo apt-utils"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
