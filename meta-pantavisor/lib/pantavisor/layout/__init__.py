# SPDX-License-Identifier: MIT
"""Images at rest: OCI image layout directories, their tars (oci-archive), what ``docker save`` writes
(docker-archive).

    with layout.open_image(path, Platform.parse("linux/amd64")) as image:
        for layer in image.layers:
            with layer.open() as stream: ...

    open         where an image rests, and how it is opened
    directory archive daemon  the three places
    image        the opened image
    write        an image laid down as a directory
    tarindex     where the files of a tar lie

Every blob is checked for digest and size while it is read, but a layer whose reader verifies what it
unpacks to. A layer is handed out as it is stored, compressed. Which of several images is meant is decided
by name and strictly by platform. An archive of ``docker save`` has no manifest, so one is made from its
parts: the same archive always gives the same ``manifest_digest``.

Source of the formats: OCI image-spec 1.1 "image-layout"; the tar of the Docker Engine API's
``/images/get``.
"""

from __future__ import annotations

from .image import LayerBlob, OciImage
from .open import open_daemon_image, open_image, open_source
from .write import Place, write

__all__ = ["LayerBlob", "OciImage", "Place", "open_daemon_image", "open_image", "open_source", "write"]
