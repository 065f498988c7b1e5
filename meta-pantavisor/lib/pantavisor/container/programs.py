# SPDX-License-Identifier: MIT
"""The programs that a container runs: whether they can start, and what can signal READY.

LXC would notice on the device, once the image is built and flashed. A config overlay brings no program: its
files are 0644 there.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Optional

from .. import elf
from ..errors import FormatError
from ..layers import File, Tree
from ..manifests import ContainerSpec

SIGNALLER = "pvcontrol"
EXECUTABLE = 0o111
HINT = (
    "add it to the image, or correct Entrypoint, Cmd or PATH in Env (--config, PVR_CONFIG_JSON); "
    "what starts nothing has the status goal MOUNTED"
)


def check(spec: ContainerSpec, tree: Tree) -> None:
    """Raise FormatError where the first program cannot start: it, what runs it if it is a script, or the
    dynamic loader of that is neither in ``tree`` nor brought by a volume, or may not be executed.
    """
    program, role = spec.process.executable, ""
    for _ in range(elf.MAX_SCRIPTS if spec.runs else 0):
        places = _places(spec, program)
        found = _find(tree, places)
        if found is None:
            if _is_mounted(spec, places):
                return
            raise FormatError(f'{spec.name}: its root file system has no "{program}"{role}', hint=HINT)
        node = tree.find(found)
        if node is not None and not node.metadata.mode & EXECUTABLE:
            raise FormatError(
                f'{spec.name}: "{program}"{role} may not be executed', hint="run chmod +x where it is made"
            )
        runner = elf.runner(tree, found)
        if runner is None:
            return
        program, role = runner, f', which "{program}" is run by'


def missing(spec: ContainerSpec, tree: Tree) -> Iterator[str]:
    """What is run there later, and is not in ``tree``."""
    if not spec.runs:
        return
    if spec.health and not _has_program(spec, tree, spec.health.test[0]):
        yield (
            f"its root file system has no {spec.health.test[0]}, which its Healthcheck runs, "
            "so it is never healthy"
        )
    if spec.status_goal == "READY" and not spec.health and not _has_program(spec, tree, SIGNALLER):
        yield (
            f"its goal is READY, and it has neither a Healthcheck nor {SIGNALLER}, "
            "so its group waits in vain unless its program signals at the control socket itself"
        )


def _has_program(spec: ContainerSpec, tree: Tree, program: str) -> bool:
    """Whether a program is in ``tree``, or below what is mounted over it."""
    places = _places(spec, program)
    return _find(tree, places) is not None or _is_mounted(spec, places)


def _places(spec: ContainerSpec, program: str) -> list[str]:
    path = next((word[5:] for word in spec.process.environment if word.startswith("PATH=")), "")
    return elf.places(program, spec.process.folder, [place for place in path.split(":") if place])


def _find(tree: Tree, places: Sequence[str]) -> Optional[str]:
    return next((place for place in places if isinstance(tree.find(place), File)), None)


def _is_mounted(spec: ContainerSpec, places: Sequence[str]) -> bool:
    """Whether one of ``places`` is below what is mounted over the root file system."""
    targets = [volume.path for volume in spec.volumes]
    targets += [f"/{mount.target}" for mount in (*spec.images, *spec.files, *spec.config_volumes)]
    targets += [f"/{volume.target}" for volume in spec.volume_imports]
    wholes = [posixpath.join("/", place) for place in places]
    return any(f"{whole}/".startswith(f"{target.rstrip('/')}/") for whole in wholes for target in targets)
