# SPDX-License-Identifier: MIT
"""Headers that are almost right, read as GNU tar reads them where it reads them without a complaint."""

from __future__ import annotations

import io
import re
import subprocess
from typing import Optional

from pantavisor.errors import PantavisorError
from pantavisor.tar import HeaderReader
from sim.headers import mutated

LINE = re.compile(r"(\S)\S{9} \S+ +(\d+) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d (.*)")
PLAIN = re.compile(rb"[A-Za-z0-9_./]+")


def by_gnu_tar(data: bytes) -> Optional[tuple[str, int]]:
    """Name and size of the only file; None for a complaint and for what is not a file."""
    done = subprocess.run(
        ["tar", "--list", "--verbose", "--numeric-owner", "--utc", "--full-time", "-P", "--file=-"],
        input=data + bytes(512) + bytes(1024), capture_output=True, timeout=600,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
    )  # fmt: skip
    found = LINE.fullmatch(done.stdout.decode("latin-1").rstrip("\n"))
    return (
        (found[3], int(found[2]))
        if not done.returncode and not done.stderr and found and found[1] == "-"
        else None
    )


def test_gnu_tar_reads_the_same_names_and_sizes() -> None:
    compared = 0
    for data in mutated(500, seed=9):
        reader = HeaderReader(io.BytesIO(data).read, max_bytes=4096, what="x", count=lambda: None)
        try:
            found = reader.next()
        except PantavisorError:
            continue
        if (
            found is None
            or found.kind not in b"\x007" + b"0"
            or found.size > 512
            or not PLAIN.fullmatch(found.name)
        ):
            continue
        # A long name that is longer than its header says is read to its zero byte there.
        is_cut = data[156:157] == b"L" and data[512:].partition(b"\0")[0] != found.name
        other = None if is_cut else by_gnu_tar(data)
        if other is None:
            continue
        compared += 1
        assert other == (found.name.decode(), found.size), data
    assert compared > 150
