# SPDX-License-Identifier: MIT
"""The registry client of a recipe."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import bb
from pantavisor.registry import Client, RegistryOptions

_ENVIRONMENT = (
    "HOME", "PATH", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "SSL_CERT_FILE", "http_proxy", "https_proxy",
    "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "all_proxy", "ALL_PROXY", "REQUEST_METHOD",
    "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
)  # fmt: skip


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
    environment["HOME"] = _users_home(environment.get("HOME", ""))
    if d.getVar("PVR_DOCKER_AUTHFILE"):
        changes["auth_file"] = Path(d.getVar("PVR_DOCKER_AUTHFILE"))
    return Client(RegistryOptions.from_variables(d.getVar, environment, **changes), note=bb.note)


def _users_home(home: str) -> str:
    """``home``, or the user's own where docker's file is only there: kas gives builds another HOME."""
    try:
        own = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # a container may run as a number without a name
        return home
    return next((each for each in (home, own) if os.path.exists(f"{each}/.docker/config.json")), home)
