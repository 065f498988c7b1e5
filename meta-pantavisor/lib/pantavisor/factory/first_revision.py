# SPDX-License-Identifier: MIT
"""Making a device's first revision: signed exports -> one state -> storage tree -> disk image, checked at
every step.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Optional

from .. import atomic, audit, cjson, disk, export, isolation, jobs, keys, manifests, pvs, regular, trail
from ..board import Board
from ..errors import FormatError
from ..objects import ObjectPool
from ..state import State
from . import confs, memory, ports, unsupported, waits

REVISION = "0"
NETWORK_HINT = "name one in PVROOT_CONTAINERS that does: docs/own-layer.md has a small one"


def build(
    job: jobs.BuildRoot,
    *,
    pin: Optional[str] = None,
    log: Callable[[str], None] = lambda text: None,
    warn: Callable[[str], None] = lambda text: None,
) -> None:
    """Write the disk image and its .bmap, or raise and leave neither. ``pin`` is a token's.

    Raises FormatError, SignatureError, AuditError.

    The state must be signed throughout by what ``job.trust`` trusts; the finished image is read back by the
    independent verifier before it takes its name. Without a board the storage partition is written alone:
    ``check_laid_out`` reads it back in the image that another tool makes of it.
    """
    trust = keys.TrustStore.load(job.trust)
    signers = read_signers(job.signers)
    atomic.check_target(job.output)
    with atomic.scratch(job.work) as folder:
        storage = folder / "storage"
        trail.make(storage)
        pool = trail.pool_of(storage)
        state = _signed(assemble(job.exports, pool), job, pin)
        device = manifests.check_state(state)
        for warning in (
            *trust.warnings(str(job.trust)),
            *memory.warnings(state, pool, job.memory),
            *waits.warnings(state, device),
            *ports.warnings(state, pool),
            *unsupported.warnings(state, device),
        ):
            warn(warning)
        bound = job.release is not None
        coverage = keys.verify_state(state, trust, strict=True, signers=signers, needs_set=bound)
        log(f"state {state.digest()[:12]}: {len(state)} paths, {len(coverage.protected)} of them signed")
        if state.container_names() and not has_network(state, pool):
            warn(f"no container may configure the device's network, so it gets no address; {NETWORK_HINT}")
        trail.write(storage, state, pool, REVISION)
        if job.board is None:
            size = disk.build_storage(
                job.output, Board(), storage, size=job.size, epoch=job.epoch, seed=state.digest()
            )
            log(f"{job.output} is written: a storage partition of {size} bytes")
            return
        image = disk.build(
            folder / job.output.name,
            job.board,
            storage,
            size=job.size,
            epoch=job.epoch,
            seed=state.digest(),
        )
        report = audit.verify(
            image.path, trust=job.trust.read_bytes(), strict=True, signers=signers, needs_set=bound
        )
        report.named(job.output).raise_for_findings()
        _publish(image, job.output)
    log(
        f"{job.output} is written: {image.size} bytes, {image.mapped} of them to flash; "
        "it passed pvr verify --strict"
    )


def read_signers(path: Optional[Path]) -> Optional[pvs.Signers]:
    """The table of signers in a file, if one is named. Raises FormatError."""
    if path is None:
        return None
    return pvs.Signers.parse(regular.read(path, limit=cjson.MAX_BYTES), what=str(path))


def _signed(state: State, job: jobs.BuildRoot, pin: Optional[str]) -> State:
    """The state with the signatures that it lacks and one over their set, where the job asks for them."""
    if job.release is None and not job.sign_parts:
        return state
    if job.signing is None:
        raise FormatError("a release needs a key that signs the set of its parts", hint="name one: signing")
    signer = keys.job_signer(job.signing, pin=pin)
    covered = pvs.coverage(state, pvs.signatures(state))
    if not job.sign_parts:
        pvs.require_signed(state, covered)
    for name in _loose_parts(state, pvs.unsigned(state, covered)):
        state = keys.sign_state(state, name, pvs.part_selection(name), signer)
    if job.release is None:
        return state
    return keys.sign_set(state, signer, pvs.next_release(state, job.release))


def _loose_parts(state: State, unsigned: Iterable[str]) -> list[str]:
    loose = set(unsigned)
    return [name for name in state.part_names() if not loose.isdisjoint(state.part(name))]


def _publish(image: disk.DiskImage, output: Path) -> None:
    """Give image and block map their names, the old map gone first: one that does not fit would flash
    garbage.
    """
    block_map = output.with_name(output.name + ".bmap")
    block_map.unlink(missing_ok=True)
    os.replace(image.path, output)
    os.replace(image.bmap, block_map)


def assemble(exports: Iterable[Path], pool: ObjectPool) -> State:
    """One state from exports that must not contradict each other. Raises FormatError."""
    state = State.empty()
    origin: dict[str, Path] = {}
    for path in exports:
        part = export.read(path, pool)
        for name in part.part_names():
            if name in origin:
                raise FormatError(
                    f"{_maker(origin[name])} and {_maker(path)} both make {name}",
                    hint="give one of them another name, by PVR_CONTAINER in its recipe",
                )
            origin[name] = path
        for name, value in part.items():
            if name in state and state[name] != value:
                raise FormatError(f"{path} and {origin.get(name)} both hold {name}, with different content")
            origin[name] = path
        state = state.with_files(dict(part.items()))
    return state


def _maker(path: Path) -> str:
    """The recipe that made an export, after which it is called."""
    return path.name.partition(".pvrexport")[0]


def has_network(state: State, pool: ObjectPool) -> bool:
    """Whether a container of the state configures the device's network, as far as rights show it."""
    texts = (confs.conf(state, pool, name) for name in state.container_names())
    return any(isolation.configures_network(text) for text in texts if text is not None)
