# SPDX-License-Identifier: MIT
"""Images of all transports, opened for a command."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

from ... import layout, names, oci, registry
from ...container import Engine, sources
from ...errors import FormatError
from ...oci import Platform
from ...ref import ImageSource, Ref
from .. import epoch
from ..console import Console

PLACES = ("remote", "local")
FORMAT_OPTIONS = re.compile(r"-comp\s+([a-z0-9]+)(?:\s+-Xcompression-level\s+([0-9]+))?")
DEFAULT_LEVELS = {"gzip": "9", "xz": "6", "zstd": "15"}  # those of mksquashfs
LIBRARY_VARIABLE = "PVR_LIBSQUASHFS"


def engine(options: argparse.Namespace, console: Console, **changes: Any) -> Engine:
    """How to pack, from the options and the environment."""
    return Engine(
        profile=options.profile if options.format_options is None else _profile(options.format_options),
        libsquashfs=os.environ.get(LIBRARY_VARIABLE),
        mtime=epoch.seconds(),
        progress=console.progress,
        **changes,
    )


def source(text: str, place: Optional[str]) -> ImageSource:
    """The image that ``text`` means; ``place`` is said in the words of the published tool."""
    if place is not None:
        first = place.split(",")[0]
        for word in place.split(","):
            if word not in PLACES:
                raise names.unknown(word, PLACES, what="place of a source")
        if first == "local" and not text.startswith("docker://") and ImageSource.parse(text).ref is not None:
            return ImageSource.parse(f"docker-daemon:{text}")
    return ImageSource.parse(text)


def _profile(text: str) -> str:
    """The codec of options for mksquashfs; what else they say is not ours to follow."""
    found = FORMAT_OPTIONS.fullmatch(text.strip())
    if not found:
        raise FormatError(f'--format-options "{text[:80]}" says more than a codec and its level', hint="say --profile")
    codec, level = found.groups()
    return ":".join(filter(None, [codec, level or DEFAULT_LEVELS.get(codec)]))


def platform(text: Optional[str]) -> Platform:
    return Platform.parse(text) if text else _this_machine()


def remote_digest(source: ImageSource, wanted: Platform, options: argparse.Namespace) -> Optional[str]:
    """What ``docker_digest`` would be, without fetching layers; None for images that no registry has."""
    if source.ref is None:
        return None
    return sources.image_digest(source, str(_client(source.ref, options).resolve(source.ref, wanted).digest))


@contextmanager
def opened(
    source: ImageSource, wanted: Platform, folder: Path, options: argparse.Namespace, console: Console
) -> Iterator[layout.OciImage]:
    """The image, its blobs below ``folder`` for the time of the block."""
    if source.ref is None:
        with layout.open_source(source, wanted, scratch=folder) as image:
            yield image
        return
    _client(source.ref, options, console.warn).pull(
        source.ref,
        wanted,
        folder / "image",
        progress=lambda done, total: console.progress(str(source.ref), done, total),
    )
    with layout.open_image(folder / "image", wanted) as image:
        yield image


def _client(
    ref: Ref, options: argparse.Namespace, note: Optional[Callable[[str], None]] = None
) -> registry.Client:
    changes: dict[str, Any] = {
        "insecure": registry.parse_insecure([*options.insecure_registry, *_words("PVR_INSECURE_REGISTRIES")]),
        "mirrors": registry.parse_mirrors([*options.mirror, *_words("PVR_REGISTRY_MIRRORS")]),
    }
    if options.credentials:
        changes["credentials"] = {ref.host: options.credentials}
    if options.authfile:
        changes["auth_file"] = options.authfile
    return registry.Client(registry.RegistryOptions.from_environment(os.environ, **changes), note=note)


def _words(variable: str) -> list[str]:
    """What the environment says in the form of the BitBake variable of that name."""
    return os.environ.get(variable, "").split()


def _this_machine() -> Platform:
    found = oci.machine(os.uname().machine)
    if found is None:
        hint = "say --platform linux/<architecture>"
        raise FormatError(f"no image platform is known for {os.uname().machine}", hint=hint)
    return found
