# SPDX-License-Identifier: MIT
"""That curl reads no_proxy as the table in sim/proxies.py says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import urllib.parse

import pytest
from sim import tools
from sim.proxies import rows

PROXY = "http://127.0.0.2:9"
DIRECT = "127.0.0.9"
OLDEST = (7, 86)  # the first that reads networks
# Until 7.88, at least, curl divides at blanks; 8.14 divides at commas only, as Go does.
DIVIDES_AT_BLANKS, COMMAS_ONLY = (7, 88), (8, 14)


def _version() -> tuple[int, ...]:
    text = (
        subprocess.run(["curl", "--version"], capture_output=True, text=True).stdout
        if shutil.which("curl")
        else ""
    )
    found = re.match(r"curl ([0-9]+)\.([0-9]+)", text)
    return tuple(map(int, found.groups())) if found else (0,)


@pytest.fixture(scope="module", autouse=True)
def _curl() -> None:
    if _version() < OLDEST:
        tools.miss("curl 7.86 or later is not here")


@pytest.mark.parametrize(("url", "no_proxy", "go", "curl"), rows())
def test_curl_reads_the_table(url: str, no_proxy: str, go: bool, curl: bool) -> None:
    if " " in no_proxy and _version() > DIVIDES_AT_BLANKS:
        if _version() < COMMAS_ONLY:
            pytest.skip("it is not known how this curl divides no_proxy at blanks")
        curl = go
    parts = urllib.parse.urlsplit(url)
    port = parts.port or 443
    known = ["--resolve", f"{parts.hostname}:{port}:{DIRECT}"] if "example" in url else []
    argv = ["curl", "-sv", "--max-time", "1", *known, url]
    environment = {
        "PATH": os.environ["PATH"],
        "http_proxy": PROXY,
        "https_proxy": PROXY,
        "no_proxy": no_proxy,
    }
    said = subprocess.run(argv, env=environment, capture_output=True, text=True).stderr
    tried = re.search(r"Trying (\S+?):?[0-9]*\.\.\.", said)
    assert tried is not None, said
    assert ("127.0.0.2" not in tried[1]) == curl
