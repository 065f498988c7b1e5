# SPDX-License-Identifier: MIT
"""The programs that a container runs: whether its root file system has them, and what can signal READY."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from .. import elf
from ..layers import Tree
from ..manifests import ContainerSpec

SIGNALLER = "pvcontrol"


def missing(spec: ContainerSpec, tree: Tree) -> Iterator[str]:
    """What is started there, and is not in ``tree``."""
    program = spec.process.executable
    if not spec.runs:
        return
    if not _has_program(spec, tree, program):
        yield f"its root file system has no {program}, so it starts only if a config overlay brings it"
    if spec.health and not _has_program(spec, tree, spec.health.test[0]):
        yield (
            f"its root file system has no {spec.health.test[0]}, which its Healthcheck runs, "
            "so it is never healthy unless a config overlay brings it"
        )
    if spec.status_goal == "READY" and not spec.health and not _has_program(spec, tree, SIGNALLER):
        yield (
            f"its goal is READY, and it has neither a Healthcheck nor {SIGNALLER}, "
            "so its group waits in vain unless its program signals at the control socket itself"
        )


def _has_program(spec: ContainerSpec, tree: Tree, program: str) -> bool:
    """Whether a program is in ``tree``, or below what is mounted over it."""
    folder = spec.process.folder
    path = next((word[5:] for word in spec.process.environment if word.startswith("PATH=")), "")
    if elf.exists(tree, program, folder=folder, search=[place for place in path.split(":") if place]):
        return True
    targets = [volume.path for volume in spec.volumes]
    targets += [f"/{mount.target}" for mount in (*spec.images, *spec.files, *spec.config_volumes)]
    targets += [f"/{volume.target}" for volume in spec.volume_imports]
    whole = posixpath.join("/", folder, program)
    return any(whole.startswith(f"{target.rstrip('/')}/") or whole == target for target in targets)
