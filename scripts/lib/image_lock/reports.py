# SPDX-License-Identifier: MIT
"""What the task do_lock_image leaves in the build directory: a file for each recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from pantavisor import cjson
from pantavisor.digest import Digest
from pantavisor.errors import PantavisorError

FOLDER = "pvr-lock"


class NoAnswer(PantavisorError):
    """The registry did not give what the tag names."""


@dataclass(frozen=True)
class Image:
    """An image that a recipe names by a tag."""

    reference: str
    lock: Path
    digest: Optional[Digest]
    error: str

    def found(self) -> Digest:
        """What the tag names now. Raises NoAnswer."""
        if self.digest is None:
            raise NoAnswer(
                f"{self.reference} cannot be locked: {self.error}",
                hint=None if "hint: " in self.error else "check the network and the login",
            )
        return self.digest


def read(folder: Path) -> list[Image]:
    """All of them. Raises PantavisorError where no lock file is configured."""
    return [_image(path) for path in sorted(folder.glob("*.json"))]


def _image(path: Path) -> Image:
    report = cjson.load_object(path.read_bytes(), what=str(path))
    if not report.get("lock"):
        raise PantavisorError(
            f"{report['reference']} has no lock file: PVR_DOCKER_LOCK is empty",
            hint='set PVR_DOCKER_LOCK = "/path/to/images.lock.json" in the configuration',
        )
    digest = report.get("digest")
    return Image(
        str(report["reference"]),
        Path(str(report["lock"])),
        Digest.parse(str(digest)) if digest else None,
        str(report.get("error", "")),
    )
