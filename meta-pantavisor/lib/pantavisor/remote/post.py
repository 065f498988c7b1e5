# SPDX-License-Identifier: MIT
"""A state on its way to a device: objects that it lacks, then the revision, then what becomes of it.

A revision is named by its state, so a post that was interrupted goes on with the same one. A name that was
tried already is not taken again: what the device recorded then would be read as the new outcome.

Until a device has verified a revision, it notes nowhere that it is to be tried: one whose power is cut
meanwhile has it NEW, and does not go on by itself, as it would again and again with one that it
cannot verify. So it is asked again.
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
from .session import BUSY, MAX_PAUSE, Refused
from .upload import Upload

LOCAL = "locals/"
NAMES = 50  # of one state
POLL_SECONDS = 1.0
# A device that is away for less than a poll is not missed; one that verifies that long refuses.
NEW_SECONDS = 30.0
BOOT_SECONDS = 300.0  # the longest that a device is away
COLLECT_SECONDS = 300.0  # that a collection may take
NO_ROOM = 507
REJECTED = (400, 403, 404, 409, 413, 422, BUSY, NO_ROOM)
# It runs the revision, or verifies it.
UNDER_WAY = (409, BUSY)


class Failed(PantavisorError):
    """The device did not take the revision, or left it again; the message is its reason, ``status`` that of
    HTTP where it refused.
    """

    def __init__(self, message: str, *, hint: Optional[str] = None, status: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.status = status


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

    def bring() -> tuple[str, int]:
        size = _send(device, pool, missing, watcher)
        return _create(device, state, message, wanted, clock), size

    name, size = _with_room(device, bring, clock)
    if timeout is None or device.description.progress_url is None:
        return Posted(name, None, len(missing), size)
    watch = _Watch(device, name, watcher, clock, lambda: device.create(state, message, name))
    return Posted(name, watch.run(timeout), len(missing), size)


def _with_room(
    device: Device, bring: Callable[[], tuple[str, int]], clock: Callable[[], float]
) -> tuple[str, int]:
    """Once more where the device had no room, after it has removed what it does not need; what was sent
    without a revision goes with that.
    """
    try:
        return bring()
    except (Refused, Failed) as error:
        url = device.description.collect_url
        if error.status != NO_ROOM or url is None:
            raise
        try:
            _collect(device, url, clock)
        except HttpError:
            raise error from None
    return bring()


def _collect(device: Device, url: str, clock: Callable[[], float]) -> None:
    """Once the device may: it tries a revision, or collects already, for us if its answer came too late."""
    end = clock() + COLLECT_SECONDS
    while True:
        try:
            device.collect(url)
            return
        except Refused as error:
            if error.status != BUSY or clock() >= end:
                raise
        device.session.pause(MAX_PAUSE)


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


def _create(
    device: Device, state: State, message: str, revision: str, clock: Callable[[], float]
) -> str:
    failures = 0
    while True:
        try:
            return device.create(state, message, revision)
        except HttpError as error:
            if isinstance(error, Refused) and error.status in REJECTED and not error.temporary:
                raise Failed(error.message, hint=error.hint, status=error.status) from None
            # The answer is lost, not always the request.
            failures += 1
            device.session.wait(failures, error)
            if _has_it(device, revision, clock):
                return revision


def _has_it(device: Device, revision: str, clock: Callable[[], float]) -> bool:
    """One that boots the revision at once cannot be asked until then."""
    end = clock() + BOOT_SECONDS
    while True:
        try:
            return not _is_free(device, revision)
        except HttpError as error:
            if not error.temporary or clock() >= end:
                raise


@dataclass
class _Watch:
    """What becomes of a revision; ``ask`` has the device try it, as it was asked before."""

    device: Device
    revision: str
    watcher: Watcher
    clock: Callable[[], float]
    ask: Callable[[], object]
    refusal: str = ""  # the last one that may pass

    def run(self, timeout: float) -> Progress:
        """Its end. Raises Failed."""
        asked = self.clock()
        end = asked + timeout
        last: Optional[Progress] = None
        silent = False
        while True:
            found = _poll(self.device, self.revision)
            if found is None and not silent:
                self.watcher.progress(self.revision, None)
            elif found is not None and found != last:
                self.watcher.progress(self.revision, found)
            if found is not None and found.is_over:
                return self._judged(found)
            now = self.clock()
            if found is not None and found.status == NEW and (silent or now - asked >= NEW_SECONDS):
                self._ask_again()
                asked = now
            silent, last = found is None, found or last
            if now >= end:
                raise self._late(last)
            self.device.session.pause(POLL_SECONDS)

    def _ask_again(self) -> None:
        self.refusal = ""
        try:
            self.ask()
        except HttpError as error:
            if isinstance(error, Refused) and error.status in REJECTED and error.status not in UNDER_WAY:
                raise Failed(error.message, hint=error.hint) from None
            self.refusal = f"; {error.message}"

    def _judged(self, found: Progress) -> Progress:
        if found.status not in FAILED:
            return found
        reason = found.message or found.status
        raise Failed(f"the device did not keep revision {self.revision}: {reason}")

    def _late(self, last: Optional[Progress]) -> Failed:
        where = f"it is {last.status}" if last else "the device does not answer"
        return Failed(
            f"revision {self.revision} did not come to its end in time: {where}{self.refusal}",
            hint="use --timeout SECONDS for a longer one",
        )


def _poll(device: Device, revision: str) -> Optional[Progress]:
    """None while the device boots."""
    try:
        return device.progress(revision)
    except HttpError:
        return None
