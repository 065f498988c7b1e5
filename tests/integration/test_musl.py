# SPDX-License-Identifier: MIT
"""The runtime with the headers of musl, which has fewer functions than glibc: distributions of
TCLIBC = "musl" build it as well.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from sim import tools

RUNTIME = Path(__file__).resolve().parents[2] / "meta-pantavisor/recipes-pv/pantavisor/pantavisor"
# What musl has no headers for: the kernel's, LXC's, mbed TLS's and zlib's. All others are glibc's.
HEADERS = ("linux", "asm", "asm-generic", "mtd", "lxc", "mbedtls", "psa", "zlib.h", "zconf.h")
FOLDERS = ("src", "pv-sdk", "pvcontrol")
SOURCES = sorted(path for folder in FOLDERS for path in (RUNTIME / folder).glob("*.c"))


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The compiler, with HEADERS."""
    tools.need("musl-gcc", package="musl-tools")
    triplet = subprocess.run(["gcc", "-print-multiarch"], check=True, capture_output=True, text=True)
    places = (Path("/usr/include"), Path("/usr/include") / triplet.stdout.strip())
    after = tmp_path_factory.mktemp("headers")
    for name in HEADERS:
        for place in places:
            if (place / name).exists():
                (after / name).symlink_to(place / name)
    words = ("-std=c17", "-D_GNU_SOURCE", '-DPV_VERSION="1"', "-Wall", "-Wextra", "-Werror")
    return ["musl-gcc", "-fsyntax-only", *words, f"-I{RUNTIME / 'src'}", "-idirafter", str(after)]


def test_every_source_compiles(command: list[str]) -> None:
    done = subprocess.run([*command, *map(str, SOURCES)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert len(SOURCES) > 100


def test_a_function_that_musl_lacks_is_found(command: list[str], tmp_path: Path) -> None:
    source = tmp_path / "source.c"
    source.write_text("#include <stdlib.h>\nint main(void)\n{\n\treturn qsort_of_nowhere();\n}\n")
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, timeout=600)
    assert "qsort_of_nowhere" in done.stderr and done.returncode
