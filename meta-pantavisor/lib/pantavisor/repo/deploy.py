# SPDX-License-Identifier: MIT
"""``pvr deploy``: a device's revision from sources, checked out as hard links to its objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Optional

from .. import beneath, pvs, trail
from ..bootenv import BootEnvironment
from ..errors import FormatError, NotFound, PantavisorError
from ..state import State
from .filter import StateSource, merge, select
from .own_folder import FOLDER
from .sources import open_local, opened

TRAILS = "trails"
RELEASE = "config/release"
_MAX_RELEASE_BYTES = 20


def deploy(
    target: Path,
    sources: Iterable[StateSource],
    *,
    drop: bool = False,
    commit: bool = False,
    sign: Callable[[State], State] = lambda state: state,
) -> State:
    """Write the revision ``<storage>/trails/<revision>`` from sources, over what it holds already.

    Each source's parts replace those of the same names; with ``drop`` what a source leaves out goes from
    what exists. A device whose storage has a committed revision tries the new one once and returns to
    that one if it fails; with ``commit`` there is no way back. Without a bsp there are no boot links yet. A
    revision of nothing is refused. What is written is what ``sign`` makes of all of it.

    Raises NotFound, FormatError.
    """
    storage, revision = _split(target.absolute())
    sources = tuple(sources)
    if not sources and not (target / FOLDER / "json").is_file():
        raise NotFound(
            f"there is no revision {target}, and no source to make it of",
            hint="name a repository or an export",
        )
    with trail.exclusive(storage):
        state = sign(_gather(storage, target, sources, drop=drop))
        trail.write(storage, state, trail.pool_of(storage), revision, replace=True, commit=commit)
    return state


def boot_environment(target: Path) -> Optional[BootEnvironment]:
    """What the boot loader of the storage of ``<storage>/trails/<revision>`` is given.
    Raises FormatError.
    """
    return trail.boot_environment(_split(target.absolute())[0])


def committed_state(target: Path) -> Optional[State]:
    """The state of ``<storage>/trails/<revision>`` where that is the revision that its device has
    committed. Raises FormatError.
    """
    environment = boot_environment(target)
    if environment is None or environment.revision != _split(target.absolute())[1]:
        return None
    if not (target / FOLDER / "json").is_file():
        return None
    with opened(target) as (state, _):
        return state


def least_release(target: Path) -> int:
    """The release before which the device of ``<storage>/trails/<revision>`` takes none: what it recorded,
    or has committed; 0 where it takes all. Of a broken revision it knows none. Raises FormatError.
    """
    storage = _split(target.absolute())[0]
    environment = trail.boot_environment(storage)
    if environment is None:
        return 0
    try:
        committed = committed_state(storage / TRAILS / environment.revision)
        found = pvs.signatures(committed) if committed is not None else ()
    except PantavisorError:
        found = ()
    return max([_recorded_release(storage), *(signature.release or 0 for signature in found)])


def _recorded_release(storage: Path) -> int:
    try:
        with beneath.open_file(storage, RELEASE) as stream:
            text = stream.read(_MAX_RELEASE_BYTES).strip()
    except FileNotFoundError:
        return 0
    return int(text) if text.isdigit() else 0


def _gather(storage: Path, target: Path, sources: Iterable[StateSource], *, drop: bool) -> State:
    """The state of what the revision holds and of the sources, whose objects are put into the storage."""
    pool = trail.pool_of(storage)
    state = State.empty()
    existing = [StateSource(target)] if target.is_dir() and any(target.iterdir()) else []
    for source in [*existing, *sources]:
        with open_local(source) as (other, other_pool):
            for object_id in sorted(select(other, source.part_filter, beside=state).object_ids()):
                pool.copy_from(other_pool, object_id)
            state = merge(state, other, source.part_filter, drop=drop)
    if state == State.empty():
        raise FormatError(f"{target} would hold nothing", hint="name the parts that it is to have")
    return state


def _split(target: Path) -> tuple[Path, str]:
    for depth in (1, 2):
        if target.parents[depth - 1].name == TRAILS:
            return target.parents[depth], "/".join(target.parts[-depth:])
    raise FormatError(
        f"{target} is not a revision of a storage tree", hint="name one such as STORAGE/trails/0"
    )
