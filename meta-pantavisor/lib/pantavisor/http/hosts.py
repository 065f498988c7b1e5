# SPDX-License-Identifier: MIT
"""host[:port] as people and URLs write it."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether host[:port] is this machine, which docker trusts without TLS."""
    name = host_name(host)
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def host_name(host: str) -> str:
    """host[:port] without the port and without an IPv6 address's brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
