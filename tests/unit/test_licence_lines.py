# SPDX-License-Identifier: MIT
"""Every source file names its licence in one of its first three lines, in the words of SPDX."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PLACES = [".ci", "kas", "meta-pantavisor", "scripts", "tests"]
# Inputs that tests bend, what images are made of, and what is fetched.
DATA = {
    PROJECT / name
    for name in ("tests/vectors", "tests/fuzz/corpus", "kas/quickstart/demo", "kas/quickstart/bitbake/lib")
}
SUFFIXES = {".py", ".sh", ".bb", ".bbappend", ".bbclass", ".inc", ".conf", ".yml", ".c", ".h", ".cfg"}
NAMES = {"meson.build", "meson_options.txt"}
LINE = re.compile(
    r"^(# SPDX-License-Identifier: (MIT|GPL-2\.0-only)|/\* SPDX-License-Identifier: MIT \*/)$", re.MULTILINE
)


def sources() -> Iterator[Path]:
    for place in PLACES:
        for folder, folders, files in os.walk(PROJECT / place):
            here = Path(folder)
            folders[:] = [
                name
                for name in folders
                if here / name not in DATA and name not in ("__pycache__", "vectors")
            ]
            yield from (here / name for name in sorted(files) if is_source(here / name))


def is_source(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as stream:
        return path.suffix in SUFFIXES or path.name in NAMES or stream.read(2) == b"#!"


def test_every_source_file_names_its_licence() -> None:
    found = list(sources())
    assert len(found) > 400
    bare = [path for path in found if not LINE.search("\n".join(path.read_text().splitlines()[:3]))]
    assert not bare, f"without an SPDX line: {', '.join(str(path.relative_to(PROJECT)) for path in bare)}"


@pytest.mark.parametrize("text", ["", "#!/bin/sh\nset -eu\n", "# SPDX-License-Identifier: Apache-2.0\n"])
def test_other_lines_do_not_count(text: str) -> None:
    assert not LINE.search(text)
