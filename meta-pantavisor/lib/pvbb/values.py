# SPDX-License-Identifier: MIT
"""Whether the values of variables are of those that exist, while a recipe is parsed: a task would notice
after all that comes before it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pantavisor import manifests, names
from pantavisor.cache import byte_count
from pantavisor.errors import FormatError, PantavisorError
from pantavisor.manifests import members, resources

import pvbb.arguments
import pvbb.recipe

if TYPE_CHECKING:
    from typing import Any

FLAGS = (
    "PVR_VERITY", "PVR_CONFINED", "PVS_DEVELOPMENT_KEYS", "PANTAVISOR_SECUREBOOT_SET", "PANTAVISOR_STATIC",
)  # fmt: skip
NUMBERS = (
    "PVR_SOURCE_DATE_EPOCH", "PVROOT_RELEASE", "PVROOT_SIZE", "PANTAVISOR_LOG_LEVEL",
    "PANTAVISOR_STORAGE_WAIT",
)  # fmt: skip
CHOICES = {
    "PVR_STATUS_GOAL": members.GOALS,
    "PVR_RESTART_POLICY": members.RESTART_POLICIES,
    "PVR_ROLES": members.ROLES,
    "PVROOT_SBOM": ("spdx", "cyclonedx"),
    "PANTAVISOR_SECUREBOOT_MODE": ("strict", "lenient", "audit", "disabled"),
    "PANTAVISOR_BOOTLOADER": ("grub", "uboot"),
    "PANTAVISOR_UBOOT_NOTES": ("env", "fat"),
    "PANTAVISOR_UBOOT_COMMAND": ("booti", "bootz", "bootm"),
}
# Published loaders of which nothing is here, and why.
ABSENT_LOADERS = {
    "rpiab": "the firmware of a Raspberry Pi counts no failed boots, so a revision that panics would stay",
    "uboot-ab": "no slots of flash are written here",
    "uboot-pvk": "no slots of flash are written here",
}
SEVERAL = ("PVR_ROLES", "PVROOT_SBOM")  # of CHOICES, those that take more than one word
LIMITS = {
    "PVR_MEMORY": resources.parse_memory,
    "PVR_SWAP": resources.parse_swap,
    "PVR_CPUS": resources.parse_cpus,
    "PVR_PIDS": resources.parse_pids,
    "PVROOT_MEMORY": resources.parse_memory,
}
PROFILES = ("fast", "light", "balanced", "small", "gzip", "xz", "lz4", "zstd")
PLACES = (
    "PVS_KEY_DIR", "PVS_KEY", "PVS_X5C", "PVS_CA", "PVS_BOOT_KEY", "PVS_BOOT_CERT", "PVS_SIGNERS",
    "PVS_PKCS11_PIN_FILE", "PVR_DOCKER_AUTHFILE", "PVR_CACHE_DIR", "PANTAVISOR_EFI_KEY",
    "PANTAVISOR_EFI_CERT",
)  # fmt: skip
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
    _need_one_word(d)


def _need_one_word(d: Any) -> None:
    """Skip a recipe that has an argument twice, by its variable and in PVR_ARGS: one would be lost."""
    arguments = _pairs("PVR_ARGS", d.getVar("PVR_ARGS") or "")
    for variable, name in pvbb.arguments.VARIABLES.items():
        # BitBake 2.8 gives an empty weak default all the same.
        value = d.getVar(variable, noweakdefault=True)
        if value and name in arguments and value.split() != arguments[name].split(","):
            what = f'{variable} is "{value}", but PVR_ARGS has {name}={arguments[name]}'
            pvbb.recipe.skip(d, what, "keep one of them")


def _flag(variable: str, value: str) -> None:
    if value not in ("0", "1"):
        raise FormatError(f'{variable} is "{value}"', hint='use "1" for yes, "0" for no')


def _number(variable: str, value: str) -> None:
    if not (value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS):
        raise FormatError(f'{variable} is "{value}"', hint="use a number")


def _size(variable: str, value: str) -> None:
    byte_count(value)


def _words(variable: str, value: str) -> None:
    words = value.split()
    for word in words:
        members.check_word(word, CHOICES[variable], variable)
    if len(words) > 1 and variable not in SEVERAL:
        raise FormatError(f'{variable} is "{value}"', hint="keep one word")


def _loader(variable: str, value: str) -> None:
    if value in ABSENT_LOADERS:
        raise FormatError(
            f'{variable} is "{value}": {ABSENT_LOADERS[value]}',
            hint='use "uboot" (on a Raspberry Pi write RPI_USE_U_BOOT = "1")',
        )
    _words(variable, value)


def _profile(variable: str, value: str) -> None:
    codec, colon, level = value.partition(":")
    if codec not in PROFILES:
        raise names.unknown(value, PROFILES, what=variable)
    if colon and not level.isdigit():
        raise FormatError(f'{variable} is "{value}"', hint=f'write a number, as in "{codec}:3"')


def _volumes(variable: str, value: str) -> None:
    manifests.persistence(value.split())


def _arguments(variable: str, value: str) -> None:
    for name in _pairs(variable, value):
        if name not in manifests.ARGUMENTS:
            raise names.unknown(name, manifests.ARGUMENTS, what=f"argument in {variable}:")


def _limit(variable: str, value: str) -> None:
    LIMITS[variable](value)


def _pairs(variable: str, value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in value.split():
        name, equals, text = word.partition("=")
        if not equals:
            raise FormatError(f'{variable} has "{word}", which is not NAME=value', hint=f"write {name}=...")
        if found.setdefault(name, text) != text:
            raise FormatError(
                f"{variable} has {name} twice, as {found[name]} and as {text}", hint="keep one of them"
            )
    return found


def _place(variable: str, value: str) -> None:
    if not os.path.isabs(value):
        hint = f'write {variable} = "${{TOPDIR}}/{value}", or where else it is'
        raise FormatError(f'{variable} is "{value}", which is not an absolute path', hint=hint)


def _container(variable: str, value: str) -> None:
    names.check_container(value)


_JUDGES = {
    **dict.fromkeys(FLAGS, _flag),
    **dict.fromkeys(NUMBERS, _number),
    **dict.fromkeys(CHOICES, _words),
    "PANTAVISOR_BOOTLOADER": _loader,
    **dict.fromkeys(LIMITS, _limit),
    "PVR_CACHE_SIZE": _size,
    **dict.fromkeys(PLACES, _place),
    "PVR_PROFILE": _profile,
    "PVR_VOLUMES": _volumes,
    "PVR_ARGS": _arguments,
    "PVR_CONTAINER": _container,
}
