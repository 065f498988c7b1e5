# SPDX-License-Identifier: MIT
"""What openembedded-core knows of the images that an image's parts come from: the documents of its class
create-spdx-3.0.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import bb

if TYPE_CHECKING:
    from typing import Any

CLASS = "create-spdx-3.0"
TASK = "do_create_image_sbom_spdx"
INITRAMFS = "pantavisor-initramfs"


def task(d: Any) -> str:
    """The task of image recipes that writes them, where this build has it; of another configuration
    (PVROOT_MULTICONFIG) none is waited for, so none is read.
    """
    writes = bb.data.inherits_class(CLASS, d) and "spdx" in (d.getVar("PVROOT_SBOM") or "").split()
    return TASK if writes and not d.getVar("PVROOT_MULTICONFIG") else ""


def of_exports(d: Any, folder: str, exports: dict[str, str]) -> dict[str, list[str]]:
    """The documents in ``folder``, by the export of the recipe whose image they are about."""
    if not task(d):
        return {}
    found = {}
    for name, path in exports.items():
        recipe = INITRAMFS if name == d.getVar("PVROOT_BSP") else name
        # The link of class pvr-image-bill.
        document = os.path.join(folder, f"{recipe}.built.spdx.json")
        if os.path.exists(document):
            found[path] = [document]
    return found
