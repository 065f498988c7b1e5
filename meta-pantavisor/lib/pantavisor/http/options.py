# SPDX-License-Identifier: MIT
"""How servers are reached: proxies, certificates and patience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional


@dataclass(frozen=True)
class HttpOptions:
    """Nothing here is read from the environment."""

    proxies: Mapping[str, str] = field(default_factory=dict)
    """http and https -> proxy URL; no -> hosts reached directly, as in no_proxy."""
    ca_file: Optional[Path] = None
    """Certificates to trust in place of the system's."""
    certificate_folders: tuple[Path, ...] = ()
    """In each a folder for each host[:port], with further certificates to trust, and ours."""
    timeout: float = 30.0
    """Seconds without a byte."""
    insecure_hint: str = ""
    """For hints: how the user declares that a host, which takes the place of {}, needs no TLS;
    empty where that cannot be.
    """
