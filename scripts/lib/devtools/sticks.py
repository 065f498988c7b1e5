# SPDX-License-Identifier: MIT
"""Images of USB sticks that a guest sees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def attached(images: Sequence[Path]) -> tuple[str, ...]:
    """QEMU's words for sticks, ``sda`` first. The demonstration's kernel has no USB storage: what can be
    taken out of SCSI is treated alike.
    """
    words = ["-device", "virtio-scsi-pci,id=scsi"] if images else []
    for number, image in enumerate(images):
        file = str(image).replace(",", ",,")
        words += ["-drive", f"if=none,id=drive{number},format=raw,file={file}"]
        place = f"drive=drive{number},scsi-id={number},bus=scsi.0"
        words += ["-device", f"scsi-hd,id=stick{number},removable=on,{place}"]
    return tuple(words)
