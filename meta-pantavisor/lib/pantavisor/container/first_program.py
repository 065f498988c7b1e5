# SPDX-License-Identifier: MIT
"""Commands of images that start, and do something else than their author thinks."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from ..manifests import ContainerSpec, SourceManifest

_SHELLS = frozenset(["sh", "bash", "ash", "dash", "zsh"])
_MAX_LOST = 5


def doubtful(spec: ContainerSpec, source: SourceManifest) -> Iterator[str]:
    """What of the container's command, and of the environment that it gets, is likely a mistake."""
    if not spec.runs:
        return
    yield from _shell(_words(spec.process.command))
    yield from _kept(spec)
    if lost := _lost(source.config.get("Env"), source.image_config.get("Env")):
        yield (
            f"its Env replaces the image's, so {', '.join(lost)} {'are' if len(lost) > 1 else 'is'} lost; "
            "add variables by --env (PV_LXC_EXTRA_ENV) instead"
        )


def _words(command: str) -> Sequence[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return ()


def _shell(words: Sequence[str]) -> Iterator[str]:
    if not words or posixpath.basename(words[0]) not in _SHELLS:
        return
    if len(words) == 1:
        yield f"its command is {words[0]} alone, a shell with nothing to run; name a command (Cmd)"
    elif words[1] == "-c" and len(words) > 3 and "$" not in words[2]:
        yield (
            f'its command gives "{words[3][:40]}" to the shell and not to "{words[2][:40]}"; '
            "write what follows -c as one word"
        )


def _kept(spec: ContainerSpec) -> Iterator[str]:
    """A permanent volume begins with what the first image has there, and no later image changes it."""
    program = posixpath.join("/", spec.process.executable)
    for volume in spec.volumes:
        if volume.persistence == "permanent" and not volume.overlay:
            if program.startswith(f"{volume.path.rstrip('/')}/"):
                yield (
                    f"its program {program} is in the permanent volume {volume.path}, "
                    "so no update changes it there; keep programs out of volumes"
                )


def _lost(ours: Any, images: Any) -> list[str]:
    if not isinstance(ours, (list, tuple)) or not isinstance(images, (list, tuple)):
        return []
    kept = {_name(item) for item in ours}
    return [name for name in map(_name, images) if name not in kept][:_MAX_LOST]


def _name(item: Any) -> str:
    return str(item).partition("=")[0][:60]
