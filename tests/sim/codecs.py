# SPDX-License-Identifier: MIT
"""A libsquashfs whose xz is that of another version: it says so, and its level 3 makes other bytes."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sim import tools

VERSION = "5.99.0"
_SOURCE = f"""
#include <dlfcn.h>
#include <stdint.h>

const char *lzma_version_string(void)
{{
	return "{VERSION}";
}}

unsigned char lzma_lzma_preset(void *options, uint32_t preset)
{{
	void *xz = dlopen("liblzma.so.5", RTLD_NOW);
	unsigned char (*real)(void *, uint32_t) = dlsym(xz, "lzma_lzma_preset");

	return real(options, preset == 3 ? 1 : preset);
}}
"""


def another_version(folder: Path) -> Path:
    """The library, linked to the real one, whose calls find these first; for a process of its own."""
    compiler = tools.need("cc", package="gcc")
    (folder / "another.c").write_text(_SOURCE)
    words = ["-shared", "-fPIC", "-o", folder / "libanother.so", folder / "another.c", "-Wl,--no-as-needed"]
    subprocess.run([compiler, *words, "-l:libsquashfs.so.1", "-ldl"], check=True)
    return folder / "libanother.so"
