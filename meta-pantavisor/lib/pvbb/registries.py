# SPDX-License-Identifier: MIT
"""The registry client of a recipe."""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from pathlib import Path
from typing import Any

import bb
from pantavisor.registry import Client, RegistryOptions

_ENVIRONMENT = (
    "HOME", "PATH", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "SSL_CERT_FILE", "http_proxy", "https_proxy",
    "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "all_proxy", "ALL_PROXY", "REQUEST_METHOD",
    "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
)  # fmt: skip
# Docker's and podman's, below each home.
_FILES = (".docker/config.json", ".config/containers/auth.json")


def client(d: Any, **changes: Any) -> Client:
    """A registry client as the recipe's variables
    and the user's environment describe it, with ``changes``.
    """
    origin = d.getVar("BB_ORIGENV", False)
    environment = {}
    for name in _ENVIRONMENT:
        # The task's PATH and HOME are the build's; a credential helper and its files are the user's.
        value = (origin.getVar(name) if origin else None) or d.getVar(name) or os.environ.get(name)
        if value:
            environment[name] = value
    homes = _homes(environment.get("HOME", ""))
    environment["HOME"] = next(filter(_has_credentials, homes), homes[0])
    changes["other_files"] = tuple(Path(home, file) for home in homes for file in _FILES)
    if d.getVar("PVR_DOCKER_AUTHFILE"):
        changes["auth_file"] = Path(d.getVar("PVR_DOCKER_AUTHFILE"))
    return Client(RegistryOptions.from_variables(d.getVar, environment, **changes), note=bb.note)


def _homes(home: str) -> list[str]:
    """``home`` and the user's own, where that is another: kas gives builds a HOME of its own."""
    try:
        own = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # a container may run as a number without a name
        return [home]
    return list(dict.fromkeys((home, own)))


def _has_credentials(home: str) -> bool:
    """Whether docker's file there has more than the ``{}`` that kas writes."""
    with suppress(OSError):
        return os.stat(f"{home}/{_FILES[0]}").st_size > len("{}\n")
    return False
