# SPDX-License-Identifier: MIT
"""Pull images from registries that speak the Registry HTTP API v2 (OCI distribution-spec 1.1, Docker Hub
included).

    client = Client(RegistryOptions.from_environment(os.environ))
    digest = client.pull(Ref.parse("nginx:1.27"), Platform.parse("linux/arm64"), Path("nginx"))

    client       Client: what a reference means on a registry, and its image
    session      requests for one repository, with patience
    auth credentials  what a challenge is answered with
    manifest download  documents and blobs, held against their digests
    options      hosts, mirrors, credentials, patience
    errors       what can go wrong

A registry is not trusted: every byte is checked against a digest while it arrives, every size and count is
bounded, credentials go to the host they belong to and nowhere else. A broken download is resumed; after an
error nothing half-written is left. One failure is one error, with a hint.
"""

from __future__ import annotations

from ..http import AccessDenied, HttpError, Unreachable
from .client import Client, Resolved
from .errors import ImageNotFound, RateLimited, RegistryError
from .manifest import Document
from .options import Credentials, RegistryOptions, parse_insecure, parse_mirrors

__all__ = [
    "AccessDenied",
    "Client",
    "Credentials",
    "Document",
    "HttpError",
    "ImageNotFound",
    "RateLimited",
    "RegistryError",
    "RegistryOptions",
    "Resolved",
    "Unreachable",
    "parse_insecure",
    "parse_mirrors",
]
