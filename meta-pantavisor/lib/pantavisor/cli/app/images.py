# SPDX-License-Identifier: MIT
"""What the options give of an image: where it is, how its registry is reached, how it is packed."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Any, Optional

from ... import names
from ...errors import FormatError
from ...ref import ImageSource
from ...registry import RegistryOptions

PLACES = ("remote", "local")
FORMAT_OPTIONS = re.compile(r"-comp\s+([a-z0-9]+)(?:\s+-Xcompression-level\s+([0-9]+))?")
DEFAULT_LEVELS = {"gzip": "9", "xz": "6", "zstd": "15"}  # those of mksquashfs


def source(text: str, place: Optional[str]) -> ImageSource:
    """The image that ``text`` means; ``place`` is a word of the published tool."""
    try:
        return _placed(text, place)
    except FormatError as error:
        if not text:
            raise FormatError(
                "--from names no source", hint="name an image such as docker.io/nginx:stable"
            ) from error
        if text.startswith((".", "/")) or Path(text).exists():
            hint = "use --type rootfs, or oci:, or docker-archive:"
            raise FormatError(f"{text} is a path and not an image", hint=hint) from error
        raise


def _placed(text: str, place: Optional[str]) -> ImageSource:
    if place is not None:
        first = place.split(",")[0]
        for word in place.split(","):
            if word not in PLACES:
                raise names.unknown(word, PLACES, what="place of a source")
        if (
            first == "local"
            and not text.startswith("docker://")
            and ImageSource.parse(text).ref is not None
        ):
            return ImageSource.parse(f"docker-daemon:{text}")
    return ImageSource.parse(text)


def profile(text: str) -> str:
    """The codec of options for mksquashfs; the rest of them is not ours to follow."""
    found = FORMAT_OPTIONS.fullmatch(text.strip())
    if not found:
        raise FormatError(
            f'--format-options "{text[:80]}" has more than a codec and its level', hint="use --profile"
        )
    codec, level = found.groups()
    return ":".join(filter(None, [codec, level or DEFAULT_LEVELS.get(codec)]))


def registry_options(options: argparse.Namespace) -> RegistryOptions:
    """From the options and the environment, whose variables are called as those of recipes."""
    changes: dict[str, Any] = {"auth_file": options.authfile} if options.authfile else {}
    return RegistryOptions.from_variables(
        os.environ.get, os.environ, insecure=options.insecure_registry, mirrors=options.mirror, **changes
    )
