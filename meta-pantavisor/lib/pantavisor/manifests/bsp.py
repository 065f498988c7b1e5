# SPDX-License-Identifier: MIT
"""bsp/run.json: what a board boots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .. import names
from ..errors import FormatError
from .verity import file_of

MEMBERS = ("linux", "initrd", "fdt", "fit", "rpiab", "modules", "firmware")
MAX_ADDONS = 64


@dataclass(frozen=True)
class BspSpec:
    """File names inside ``bsp/``. Either ``fit``, or ``rpiab``, or ``linux`` with ``initrd``.

    ``modules`` and ``firmware`` are file system images,
    mounted where they belong, by dm-verity with ``dm:`` before.
    """

    linux: Optional[str] = None
    initrd: Optional[str] = None
    fdt: Optional[str] = None
    fit: Optional[str] = None
    rpiab: Optional[str] = None
    modules: Optional[str] = None
    firmware: Optional[str] = None
    addons: tuple[str, ...] = ()
    initrd_config: str = ""

    @classmethod
    def parse(cls, document: Mapping[str, Any], *, what: str = "bsp/run.json") -> BspSpec:
        """Read a document; errors name the member.
        ``modules_<release>`` counts as modules where that is absent.

        Raises FormatError.
        """
        known = (*MEMBERS, "addons", "initrd_config")
        values: dict[str, Any] = {}
        for member, value in sorted(document.items()):
            name = "modules" if member.startswith("modules_") else member
            if name not in known:
                raise names.unknown(member, known, what=f"member of {what}:")
            wanted = list if member == "addons" else str
            if (
                not isinstance(value, wanted)
                or (wanted is list and not all(isinstance(item, str) for item in value))
            ):  # fmt: skip
                raise FormatError(
                    f"{what}: {member} is not a {'list of strings' if wanted is list else 'string'}"
                )
            values.setdefault(name, tuple(value) if isinstance(value, list) else value)
        spec = cls(**values)
        bsp_run_manifest(spec)
        return spec

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of a state that it names."""
        found = [*(getattr(self, member) for member in MEMBERS), *self.addons]
        return tuple(f"bsp/{file_of(name)}" for name in found if name)


def bsp_run_manifest(spec: BspSpec) -> dict[str, Any]:
    """The document of ``bsp/run.json``: only files that there are. Raises FormatError."""
    kinds = [
        spec.fit is not None,
        spec.rpiab is not None,
        spec.linux is not None and spec.initrd is not None,
    ]
    if sum(kinds) != 1:
        raise FormatError("a bsp has either fit, or rpiab, or linux with initrd")
    if len(spec.addons) > MAX_ADDONS:
        raise FormatError(f"a bsp has at most {MAX_ADDONS} addons")
    for path in spec.files:
        names.check_path(path, what="file of the bsp")
    run: dict[str, Any] = {"addons": list(spec.addons), "initrd_config": spec.initrd_config}
    for member in MEMBERS:
        value = getattr(spec, member)
        if value is not None:
            run[member] = value
    return run
