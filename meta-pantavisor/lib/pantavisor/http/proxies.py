# SPDX-License-Identifier: MIT
"""Which proxy a request goes through, by the variables http_proxy, https_proxy, all_proxy and no_proxy.

Programs read them differently. Where Go (docker, skopeo) and curl agree this does the same; a host that
no_proxy exempts for one of them is exempt here. Lower case comes first, as in curl. An entry of no_proxy,
between commas or blanks, is ``*``, a domain with all below it, or an address or network (10.0.0.0/8,
fd00::/8), each but a network with ``:port`` where one port is meant. Loopback needs no entry. Names are not
looked up to compare them with addresses.
"""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
from collections.abc import Mapping
from typing import Optional, Union

from .errors import HttpError

DEFAULT_PORT = 80  # as in Go; curl takes 1080
_PORTS = {"http": 80, "https": 443}
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


def from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables as ``http``, ``https`` and ``no``, as far as they are set."""

    def look_up(name: str) -> str:
        # A web server's program gets the header "Proxy:" of a client as HTTP_PROXY.
        upper = (
            ""
            if name == "http_proxy" and environment.get("REQUEST_METHOD")
            else environment.get(name.upper(), "")
        )
        return environment.get(name, "").strip() or upper.strip()

    general = look_up("all_proxy")
    if general.lower().startswith("socks"):
        general = ""  # curl's alone
    named = {
        "http": look_up("http_proxy") or general,
        "https": look_up("https_proxy") or general,
        "no": look_up("no_proxy"),
    }
    return {scheme: value for scheme, value in named.items() if value}


def choose(
    proxies: Mapping[str, str], scheme: str, host: str, port: Optional[int]
) -> Optional[urllib.parse.SplitResult]:
    """The proxy for a URL, with host name and port; None for none. Raises HttpError for one that is not a
    web address.
    """
    text = proxies.get(scheme)
    if not text or is_exempt(host, port or _PORTS[scheme], proxies.get("no", "")):
        return None
    proxy = urllib.parse.urlsplit("")
    try:
        proxy = urllib.parse.urlsplit(text if "://" in text else f"http://{text}")
        good = proxy.scheme == "http" and bool(proxy.hostname) and proxy.port != 0
    except ValueError:
        good = False
    if not good:
        raise HttpError(
            f"the {scheme} proxy is not of the form http://host:port",
            hint=f"correct the variable {scheme}_proxy",
        )
    return proxy


def is_exempt(host: str, port: int, no_proxy: str) -> bool:
    """Whether no_proxy, or that it is this machine, lets a host be reached directly."""
    name = host.lower().rstrip(".")
    address = _address(name)
    if name == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(
        _exempts(word.lower(), name, address, port) for word in re.split(r"[\s,]+", no_proxy) if word
    )


def _exempts(word: str, name: str, address: Optional[Address], port: int) -> bool:
    if word == "*":
        return True
    if "/" in word:
        return address is not None and _holds(word, address)
    bare, only = _split_port(word)
    if only is not None and only != port:
        return False
    if address is not None:
        return _address(bare) == address
    bare = bare.lstrip("*").strip(".")
    return bool(bare) and (name == bare or name.endswith(f".{bare}"))


def _split_port(word: str) -> tuple[str, Optional[int]]:
    """An entry without brackets, and its port."""
    found = re.fullmatch(
        r"\[(?P<inner>[^]]*)\](:(?P<inner_port>[0-9]{1,5}))?|(?P<bare>[^:]*)(:(?P<port>[0-9]{0,5}))?", word
    )
    if found is None:
        return word, None  # an IPv6 address without brackets
    port = found["inner_port"] or found["port"]
    return found["inner"] or found["bare"] or "", int(port) if port else None


def _address(text: str) -> Optional[Address]:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _holds(network: str, address: Address) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
