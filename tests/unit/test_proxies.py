# SPDX-License-Identifier: MIT
"""Proxy variables as Go and curl read them."""

from __future__ import annotations

import urllib.parse
from typing import Optional

import pytest
from pantavisor.http import HttpError, proxies
from sim.proxies import rows

PROXY = "http://proxy.example:3128"


def chosen(url: str, values: dict[str, str]) -> Optional[str]:
    parts = urllib.parse.urlsplit(url)
    found = proxies.choose(values, parts.scheme, parts.hostname or "", parts.port)
    return found and found.geturl()


@pytest.mark.parametrize(("url", "no_proxy", "go", "curl"), rows())
def test_what_go_or_curl_reach_directly_needs_no_proxy(
    url: str, no_proxy: str, go: bool, curl: bool
) -> None:
    found = chosen(url, {"http": PROXY, "https": PROXY, "no": no_proxy})
    assert found == (None if go or curl else PROXY)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "[::1]"])
def test_this_machine_is_never_asked_for_by_proxy(host: str) -> None:
    assert chosen(f"http://{host}:5000/", {"http": PROXY}) is None


ODD = ["[", "]", "[::1", "/", "x/y", "*.", ".", "a:99999", "::/x", "[fd00::]/8", "10.0.0.0/8/8", ":"]


@pytest.mark.parametrize("no_proxy", ODD)
def test_odd_entries_exempt_nothing(no_proxy: str) -> None:
    for url in ("http://r.example/", "http://10.1.2.3/", "http://[fd00::1]/"):
        assert chosen(url, {"http": PROXY, "no": no_proxy}) == PROXY


def test_a_trailing_dot_and_brackets_do_not_matter() -> None:
    assert proxies.is_exempt("r.example.", 443, "r.example") and proxies.is_exempt(
        "fd00::1", 443, "[fd00::1]"
    )
    assert proxies.is_exempt("a.r.example", 443, "*.r.example") and not proxies.is_exempt(
        "xr.example", 443, "*.r.example"
    )


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"http_proxy": "a", "https_proxy": "b", "no_proxy": "c"}, {"http": "a", "https": "b", "no": "c"}),
        ({"HTTP_PROXY": "a", "HTTPS_PROXY": "b", "NO_PROXY": "c"}, {"http": "a", "https": "b", "no": "c"}),
        ({"https_proxy": "a", "HTTPS_PROXY": "b"}, {"https": "a"}),
        ({"https_proxy": "", "HTTPS_PROXY": "b", "no_proxy": " "}, {"https": "b"}),
        ({"HTTP_PROXY": "a", "HTTPS_PROXY": "b", "REQUEST_METHOD": "GET"}, {"https": "b"}),
        ({"http_proxy": "a", "REQUEST_METHOD": "GET"}, {"http": "a"}),
        ({"all_proxy": "a", "https_proxy": "b"}, {"http": "a", "https": "b"}),
        ({"ALL_PROXY": "http://a"}, {"http": "http://a", "https": "http://a"}),
        ({"all_proxy": "socks5://a"}, {}),
        ({}, {}),
    ],
)
def test_variables_in_both_cases(environment: dict[str, str], expected: dict[str, str]) -> None:
    assert proxies.from_environment(environment) == expected


@pytest.mark.parametrize(
    "text", ["p.example:1", "http://p.example:1", "HTTP://p.example:1", "http://u:p%40@p.example:1/"]
)
def test_a_proxy_in_all_spellings(text: str) -> None:
    found = proxies.choose({"https": text}, "https", "r.example", None)
    assert found is not None and (found.hostname, found.port) == ("p.example", 1)


@pytest.mark.parametrize(
    "text",
    [
        "https://p.example",
        "socks5://p.example",
        "http://p.example:bad",
        "http://",
        "http://p:0",
        "http://[::1",
    ],
)
def test_a_proxy_of_another_kind_is_refused_by_its_variable(text: str) -> None:
    with pytest.raises(HttpError, match=r"not of the form http://host:port(.|\n)*https_proxy"):
        proxies.choose({"https": text}, "https", "r.example", None)
