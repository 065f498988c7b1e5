# SPDX-License-Identifier: MIT
"""Whether the values of variables are of those that exist, while a recipe is parsed: a task would notice
after all that comes before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pantavisor import manifests, names
from pantavisor.cache import byte_count
from pantavisor.errors import FormatError, PantavisorError
from pantavisor.manifests import members, resources

import pvbb.recipe

if TYPE_CHECKING:
    from typing import Any

FLAGS = ("PVR_VERITY", "PVR_CONFINED", "PVS_DEVELOPMENT_KEYS")
NUMBERS = ("PVR_SOURCE_DATE_EPOCH", "PVROOT_RELEASE", "PVROOT_SIZE")
CHOICES = {
    "PVR_STATUS_GOAL": members.GOALS,
    "PVR_RESTART_POLICY": members.RESTART_POLICIES,
    "PVR_ROLES": members.ROLES,
    "PVROOT_SBOM": ("spdx", "cyclonedx"),
}
LIMITS = {
    "PVR_MEMORY": resources.parse_memory,
    "PVR_CPUS": resources.parse_cpus,
    "PVR_PIDS": resources.parse_pids,
    "PVROOT_MEMORY": resources.parse_memory,
}
PROFILES = ("fast", "balanced", "small", "gzip", "xz", "lz4", "zstd")
MAX_DIGITS = 10


def check(d: Any) -> None:
    """Skip the recipe for the first wrong value, with the nearest right one."""
    for variable, judge in _JUDGES.items():
        value = (d.getVar(variable) or "").strip()
        if not value or "${" in value:
            continue
        try:
            judge(variable, value)
        except PantavisorError as error:
            message = error.message if variable in error.message else f"{variable}: {error.message}"
            pvbb.recipe.skip(d, message, error.hint or "correct it")


def _flag(variable: str, value: str) -> None:
    if value not in ("0", "1"):
        raise FormatError(f'{variable} is "{value}"', hint='use "1" for yes, "0" for no')


def _number(variable: str, value: str) -> None:
    if not (value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS):
        raise FormatError(f'{variable} is "{value}"', hint="use a number")


def _size(variable: str, value: str) -> None:
    byte_count(value)


def _words(variable: str, value: str) -> None:
    for word in value.split():
        members.check_word(word, CHOICES[variable], variable)


def _profile(variable: str, value: str) -> None:
    codec, colon, level = value.partition(":")
    if codec not in PROFILES:
        raise names.unknown(value, PROFILES, what=variable)
    if colon and not level.isdigit():
        raise FormatError(f'{variable} is "{value}"', hint=f'write a number, as in "{codec}:3"')


def _volumes(variable: str, value: str) -> None:
    for word in value.split():
        manifests.Volume.parse(word)


def _arguments(variable: str, value: str) -> None:
    for word in value.split():
        name, equals, _ = word.partition("=")
        if not equals:
            raise FormatError(f'{variable} has "{word}", which is not NAME=value', hint=f"write {name}=...")
        if name not in manifests.ARGUMENTS:
            raise names.unknown(name, manifests.ARGUMENTS, what=f"argument in {variable}:")


def _limit(variable: str, value: str) -> None:
    LIMITS[variable](value)


def _container(variable: str, value: str) -> None:
    names.check_container(value)


_JUDGES = {
    **dict.fromkeys(FLAGS, _flag),
    **dict.fromkeys(NUMBERS, _number),
    **dict.fromkeys(CHOICES, _words),
    **dict.fromkeys(LIMITS, _limit),
    "PVR_CACHE_SIZE": _size,
    "PVR_PROFILE": _profile,
    "PVR_VOLUMES": _volumes,
    "PVR_ARGS": _arguments,
    "PVR_CONTAINER": _container,
}
