# SPDX-License-Identifier: MIT
"""Whom a server's certificate must come from, and who we are to it, as docker and podman keep that for each
host.

A folder such as /etc/docker/certs.d has one for each host[:port], and in it ``*.crt`` (CAs, in addition to
the system's) and pairs of ``*.cert`` and ``*.key`` (of ours).
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Optional

from ..names import MAX_PATH_BYTES
from .errors import HttpError
from .options import HttpOptions

MAX_FILES = 64  # of one host


class Certificates:
    """One TLS context for each host, made when it is first asked."""

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        # Those of the system take 20 ms to read, and a registry on the loopback interface needs none.
        self._general = _context(options.ca_file) if options.ca_file else None
        self._known: dict[str, ssl.SSLContext] = {}

    def context(self, host: str, port: Optional[int]) -> ssl.SSLContext:
        """For ``host`` as a URL has it. Raises HttpError for files that cannot be read."""
        name = f"[{host}]" if ":" in host else host
        names = [f"{name}:{port or 443}"] if port not in (None, 443) else [name, f"{name}:443"]
        key = names[0]
        if key not in self._known:
            self._known[key] = self._made(names)
        return self._known[key]

    def _made(self, names: list[str]) -> ssl.SSLContext:
        folders = [folder / name for folder in self._options.certificate_folders for name in names]
        files = [path for folder in folders for path in _files(folder)]
        if not files:
            self._general = self._general or _context(None)
            return self._general
        context = _context(self._options.ca_file)
        for path in files:
            try:
                if path.suffix == ".crt":
                    context.load_verify_locations(path)
                elif path.suffix == ".cert":
                    context.load_cert_chain(path, path.with_suffix(".key"))
            except (OSError, ssl.SSLError) as error:
                raise HttpError(f"the certificate {path} cannot be used: {error}") from error
        return context


def _files(folder: Path) -> list[Path]:
    if len(os.fsencode(folder)) > MAX_PATH_BYTES:
        return []
    try:
        return sorted(path for path in folder.iterdir() if path.suffix in (".crt", ".cert"))[:MAX_FILES]
    except OSError:
        return []  # missing, or not for us


def _context(ca_file: Optional[Path]) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise HttpError(f"the certificates in {ca_file} cannot be read: {error}") from error
