# SPDX-License-Identifier: MIT
"""do_fetch, do_unpack and do_patch."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import bb
import bb.fetch2

# The demonstration images, which only scripts/demo-images serves.
DEMONSTRATION = "docker://registry.test/"
SERVE = "run: scripts/demo-images --auto-conf build/conf/auto.conf -- kas build kas/quickstart.yml"
PATCH_SUFFIXES = (".patch", ".diff")


def fetch(d: Any) -> None:
    """SRC_URI is in DL_DIR, every download checked."""
    _run(d, lambda fetcher: fetcher.download())


def unpack(d: Any) -> None:
    """SRC_URI is in UNPACKDIR."""
    _run(d, lambda fetcher: fetcher.unpack(d.getVar("UNPACKDIR")))


def forget(d: Any) -> None:
    """What do_fetch put into DL_DIR is gone."""
    _run(d, lambda fetcher: fetcher.clean())


def patch(d: Any) -> None:
    """The patches of SRC_URI, in its order, are applied to S (or patchdir=)."""
    for url in (d.getVar("SRC_URI") or "").split():
        _, _, path, _, _, parameters = bb.fetch2.decodeurl(url)
        named = path.endswith(PATCH_SUFFIXES)
        if not bb.utils.to_boolean(parameters.get("apply", "yes" if named else "no")):
            continue
        folder = os.path.join(d.getVar("S"), parameters.get("patchdir", ""))
        source = os.path.join(d.getVar("UNPACKDIR"), parameters.get("subdir", ""), os.path.basename(path))
        strip = parameters.get("striplevel", parameters.get("pnum", "1"))
        command = ["patch", "--force", "--no-backup-if-mismatch", f"--strip={strip}", f"--input={source}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        bb.note(done.stdout)
        if done.returncode:
            bb.fatal(
                f"{d.getVar('PN')}: {os.path.basename(path)} does not apply to {folder}:\n"
                f"{done.stdout}{done.stderr}"
            )


def _run(d: Any, action: Any) -> None:
    urls = (d.getVar("SRC_URI") or "").split()
    if not urls:
        return
    try:
        action(bb.fetch2.Fetch(urls, d))
    except bb.fetch2.BBFetchException as error:
        hint = f"\n  hint: {SERVE}" if any(url.startswith(DEMONSTRATION) for url in urls) else ""
        bb.fatal(f"{d.getVar('PN')}: {error}{hint}")
