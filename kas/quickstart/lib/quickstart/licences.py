# SPDX-License-Identifier: MIT
"""do_populate_lic: LIC_FILES_CHKSUM is right about the sources."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import bb
import bb.fetch2


def check(d: Any) -> None:
    """Every licence file of the sources has the md5 that the recipe names; common licences are taken on
    trust.
    """
    common = d.getVar("COMMON_LICENSE_DIR")
    for url in (d.getVar("LIC_FILES_CHKSUM") or "").split():
        _, _, path, _, _, parameters = bb.fetch2.decodeurl(url)
        if os.path.dirname(path) == common:
            continue
        path = os.path.join(d.getVar("S"), path)
        found = _md5(d, path, parameters)
        if found != parameters.get("md5"):
            bb.fatal(
                f"{d.getVar('PN')}: {path} is not the licence of LIC_FILES_CHKSUM\n"
                f"  hint: read it, and if LICENSE is still right, write: {url.split(';')[0]};md5={found}"
            )


def _md5(d: Any, path: str, parameters: dict[str, str]) -> str:
    try:
        with open(path, "rb") as stream:
            lines = stream.readlines()
    except OSError as error:
        bb.fatal(f"{d.getVar('PN')}: LIC_FILES_CHKSUM names {path}: {error.strerror}")
    begin, end = int(parameters.get("beginline", 1)), int(parameters.get("endline", 0)) or len(lines)
    # The checksum notices a change; it protects nothing.
    return hashlib.md5(b"".join(lines[begin - 1 : end]), usedforsecurity=False).hexdigest()
