# SPDX-License-Identifier: MIT
"""Images of all transports, opened for a request."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Optional

from .. import layout, oci, registry
from ..container import rootfs
from ..errors import FormatError, PantavisorError
from ..manifests import SourceManifest
from ..oci import Platform
from ..ref import ImageSource, Ref
from ..registry import Credentials
from .request import AppRequest, Source


def _this_machine() -> Platform:
    """The platform of images that run here. Raises FormatError where none is known."""
    found = oci.machine(os.uname().machine)
    if found is None:
        hint = "use --platform linux/<architecture>"
        raise FormatError(f"no image platform is known for {os.uname().machine}", hint=hint)
    return found


def platform(asked: Optional[Platform], old: Optional[SourceManifest]) -> Platform:
    """The one asked for, else the recorded one, else this machine's. Raises FormatError."""
    if asked is None and old is not None and old.docker_platform:
        return Platform.parse(old.docker_platform)
    return asked or _this_machine()


def check_credentials(source: Source, credentials: Optional[Credentials]) -> None:
    """Raise PantavisorError for credentials that no registry would get."""
    if credentials is not None and not (isinstance(source, ImageSource) and source.ref):
        raise PantavisorError("the source is not in a registry", hint="leave out --username")


def remote_digest(source: ImageSource, wanted: Platform, request: AppRequest) -> Optional[str]:
    """What ``docker_digest`` would be, without fetching layers; None for images that no registry has."""
    if source.ref is None:
        return None
    client = registry.Client(_options(source.ref, request))
    return rootfs.image_digest(source, str(client.resolve(source.ref, wanted).digest))


@contextmanager
def opened(
    source: ImageSource, wanted: Platform, folder: Path, request: AppRequest
) -> Iterator[layout.OciImage]:
    """The image, its blobs below ``folder`` for the time of the block."""
    ref, notify = source.ref, request.notify
    if ref is None:
        with layout.open_source(source, wanted, scratch=folder) as image:
            yield image
        return
    registry.Client(_options(ref, request), note=notify.warn).pull(
        ref,
        wanted,
        folder / "image",
        progress=lambda done, total: notify.progress(str(ref), done, total),
    )
    with layout.open_image(folder / "image", wanted) as image:
        yield image


def _options(ref: Ref, request: AppRequest) -> registry.RegistryOptions:
    if request.credentials is None:
        return request.registry
    return replace(
        request.registry, credentials={**request.registry.credentials, ref.host: request.credentials}
    )
