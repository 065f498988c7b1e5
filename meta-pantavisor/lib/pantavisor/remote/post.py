# SPDX-License-Identifier: MIT
"""A state on its way to a device: objects that it lacks, then the revision, then what becomes of it.

A revision is named by its state, so a post that was interrupted goes on with the same one. A name that was
tried already is not taken again: what the device recorded then would be read as the new outcome.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional, Protocol

from ..errors import PantavisorError
from ..http import HttpError
from ..objects import ObjectPool
from ..state import State
from .client import FAILED, NEW, Device, Progress
from .session import Refused
from .upload import Upload

LOCAL = "locals/"
NAMES = 50  # of one state
POLL_SECONDS = 1.0
REJECTED = (400, 403, 404, 409, 413, 422, 503, 507)


class Failed(PantavisorError):
    """The device did not take the revision, or left it again; the message is its reason."""


class Watcher(Protocol):
    """What is reported while it goes on."""

    def sent(self, done: int, total: int) -> None:
        """Bytes of objects."""

    def progress(self, revision: str, progress: Optional[Progress]) -> None:
        """Another one than before; None while the device does not answer."""


@dataclass(frozen=True)
class Posted:
    """``progress`` is None where the device cannot be asked, or was not; ``objects`` and ``size`` are what
    was sent.
    """

    revision: str
    progress: Optional[Progress]
    objects: int = 0
    size: int = 0


def post(
    device: Device,
    state: State,
    pool: ObjectPool,
    *,
    message: str,
    watcher: Watcher,
    revision: Optional[str] = None,
    timeout: Optional[float] = 600.0,
    clock: Callable[[], float] = time.monotonic,
) -> Posted:
    """Have ``device`` run ``state``, whose objects are in ``pool``, and wait until that is good.

    Without a ``timeout`` (seconds) it is not waited for. Raises Failed with the device's reason,
    HttpError, and PantavisorError for a ``revision`` that the device has tried.
    """
    running = device.state()
    if running == state and revision is None:
        return Posted("", None)
    wanted = _named(device, state, revision)
    missing = {value: path for path, value in state.objects().items()
               if value not in running.object_ids()}  # fmt: skip
    size = _send(device, pool, missing, watcher)
    name = _create(device, state, message, wanted)
    if timeout is None or device.description.progress_url is None:
        return Posted(name, None, len(missing), size)
    end = clock() + timeout
    return Posted(name, _watch(device, name, watcher, lambda: clock() >= end), len(missing), size)


def _named(device: Device, state: State, revision: Optional[str]) -> str:
    if revision is not None:
        if _is_free(device, revision):
            return revision
        hint = "use another name"
        raise PantavisorError(f"the device has tried a revision {revision} already", hint=hint)
    base = f"{LOCAL}pvr-{state.digest()[:12]}"
    for name in (base, *(f"{base}-{number}" for number in range(2, NAMES))):
        if _is_free(device, name):
            return name
    raise PantavisorError("the device has tried this state too often", hint="use --rev locals/NAME")


def _is_free(device: Device, revision: str) -> bool:
    found = device.session.patiently(lambda: device.progress(revision))
    return found is None or found.status == NEW


def _send(device: Device, pool: ObjectPool, missing: dict[str, str], watcher: Watcher) -> int:
    total = sum(map(pool.size, missing))
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        watcher.sent(done, total)

    for object_id, path in sorted(missing.items()):
        Upload(device, pool, object_id, path, advance).run()
    return total


def _create(device: Device, state: State, message: str, revision: str) -> str:
    failures = 0
    while True:
        try:
            return device.create(state, message, revision)
        except HttpError as error:
            if isinstance(error, Refused) and error.status in REJECTED and not error.temporary:
                raise Failed(error.message, hint=error.hint) from None
            # The answer is lost, not always the request.
            failures += 1
            device.session.wait(failures, error)
            if not _is_free(device, revision):
                return revision


def _watch(device: Device, revision: str, watcher: Watcher, is_late: Callable[[], bool]) -> Progress:
    last: Optional[Progress] = None
    silent = False
    while True:
        found = _poll(device, revision)
        if found is None and not silent:
            watcher.progress(revision, None)
        elif found is not None and found != last:
            watcher.progress(revision, found)
        silent, last = found is None, found or last
        if found is not None and found.is_over:
            break
        if is_late():
            where = f"it is {last.status}" if last else "the device does not answer"
            raise Failed(
                f"revision {revision} did not come to its end in time: {where}",
                hint="use --timeout SECONDS for a longer one",
            )
        device.session.pause(POLL_SECONDS)
    if found.status in FAILED:
        raise Failed(f"the device did not keep revision {revision}: {found.message or found.status}")
    return found


def _poll(device: Device, revision: str) -> Optional[Progress]:
    """None while the device boots."""
    try:
        return device.progress(revision)
    except HttpError:
        return None
