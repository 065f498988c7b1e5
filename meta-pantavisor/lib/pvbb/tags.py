# SPDX-License-Identifier: MIT
"""Images that a recipe names by a tag alone: whether that is allowed, whether the tag still names what is
built from it, and what scripts/lock has to know of them.

What a tag was found to name is recorded in DL_DIR, so that a build goes on with the same image. Without
this check nothing would ever report that the registry has moved on.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bb
import bb.fetch2
from pantavisor import atomic, names
from pantavisor.digest import Digest
from pantavisor.errors import FormatError, PantavisorError
from pantavisor.ref import Ref

import pvbb.downloads
import pvbb.registries
from pvbb.downloads import ImageUrl

if TYPE_CHECKING:
    from typing import Any, Optional

PINS = ("warn", "require")
REPORTS = "pvr-lock"  # below TOPDIR
TIMEOUT = 10.0  # seconds; a build does not wait for what it can do without


def is_pin_required(d: Any) -> bool:
    """Whether PVR_DOCKER_PIN refuses tags without digest. Raises FormatError for another value."""
    value = (d.getVar("PVR_DOCKER_PIN") or PINS[0]).strip()
    if value not in PINS:
        raise names.unknown(value, PINS, what="value of PVR_DOCKER_PIN")
    return value == "require"


def need_digest(ref: Ref, d: Any) -> None:
    """Raise FormatError for a tag without digest where one is required."""
    if is_pin_required(d):
        raise FormatError(
            f"{d.getVar('PN')}: no digest pins {ref}, and PVR_DOCKER_PIN requires one",
            hint="set PVR_DOCKER_DIGEST, or PVR_DOCKER_LOCK and run: scripts/lock write DEVICE",
        )


def check(d: Any) -> None:
    """do_check_tag: warn where a tag of SRC_URI names another image by now. Without network, do nothing;
    fail where a digest is required, also of what was fetched before.
    """
    for word in d.getVar("SRC_URI").split():
        item = pvbb.downloads.parse(word) if word.startswith("docker://") else None
        if isinstance(item, ImageUrl) and item.ref.digest is None:
            _check(item.ref, d)


def report(d: Any) -> None:
    """do_lock_image: what the image's tag names now, for scripts/lock; nothing of a recipe that has a
    digest of its own.
    """
    text = (d.getVar("PVR_DOCKER_REF") or "").strip()
    ref = Ref.parse(text) if text and not d.getVar("PVR_DOCKER_DIGEST") else None
    if ref is None or ref.digest is not None:
        return
    found: dict[str, Optional[str]] = {"reference": str(ref), "lock": d.getVar("PVR_DOCKER_LOCK") or None}
    try:
        found["digest"] = str(_named(ref, d))
    except (PantavisorError, bb.fetch2.BBFetchException) as error:
        found["error"] = str(error)
    folder = Path(d.getVar("TOPDIR"), REPORTS)
    folder.mkdir(exist_ok=True)
    name = f"{d.getVar('BB_CURRENT_MC') or 'default'}-{d.getVar('PN')}.json"
    atomic.write(folder / name, json.dumps(found).encode())


def _named(ref: Ref, d: Any) -> Digest:
    """What the tag names now. Raises PantavisorError and BBFetchException."""
    bb.fetch2.check_network_access(d, "a registry request", f"docker://{ref.name}")
    client = pvbb.registries.client(d, attempts=1, timeout=TIMEOUT)
    return client.manifest(replace(ref, digest=None)).digest


def _check(ref: Ref, d: Any) -> None:
    try:
        need_digest(ref, d)
    except FormatError as error:
        bb.fatal(f"{error.message}\n  hint: {error.hint}")
    built = pvbb.downloads.read_record(Path(d.getVar("DL_DIR")) / pvbb.downloads.record_name(ref))
    try:
        named = _named(ref, d)
    except (PantavisorError, bb.fetch2.BBFetchException) as error:
        bb.note(f"{ref}: what the tag names now is not known: {error}")
        return
    if built is not None and built != named:
        bb.warn(
            f"{d.getVar('PN')}: {ref} now names {named}, but {built} is what this build has. "
            f'To keep it, set in the recipe:\nPVR_DOCKER_DIGEST = "{built}"\n'
            f"To take the new one, set the other digest, or run: bitbake -c cleanall {d.getVar('PN')}"
        )
