# SPDX-License-Identifier: MIT
"""Where the volumes of a container are mounted: whether that works, and whether its user can write there.

On the device a mount that fails is a container that does not start, and a volume that its user cannot write
is an app that runs and stores nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import FormatError
from ..layers import Directory, Metadata, Tree
from ..manifests import ContainerSpec
from ..manifests.process import User
from ..manifests.volumes import OVERLAY, Volume

KERNEL = ("/proc", "/sys")
# A volume whose directory the image does not have.
_MADE = Metadata(0o755, 0, 0, 0)


def check(spec: ContainerSpec, tree: Tree) -> None:
    """Raise FormatError for a volume at or below what is not a directory in ``tree``."""
    for volume in _mounted(spec):
        parts = volume.path.strip("/").split("/")
        for count in range(1, len(parts) + 1):
            place = "/" + "/".join(parts[:count])
            found = tree.find(place)
            if found is not None and not isinstance(found, Directory):
                raise FormatError(
                    f"{spec.name}: the volume {volume.path} cannot be mounted: "
                    f"{place} of the image is not a directory",
                    hint="name a directory; a single file that changes needs a volume for its directory",
                )


def doubtful(spec: ContainerSpec, tree: Tree) -> Iterator[str]:
    """What volumes do that is rarely meant."""
    for volume in _mounted(spec):
        at = _metadata(tree, volume)
        if volume.path == "/dev" or is_below(volume.path, KERNEL):
            yield f"the volume {volume.path} hides what the kernel shows there"
        elif spec.user is not None and not _may_write(spec.user, at):
            yield (
                f"its user {spec.user.uid} may not write to the volume {volume.path}, which begins as "
                f"{at.uid}:{at.gid} {at.mode:04o}; make the directory in the image, with its owner"
            )


def is_below(path: str, places: tuple[str, ...]) -> bool:
    """Whether ``path`` is one of ``places`` or below one."""
    return any(f"{path}/".startswith(f"{place}/") for place in places)


def _mounted(spec: ContainerSpec) -> list[Volume]:
    return [volume for volume in spec.volumes if spec.runs and volume.path != OVERLAY]


def _metadata(tree: Tree, volume: Volume) -> Metadata:
    """What the volume takes from the image when it is new."""
    found = tree.find(volume.path)
    return _MADE if found is None else found.metadata


def _may_write(user: User, at: Metadata) -> bool:
    if user.uid == at.uid:
        return bool(at.mode & 0o200) or user.uid == 0
    of_group = at.gid in (user.gid, *user.groups)
    return user.uid == 0 or bool(at.mode & (0o020 if of_group else 0o002))
