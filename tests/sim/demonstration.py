# SPDX-License-Identifier: MIT
"""The demonstration images, as scripts/demo-images builds and serves them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sim import tools

PROJECT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 600


@contextmanager
def served(folder: Path) -> Iterator[dict[str, str]]:
    """Name of each image and where it is served, as skopeo writes it. ``folder`` is for one file."""
    if not any(map(tools.has, ("docker", "buildah"))):
        tools.miss("neither docker nor buildah is here")
    conf = folder / "auto.conf"
    words = [sys.executable, PROJECT / "scripts/demo-images", "--auto-conf", conf, "--"]
    # Says where they are when all is there, and goes on until its standard input ends.
    words += ["sh", "-c", "echo $DEMO_REGISTRY; cat >/dev/null"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        host = process.stdout.readline().strip()
        digests = re.findall(r'pn-demo-(\w+) = "(sha256:[0-9a-f]{64})"', conf.read_text())
        yield {name: f"docker://{host}/demo/{name}@{digest}" for name, digest in digests}
        process.stdin.close()
        assert process.wait(STOP_SECONDS) == 0


def copy(source: str, target: Path, architecture: str) -> None:
    """The image of one architecture, as an OCI layout."""
    choice = ("--override-os", "linux", "--override-arch", architecture)
    words = ("--insecure-policy", *choice, "copy", "--src-tls-verify=false", source, f"oci:{target}:1")
    tools.run("skopeo", *words)
