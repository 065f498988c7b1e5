# SPDX-License-Identifier: MIT
"""Where a server may send us: not to this machine nor to its link, unless it is on it itself.

A redirect or a token realm is not trusted. By one to 127.0.0.1 or to a cloud's 169.254.169.254 it
could have us ask services that only trust this machine, and get what they answer as a token. Names are
judged by their spelling and, as they are connected to, by what they resolve to.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any, Optional

from .errors import AccessDenied
from .hosts import host_name

HINT = "use a server in the network: only one that is local itself may do so"
Connect = Callable[..., socket.socket]


def is_local(host: str) -> bool:
    """Whether host[:port] is spelled as this machine or its link. Of numbers every spelling counts that
    connects.
    """
    bare = (
        host if host.count(":") > 1 and not host.startswith("[") else host_name(host)
    )  # IPv6, as a parsed URL has it
    name = bare.rstrip(".").partition("%")[0].lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return is_local_address(name)
    except ValueError:
        pass
    try:
        # 127.1 and 0x7f000001 too, as the resolver reads them.
        return is_local_address(socket.inet_ntoa(socket.inet_aton(name)))
    except (OSError, ValueError):
        return False


def is_local_address(text: str) -> bool:
    """The same for an IP address. Raises ValueError for anything else."""
    address = ipaddress.ip_address(text.partition("%")[0])
    inner = getattr(address, "ipv4_mapped", None) or address
    return bool(inner.is_loopback or inner.is_link_local or inner.is_unspecified)


def check(host: str, sender: str) -> None:
    """Raise AccessDenied where ``sender``, a host[:port], must not send us to ``host``."""
    if is_local(host) and not is_local(sender):
        raise _denied(host, sender)


def connector(sender: str) -> Connect:
    """What connects to a host that ``sender`` named, in place of socket.create_connection;
    it raises AccessDenied.
    """

    def connect(
        address: tuple[str, int], timeout: Any = None, source: Optional[Any] = None
    ) -> socket.socket:
        host, port = address
        places = _addresses(host, port)
        if any(map(is_local_address, places)) and not _resolves_to_local(sender):
            raise _denied(host, sender)
        for place in places[:-1]:
            try:
                return socket.create_connection((place, port), timeout, source)
            except OSError:
                continue  # the last one's failure is reported
        return socket.create_connection((places[-1], port), timeout, source)

    return connect


def _addresses(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)]


def _resolves_to_local(sender: str) -> bool:
    """Whether a server is local, if only by what its name resolves to."""
    try:
        return is_local(sender) or all(map(is_local_address, _addresses(host_name(sender), 0)))
    except OSError:
        return False


def _denied(host: str, sender: str) -> AccessDenied:
    return AccessDenied(f"{sender} refers to {host}, which is this machine or its link", hint=HINT)
