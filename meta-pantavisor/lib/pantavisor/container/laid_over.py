# SPDX-License-Identifier: MIT
"""Whether the files of a config overlay have the effect that is meant, held against the root file system
that the device lays them over.

Each is 0:0 and 0644 there, its directories 0:0 and 0755, and these hide what is not one: a link, too.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Optional

from ..errors import FormatError
from ..layers import Directory, File, Metadata, Node, Symlink, Tree
from ..manifests import ContainerSpec
from ..manifests.volumes import OVERLAY
from .mount_points import KERNEL, is_below

_DIRECTORY = (0, 0, 0o755)
_FOR_ALL = 0o004
_EXECUTABLE = 0o111


def check(spec: ContainerSpec, tree: Tree, paths: Sequence[str]) -> None:
    """Raise FormatError for files that hide more of the root file system than a file of that name."""
    for path in paths:
        for folder in _folders(path):
            found = _node(tree, folder)
            if found is not None and not isinstance(found, Directory):
                raise FormatError(
                    f"{spec.name}: {path} of its config overlay would hide {_what(folder, found)}",
                    hint=_other_place(path, folder, found),
                )
        if isinstance(_node(tree, path), Directory):
            raise FormatError(
                f"{spec.name}: {path} of its config overlay is a file, and hides the image's directory",
                hint="put the files that change into a directory of that name",
            )


def doubtful(spec: ContainerSpec, tree: Tree, paths: Sequence[str]) -> Iterator[str]:
    """What of the overlay has no effect, or one that is rarely meant: of each kind the first file, and how
    many more there are.
    """
    found: dict[str, list[str]] = {}
    for path in paths:
        for text in (*_hidden(spec, path), *_changed(tree, path)):
            found.setdefault(text, []).append(path)
    for text, files in found.items():
        more = f" (and {len(files) - 1} more)" if len(files) > 1 else ""
        yield f"{files[0]}{more} of its config overlay {text}"
    for folder in sorted({folder for path in paths for folder in _folders(path)}):
        node = _node(tree, folder)
        if node is not None and _owner_and_mode(node.metadata) != _DIRECTORY:
            uid, gid, mode = _owner_and_mode(node.metadata)
            image = f"{uid}:{gid} {mode:04o}"
            yield f"its config overlay makes /{folder} 0:0 0755, which the image has as {image}"


def _hidden(spec: ContainerSpec, path: str) -> Iterator[str]:
    """Whether a mount hides the file."""
    shown = f"/{path}"
    for volume in spec.volumes:
        if volume.path == OVERLAY or not is_below(shown, (volume.path,)):
            continue
        if volume.overlay:
            yield f"is hidden by the volume ovl:{volume.path}"
        elif volume.persistence == "permanent":
            yield (
                f"is copied into the permanent volume {volume.path} when that is new: "
                "an update does not change it there"
            )
    for place in _mounts(spec):
        if is_below(shown, (place,)):
            yield f"is hidden by what is mounted at {place}"


def _changed(tree: Tree, path: str) -> Iterator[str]:
    """What the file has in place of the rights of the image's."""
    node = _node(tree, path)
    if isinstance(node, Symlink):
        behind = tree.find(path)
        if isinstance(behind, File) and behind.metadata.mode & _EXECUTABLE:
            link = f"{path} -> {node.target.decode(errors='backslashreplace')}"
            yield f"replaces the link to a program {link}, and may not be executed on the device"
    if not isinstance(node, File):
        return
    if node.metadata.mode & _EXECUTABLE:
        yield "replaces a program, and may not be executed on the device"
    elif not node.metadata.mode & _FOR_ALL:
        yield "can be read by each user, unlike the image's"


def _mounts(spec: ContainerSpec) -> Iterator[str]:
    """What is mounted over the root file system, other than volumes."""
    yield from (*KERNEL, "/dev")
    if spec.lxc.run_tmpfs:
        yield f"/{spec.lxc.run_tmpfs_path}"
    if spec.lxc.resolv_conf:
        yield f"/{spec.lxc.resolv_conf_path}"
    targets = [mount.target for mount in (*spec.images, *spec.files, *spec.config_volumes)]
    for target in (*targets, *(volume.target for volume in spec.volume_imports)):
        yield f"/{target}"


def _folders(path: str) -> list[str]:
    """The directories above ``path``, from the outermost."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _node(tree: Tree, path: str) -> Optional[Node]:
    """What has just this name; a link is not followed."""
    folder, _, name = path.rpartition("/")
    above: Optional[Node] = tree.root
    for part in folder.encode().split(b"/") if folder else ():
        above = above.entries.get(part) if isinstance(above, Directory) else None
    return above.entries.get(name.encode()) if isinstance(above, Directory) else None


def _what(folder: str, found: Node) -> str:
    if isinstance(found, Symlink):
        return f"the image's link {folder} -> {found.target.decode(errors='backslashreplace')}"
    return f"the image's {folder}, which is not a directory"


def _other_place(path: str, folder: str, found: Node) -> str:
    if not isinstance(found, Symlink):
        return "name another path"
    target = found.target.decode(errors="backslashreplace")
    behind = posixpath.normpath(posixpath.join("/", posixpath.dirname(folder), target))
    return f"move it to {behind[1:]}{path[len(folder) :]}"


def _owner_and_mode(metadata: Metadata) -> tuple[int, int, int]:
    return metadata.uid, metadata.gid, metadata.mode
