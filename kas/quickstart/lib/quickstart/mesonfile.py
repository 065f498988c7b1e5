# SPDX-License-Identifier: MIT
"""The cross file of meson.bbclass: https://mesonbuild.com/Cross-compilation.html."""

from __future__ import annotations

import os
from typing import Any

TOOLS = {
    "c": "CC",
    "cpp": "CXX",
    "ar": "AR",
    "nm": "NM",
    "objcopy": "OBJCOPY",
    "strip": "STRIP",
    "readelf": "READELF",
}
FLAGS = {"c_args": "CFLAGS", "cpp_args": "CXXFLAGS", "c_link_args": "LDFLAGS", "cpp_link_args": "LDFLAGS"}
FAMILIES = {"i586": "x86", "i686": "x86", "armv7a": "arm", "powerpc64le": "ppc64"}


def below(d: Any, variable: str) -> str:
    """A directory's path from prefix, as meson wants it."""
    return str(os.path.relpath(d.getVar(variable), d.getVar("prefix")))


def write(d: Any) -> None:
    """MESON_CROSS_FILE describes the target's compiler, flags and sysroot."""
    with open(d.getVar("MESON_CROSS_FILE"), "w", encoding="utf-8") as stream:
        stream.write(render(d))


def render(d: Any) -> str:
    """The file's text."""
    arch = d.getVar("HOST_ARCH")
    binaries = {name: d.getVar(tool).split() for name, tool in TOOLS.items()}
    machine = {"system": "linux", "cpu_family": FAMILIES.get(arch, arch), "cpu": arch, "endian": "little"}
    properties = {
        "needs_exe_wrapper": True,
        "sys_root": d.getVar("PKG_CONFIG_SYSROOT_DIR"),
        "pkg_config_libdir": d.getVar("PKG_CONFIG_PATH").split(":"),
    }
    sections = {
        "binaries": {**binaries, "pkgconfig": "pkg-config", "pkg-config": "pkg-config"},
        "built-in options": {name: d.getVar(flags).split() for name, flags in FLAGS.items()},
        "properties": properties,
        "host_machine": machine,
    }
    return "\n".join(f"[{name}]\n{_entries(values)}" for name, values in sections.items())


def _entries(values: Any) -> str:
    return "".join(f"{name} = {_text(value)}\n" for name, value in values.items())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_text(item) for item in value) + "]"
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
