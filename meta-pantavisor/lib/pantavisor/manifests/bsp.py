"""bsp/run.json: what a board boots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from ..errors import FormatError


@dataclass(frozen=True)
class BspSpec:
    """File names inside ``bsp/``. Either ``fit``, or ``rpiab``, or ``linux`` with ``initrd``."""

    linux: Optional[str] = None
    initrd: Optional[str] = None
    fdt: Optional[str] = None
    fit: Optional[str] = None
    rpiab: Optional[str] = None
    modules: Optional[str] = None
    firmware: Optional[str] = None
    addons: tuple[str, ...] = ()


def bsp_run_manifest(spec: BspSpec) -> dict[str, Any]:
    """The document of ``bsp/run.json``: only files that there are."""
    kinds = [spec.fit is not None, spec.rpiab is not None, spec.linux is not None and spec.initrd is not None]
    if sum(kinds) != 1:
        raise FormatError("a bsp has either fit, or rpiab, or linux with initrd")
    run: dict[str, Any] = {"addons": list(spec.addons), "initrd_config": ""}
    for member in ("linux", "initrd", "fdt", "fit", "rpiab", "modules", "firmware"):
        value = getattr(spec, member)
        if value is not None:
            run[member] = value
    return run
