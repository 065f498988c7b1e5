# SPDX-License-Identifier: MIT
"""Docker's HEALTHCHECK as the member ``health`` of run.json: words that the device runs in the container.

Its times are nanoseconds, as images have them, or texts such as ``30s``; run.json has whole seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .. import names
from ..errors import FormatError
from .members import Record

MAX_WORDS = 64
MAX_BYTES = 8192  # of all words
MAX_SECONDS = 24 * 60 * 60
MAX_RETRIES = 1000
DEFAULT_SHELL = ("/bin/sh", "-c")
_FORMS = ("NONE", "CMD", "CMD-SHELL")
_TIMES = {"Interval": 30, "Timeout": 30, "StartPeriod": 0, "StartInterval": 5}  # docker's, in seconds
_RETRIES = 3
_NANOSECONDS = 10**9
_UNITS = {"ms": 10**6, "s": _NANOSECONDS, "m": 60 * _NANOSECONDS, "h": 3600 * _NANOSECONDS}
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h)")
_WITHOUT = """switch it off: --config-json '{"Healthcheck": {"Test": ["NONE"]}}', or PVR_CONFIG_JSON"""


@dataclass(frozen=True)
class HealthCheck(Record):
    """Times are in seconds."""

    test: tuple[str, ...]
    interval: int
    timeout: int
    start_period: int
    start_interval: int
    retries: int


def map_health(config: Mapping[str, Any]) -> Optional[HealthCheck]:
    """From the ``config`` object of an image; None without a check. Raises FormatError."""
    check = config.get("Healthcheck")
    if not check:
        return None
    if not isinstance(check, Mapping):
        raise FormatError("the image's Healthcheck is not an object", hint=_WITHOUT)
    known = ("Test", "Retries", *_TIMES)
    for member in check:
        if member not in known:
            raise names.unknown(member, known, what="member of the image's Healthcheck:")
    words = _words(check.get("Test") or [], config.get("Shell") or DEFAULT_SHELL)
    if not words:
        return None
    times = {member: _seconds(member, check.get(member) or 0, usual) for member, usual in _TIMES.items()}
    return HealthCheck(
        test=words,
        interval=times["Interval"],
        timeout=times["Timeout"],
        start_period=times["StartPeriod"],
        start_interval=times["StartInterval"],
        retries=_retries(check.get("Retries") or _RETRIES),
    )


def _words(test: Any, shell: Any) -> tuple[str, ...]:
    """What is run; nothing where there is no check."""
    if not _are_words(test) or not _are_words(shell):
        raise FormatError(
            f"the test of the image's Healthcheck is not a list of at most {MAX_WORDS} words "
            f"and {MAX_BYTES} bytes",
            hint=_WITHOUT,
        )
    form, given = (test[0], test[1:]) if test else ("NONE", [])
    if form not in _FORMS:
        error = names.unknown(form, _FORMS, what="form of the image's Healthcheck:")
        raise FormatError(error.message, hint=error.hint)
    if form == "NONE":
        return ()
    if not given or not given[0].strip():
        raise FormatError(f"the image's Healthcheck has the form {form} and no command", hint=_WITHOUT)
    return (*shell, *given) if form == "CMD-SHELL" else tuple(given)


def _are_words(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) <= MAX_WORDS - len(DEFAULT_SHELL)
        and all(isinstance(word, str) and "\0" not in word and names.has_bytes(word) for word in value)
        and sum(len(word.encode()) + 1 for word in value) <= MAX_BYTES // 2
    )


def _seconds(member: str, value: Any, usual: int) -> int:
    """Whole ones, and one more for a part of one. 0 is docker's word for its default."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    nanoseconds = int(found[1]) * _UNITS[found[2]] if found else value
    if isinstance(nanoseconds, bool) or not isinstance(nanoseconds, int):
        raise FormatError(
            f"the image's Healthcheck: {member} is not a time", hint='write nanoseconds, or "30s"'
        )
    seconds = -(-nanoseconds // _NANOSECONDS)
    if nanoseconds < 0 or seconds > MAX_SECONDS:
        raise FormatError(
            f"the image's Healthcheck: {member} is not a time of at most {MAX_SECONDS} s", hint=_WITHOUT
        )
    return seconds or usual


def _retries(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_RETRIES:
        raise FormatError(
            f"the image's Healthcheck: Retries is not a number from 1 to {MAX_RETRIES}", hint=_WITHOUT
        )
    return value
