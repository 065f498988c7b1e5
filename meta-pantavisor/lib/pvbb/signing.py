# SPDX-License-Identifier: MIT
"""What signs in a build: for each key its file, or a program, or its label on the token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Optional

MODULE, TOKEN, PIN_FILE = "PVS_PKCS11", "PVS_PKCS11_TOKEN", "PVS_PKCS11_PIN_FILE"
# They sign, or have it done.
TASKS = ("do_pvrexport", "do_pvroot", "do_boot_key", "do_efi_sign")


@dataclass(frozen=True)
class Kind:
    """The variables that name one key."""

    key: str
    certificate: str
    command: str
    label: str

    def is_elsewhere(self, d: Any) -> bool:
        """Whether the private key is behind a program or on the token, and not in a file."""
        return bool(d.getVar(self.command) or d.getVar(self.label))

    def is_named(self, d: Any) -> bool:
        return bool(self.is_elsewhere(d) or d.getVar(self.key))

    def job(self, d: Any) -> Optional[dict[str, Optional[str]]]:
        """What signs, as a job has it; None where no key is named."""
        if not self.is_named(d):
            return None
        elsewhere, label = self.is_elsewhere(d), d.getVar(self.label) or None
        return {
            "key": None if elsewhere else d.getVar(self.key),
            "x5c": d.getVar(self.certificate) if elsewhere or self is not BOOT else None,
            "command": d.getVar(self.command) or None,
            "module": d.getVar(MODULE) if label else None,
            "token": d.getVar(TOKEN) if label else None,
            "label": label,
        }

    def options(self, d: Any) -> list[str]:
        """The same for the command pvr."""
        names = {"module": "pkcs11"}
        job = self.job(d) or {}
        return [f"--{names.get(name, name)}={value}" for name, value in job.items() if value]


STATE = Kind("PVS_KEY", "PVS_X5C", "PVS_COMMAND", "PVS_PKCS11_LABEL")
BOOT = Kind("PVS_BOOT_KEY", "PVS_BOOT_CERT", "PVS_BOOT_COMMAND", "PVS_BOOT_LABEL")
EFI = Kind("PANTAVISOR_EFI_KEY", "PANTAVISOR_EFI_CERT", "PANTAVISOR_EFI_COMMAND", "PANTAVISOR_EFI_LABEL")
KINDS = (STATE, BOOT, EFI)


def is_elsewhere(d: Any) -> bool:
    """Whether any key is behind a program or on the token."""
    return any(kind.is_elsewhere(d) for kind in KINDS)


def files(d: Any) -> list[tuple[str, str]]:
    """Variable and path of each file that the recipe needs: those that PVS_FILES names, and of a key that
    is elsewhere its certificate.
    """
    names = (d.getVar("PVS_FILES") or "").split()
    for kind in KINDS:
        if kind.key in names and kind.is_elsewhere(d):
            names[names.index(kind.key)] = kind.certificate
    return [(name, path) for name in dict.fromkeys(names) if (path := d.getVar(name))]


def boot_checksums(d: Any) -> str:
    """The file that changes with the boot key, for file-checksums."""
    path = d.getVar(BOOT.certificate if BOOT.is_elsewhere(d) else BOOT.key)
    return f"{path}:True" if path and BOOT.is_named(d) else ""


def check(d: Any) -> None:
    """Skip the recipe where what signs is not named whole; let its tasks reach what is in a network."""
    for problem in _problems(d):
        raise bb.parse.SkipRecipe(f"{d.getVar('PN')}: {problem}")
    for task in TASKS:
        if is_elsewhere(d) and task in (d.getVar("__BBTASKS", False) or []):
            d.setVarFlag(task, "network", "1")


def _problems(d: Any) -> Iterator[str]:
    # One token may have any of the keys, and the others be files or behind programs.
    labels = [kind.label for kind in KINDS]
    if d.getVar(MODULE) and not any(map(d.getVar, labels)):
        yield f"{MODULE} alone does not name a key (hint: set {', '.join(labels[:-1])} or {labels[-1]})"
    if d.getVar(MODULE) and (missing := [name for name in (TOKEN, PIN_FILE) if not d.getVar(name)]):
        yield f"{MODULE} alone does not open a token (hint: set {' and '.join(missing)})"
    for kind in KINDS:
        if d.getVar(kind.label) and not d.getVar(MODULE):
            yield f"{kind.label} is on no token (hint: set {MODULE}, {TOKEN}, {PIN_FILE})"
        # The state key's file has a default, so it may be named next to the others.
        named = (kind.command, kind.label) if kind is STATE else (kind.key, kind.command, kind.label)
        ways = [name for name in named if d.getVar(name)]
        if len(ways) > 1:
            yield f"{' and '.join(ways)} are two ways to sign (hint: set one of them)"
        if ways and kind is EFI and not d.getVar(kind.certificate):
            yield f"{ways[0]} is set without its certificate (hint: set {kind.certificate})"
