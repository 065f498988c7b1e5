# SPDX-License-Identifier: MIT
"""Whether a tag that no digest pins still names the image that is built from it.

What a tag was found to name is recorded in DL_DIR, so that a build goes on with the same image. Without
this check nothing would ever report that the registry has moved on.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bb
import bb.fetch2
from pantavisor.errors import PantavisorError
from pantavisor.ref import Ref

import pvbb.downloads
import pvbb.registries
from pvbb.downloads import ImageUrl

if TYPE_CHECKING:
    from typing import Any

TIMEOUT = 10.0  # seconds; a build does not wait for what it can do without


def check(d: Any) -> None:
    """do_check_tag: warn where a tag of SRC_URI names another image by now. Without network, do nothing."""
    for word in d.getVar("SRC_URI").split():
        item = pvbb.downloads.parse(word) if word.startswith("docker://") else None
        if isinstance(item, ImageUrl) and item.ref.digest is None:
            _check(item.ref, d)


def _check(ref: Ref, d: Any) -> None:
    built = pvbb.downloads.read_record(Path(d.getVar("DL_DIR")) / pvbb.downloads.record_name(ref))
    try:
        bb.fetch2.check_network_access(d, "a registry request", f"docker://{ref.name}")
        client = pvbb.registries.client(d, attempts=1, timeout=TIMEOUT)
        named = client.manifest(replace(ref, digest=None)).digest
    except (PantavisorError, bb.fetch2.BBFetchException) as error:
        bb.note(f"{ref}: what the tag names now is not known: {error}")
        return
    if built is not None and built != named:
        bb.warn(
            f"{d.getVar('PN')}: {ref} names {named} by now, but {built} is what this build has. "
            f'To keep it, set in the recipe:\nPVR_DOCKER_DIGEST = "{built}"\n'
            f"To take the new one, set the other digest, or run: bitbake -c cleanall {d.getVar('PN')}"
        )
