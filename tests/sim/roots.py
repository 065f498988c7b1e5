# SPDX-License-Identifier: MIT
"""Containers whose root file systems list packages."""

from __future__ import annotations

from pathlib import Path

from pantavisor import export, squashfs
from pantavisor.layers import Directory, File, Tree
from pantavisor.layers.tree import IMPLIED
from sim.device import Device


def tree(files: dict[str, bytes], *, mode: int = 0o644) -> Tree:
    """Files by their paths, all of one mode."""
    made = Tree(Directory(IMPLIED))
    for path, content in files.items():
        folder, _, name = path.rpartition("/")
        made.add_missing([folder.encode()] if folder else [])
        parent = made.find(folder)
        assert isinstance(parent, Directory)
        parent.entries[name.encode()] = File(IMPLIED._replace(mode=mode), len(content), content)
    return made


def put(device: Device, files: dict[str, bytes], *, mode: int = 0o644) -> str:
    """The object of a root file system, in the device's pool."""
    return pack(device, tree(files, mode=mode))


def pack(device: Device, made: Tree) -> str:
    """The object of a tree."""
    path = device.folder / "root.squashfs"
    squashfs.write(made, path, profile=squashfs.profile("fast", None))
    return device.pool.put_bytes(path.read_bytes())


def status(*packages: str) -> bytes:
    """A database of dpkg; each package is its name and version."""
    form = "Package: {}\nVersion: {}\nArchitecture: all\nStatus: install ok installed\n\n"
    return "".join(form.format(*package.split()) for package in packages).encode()


def exported(device: Device, path: Path, web: str, **more: str) -> Path:
    """The export of the device, whose container ``web`` has another root file system."""
    state = device.state.with_files({"web/root.squashfs": web, **more})
    export.write(path, state, device.pool)
    return path
