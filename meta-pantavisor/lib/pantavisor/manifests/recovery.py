# SPDX-License-Identifier: MIT
"""auto_recovery of a container or a group: what happens when its first process ends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Optional, Union

from .. import names
from ..errors import FormatError
from .members import Record, check_word

POLICIES = ("no", "always", "on-failure", "unless-stopped")
MAX_SECONDS = 365 * 24 * 60 * 60
MAX_FACTOR = 1000
_BACKOFF = re.compile(r"reboot|never|[1-9][0-9]{0,4}(s|min|h)")


@dataclass(frozen=True)
class AutoRecovery(Record):
    """Times are in seconds. What is None is left to the device;
    ``backoff_policy`` is reboot, never or a time.
    """

    policy: str
    max_retries: Optional[int] = None
    retry_delay: Optional[int] = None
    backoff_factor: Optional[Union[int, float, Decimal]] = None
    reset_window: Optional[int] = None
    stable_timeout: Optional[int] = None
    backoff_policy: Optional[str] = None

    def __post_init__(self) -> None:
        check_auto_recovery(self.document(), "auto_recovery")

    @classmethod
    def parse(cls, value: Any, where: str = "auto_recovery") -> AutoRecovery:
        return cls(**check_auto_recovery(value, where))


_MEMBERS = tuple(AutoRecovery.__dataclass_fields__)


def check_auto_recovery(value: Any, where: str) -> Mapping[str, Any]:
    """The value, or a FormatError that names the member."""
    if not isinstance(value, Mapping):
        raise FormatError(f"{where} is not an object")
    for member in value:
        if member not in _MEMBERS:
            raise names.unknown(member, _MEMBERS, what=f"member of {where}:")
    check_word(value.get("policy"), POLICIES, f"{where}: policy")
    for member in ("max_retries", "retry_delay", "reset_window", "stable_timeout"):
        check_number(value.get(member, 0), MAX_SECONDS, f"{where}: {member}", whole=True)
    check_number(value.get("backoff_factor", 1), MAX_FACTOR, f"{where}: backoff_factor")
    backoff = value.get("backoff_policy", "reboot")
    if not isinstance(backoff, str) or not _BACKOFF.fullmatch(backoff):
        raise FormatError(f'{where}: backoff_policy is not "reboot", "never" or a time such as "10min"')
    return value


def check_number(value: Any, most: int, where: str, *, whole: bool = False) -> None:
    """Raise FormatError unless ``value`` is a number from 0 to ``most``."""
    kinds = (int,) if whole else (int, float, Decimal)
    if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value <= most:
        raise FormatError(f"{where} is not a {'whole ' if whole else ''}number from 0 to {most}")
