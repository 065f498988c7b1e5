# SPDX-License-Identifier: MIT
"""How a container is reached: an address of a pool of device.json, or a network that LXC makes."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Optional

from .. import names
from ..errors import FormatError
from .members import NETWORKS, check_word

_HOSTNAME = re.compile(r"(?=.{1,63}$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
LINK = re.compile(r"[^\s/:]{1,15}")


@dataclass(frozen=True)
class Network:
    """Membership in a pool. Without ``hostname`` it is the container's name,
    without ``ip`` the pool chooses.
    """

    pool: str
    hostname: Optional[str] = None
    ip: Optional[str] = None
    mac: Optional[str] = None

    def __post_init__(self) -> None:
        if not self.pool:
            raise FormatError(
                "a hostname, ip or mac needs the network pool that it is for",
                hint="name it: PV_NETWORK_POOL",
            )
        names.check_container(self.pool)
        if self.hostname and not _HOSTNAME.fullmatch(self.hostname):
            raise FormatError(
                f'"{self.hostname[:80]}" is not a hostname',
                hint="use letters, digits, dots and dashes, at most 63",
            )
        if self.ip:
            check_address(self.ip)
        if self.mac and not _MAC.fullmatch(self.mac):
            raise FormatError(
                f'"{self.mac[:80]}" is not a MAC address',
                hint="write six pairs of hex digits, as 02:00:00:00:00:01",
            )
        if self.mac and int(self.mac[:2], 16) & 1:
            raise FormatError(
                f'MAC address "{self.mac}" is that of a group', hint="make the first pair even, as 02"
            )

    def document(self, container: str) -> dict[str, str]:
        """The member ``network`` of run.json."""
        members = {
            "pool": self.pool,
            "hostname": self.hostname or container,
            "ip": self.ip,
            "mac": self.mac,
        }
        return {member: value for member, value in members.items() if value}


@dataclass(frozen=True)
class LxcNetwork:
    """The rows ``lxc.net.0``. ``link`` is for phys, ``address`` and ``gateway`` (or ``auto``) for veth."""

    type: Optional[str] = None
    link: Optional[str] = None
    address: Optional[str] = None
    gateway: Optional[str] = None

    def __post_init__(self) -> None:
        if self.type:
            check_word(self.type, NETWORKS, "network type")
        if self.type == "phys" and not self.link:
            raise FormatError(
                "network type phys needs the link that is given to the container",
                hint="set PV_LXC_NETWORK_LINK",
            )
        if self.link and not LINK.fullmatch(self.link):
            raise FormatError(f'"{self.link[:80]}" cannot be the name of a network link')
        # LXC takes a broadcast address after a blank.
        for index, word in enumerate((self.address or "").split(" ") if self.address else ()):
            check_address(word, prefix=index == 0)
        if self.gateway and self.gateway not in ("auto", "dev"):
            check_address(self.gateway)

    @property
    def is_own(self) -> bool:
        """Whether the container has a network of its own, made by LXC."""
        return self.type in ("empty", "phys", "veth")

    @property
    def is_shared(self) -> bool:
        return self.type in (None, "host")

    @property
    def idle(self) -> tuple[str, ...]:
        """What is given and not used with this type."""
        users = {"link": "phys", "address": "veth", "gateway": "veth"}
        return tuple(
            member for member, user in users.items() if getattr(self, member) and self.type != user
        )


def check_address(text: str, *, prefix: bool = False) -> None:
    """Raise FormatError unless ``text`` is an IP address,
    with ``prefix`` perhaps followed by its length.
    """
    try:
        ipaddress.ip_interface(text) if prefix else ipaddress.ip_address(text)
    except ValueError:
        hint = (
            "write one such as 10.0.3.2/24"
            if prefix
            else "write one such as 10.0.3.2, without a prefix length"
        )
        raise FormatError(f'"{text[:80]}" is not an IP address', hint=hint) from None
