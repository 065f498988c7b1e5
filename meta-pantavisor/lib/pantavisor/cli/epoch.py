# SPDX-License-Identifier: MIT
"""The time that the environment asks for, so that what is made today can be made again."""

from __future__ import annotations

import datetime
import os
import re
from typing import Optional

from ..errors import FormatError

VARIABLE = "SOURCE_DATE_EPOCH"


def seconds() -> Optional[int]:
    """Seconds since 1970, or None where nothing is asked for. Raises FormatError."""
    text = os.environ.get(VARIABLE)
    if text and not re.fullmatch("[0-9]{1,18}", text):
        raise FormatError(f'{VARIABLE} is "{text[:40]}" and not a number of seconds')
    return int(text) if text else None


def rfc3339(wanted: Optional[int] = None) -> str:
    """The time that is wanted, else the one that is asked for, else the time it is, as
    2026-01-02T03:04:05Z. Raises FormatError.
    """
    wanted = seconds() if wanted is None else wanted
    utc = datetime.timezone.utc
    try:
        time = (
            datetime.datetime.now(utc) if wanted is None else datetime.datetime.fromtimestamp(wanted, utc)
        )
    except (ValueError, OverflowError, OSError) as error:
        raise FormatError(f"{VARIABLE} is {wanted}, later than the year 9999") from error
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
