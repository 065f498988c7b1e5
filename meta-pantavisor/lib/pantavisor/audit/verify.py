# SPDX-License-Identifier: MIT
"""verify(): everything that can be checked about one target, every problem reported."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Optional

from .. import proc
from ..digest import is_object_id
from ..errors import PantavisorError
from ..pvs import Signers
from ..readers import (
    EXPORT,
    IMAGE,
    REPOSITORY,
    TREE,
    Chunks,
    Findings,
    Opened,
    opened,
    parse_states,
    state_place,
)
from ..state import State
from . import boot, bootchain, containers, content, firmware, manifests, rights, signatures, storage, verity
from .content import Facts
from .context import Context
from .demands import Demands
from .report import LAX, SIGNED, STRICT, UNTRUSTED, Report


def verify(
    target: Path,
    *,
    trust: Optional[bytes] = None,
    strict: bool = False,
    allow_unsigned: bool = False,
    signers: Optional[Signers] = None,
    needs_set: bool = False,
    confined: bool = False,
) -> Report:
    """Examine a disk image, storage tree, export or repository, and change nothing.

    What is asked for is described at ``Demands``; ``strict`` also asks that no object is left over.
    Problems are in the report (``raise_for_findings``); raises NotFound where there is no target at all.
    """
    target = Path(target)
    demands = Demands(trust, strict, allow_unsigned, signers, needs_set, confined)
    findings, notes = Findings(), Findings()
    counts: Counter[str] = Counter()
    with opened(target, findings) as found:
        states = parse_states(found.texts, findings)
        # A repository under work may be pretty-printed; what a device reads may not.
        check_texts(found.texts, states, findings, canonical=found.kind != REPOSITORY)
        facts = content.scan(found.objects, salts(states.values(), found.objects))
        counts.update({"objects": len(facts), "bytes": sum(fact.size for fact in facts.values())})
        counts.update({"revisions": len(states), "paths": sum(map(len, states.values()))})
        _check_objects(found, states, facts, findings, strict)
        if found.tree is not None:
            storage.check(found.tree, states, findings, in_image=found.kind == IMAGE)
        _check_boot(found, states, findings, counts, strict=strict)
        if found.kind == IMAGE:
            firmware.check(found.contents, findings, notes)
        for revision, state in sorted(states.items()):
            where = f"revision {revision}" if revision else ""
            whole = found.kind in (IMAGE, TREE)
            context = Context(state, facts, findings, counts, where, whole, notes)
            manifests.check(context)
            containers.check(context)
            rights.check(context, confined=confined)
            signatures.check(context, demands)
        if found.contents.storage_start is not None:
            _run_e2fsck(target, found.contents.storage_start, findings)
    checked_as = _checked_as(strict=strict, has_trust=trust is not None, allow_unsigned=allow_unsigned)
    return Report(target, found.kind, checked_as, tuple(findings), dict(counts), tuple(notes))


def _check_boot(
    found: Opened, states: Mapping[str, State], findings: Findings, counts: Counter[str], *, strict: bool
) -> None:
    boots = found.contents.boots
    for number, partition in enumerate(boots, 1):
        place = f"boot partition {number}" if len(boots) > 1 else "boot partition"
        boot.check(partition, findings, place, strict=strict)
        if found.tree is not None:
            bootchain.check(partition, found.tree, states, findings, counts, place)


def _checked_as(*, strict: bool, has_trust: bool, allow_unsigned: bool) -> str:
    if strict:
        return STRICT
    if not has_trust:
        return UNTRUSTED
    return LAX if allow_unsigned else SIGNED


def check_texts(
    texts: Mapping[str, bytes], states: Mapping[str, State], findings: Findings, *, canonical: bool
) -> None:
    """See that devices read the text of each state as it was signed. ``canonical``: it must be canonical
    JSON.
    """
    for revision, state in states.items():
        where, text = state_place(revision), texts[revision]
        if canonical and text != state.dumps():
            findings.add(
                "state", where, "the state is not canonical JSON, so devices compute other signatures"
            )
        if content.has_private_key(text):
            findings.add("secret", where, "the state holds a private key", content.KEY_HINT)
        for warning in state.warnings():
            # That older tools drop a null harms none of the devices that this is for.
            if "holds null" not in warning:
                findings.add("state", where, warning)


def salts(states: Iterable[State], objects: Mapping[str, Chunks]) -> dict[str, frozenset[str]]:
    """The salts of the verity trees of each object: those of the manifests, else of the hash devices."""
    wanted: dict[str, set[str]] = {}
    for state in states:
        for path, value in state.inline().items():
            if "/_dm/" not in path or not isinstance(value, Mapping):
                continue
            folder = path.rpartition("/_dm/")[0]
            data, hashes = (
                state.get(f"{folder}/{value.get(member)}") for member in ("data_device", "hash_device")
            )
            salt = value["salt"] if "salt" in value else _recorded_salt(objects.get(str(hashes)))
            if isinstance(data, str) and is_object_id(data) and manifests.is_salt(salt):
                wanted.setdefault(data, set()).add(str(salt))
    return {name: frozenset(salts) for name, salts in wanted.items()}


def _recorded_salt(hashes: Optional[Chunks]) -> Optional[str]:
    try:
        found = verity.identity(next(hashes(), b"")) if hashes else None
    except (PantavisorError, OSError):
        return None  # a finding where the object is read
    return found[0] if found else None


def _check_objects(
    found: Opened, states: Mapping[str, State], facts: Mapping[str, Facts], findings: Findings, strict: bool
) -> None:
    used = {object_id for state in states.values() for object_id in state.object_ids()}
    for object_id in sorted(used - set(facts)):
        users = sorted(
            path
            for state in states.values()
            for path, value in state.objects().items()
            if value == object_id
        )
        findings.add("object-missing", f"objects/{object_id}", f"is missing; {users[0]} needs it")
    for object_id, fact in sorted(facts.items()):
        where = f"objects/{object_id}"
        if fact.error:
            findings.add("unreadable", where, fact.error)
        elif fact.sha256 != object_id:
            findings.add(
                "object-digest", where, f"has another content than its name: its sha256 is {fact.sha256}"
            )
        if fact.private_key:
            findings.add("secret", where, "holds a private key", content.KEY_HINT)
        if (
            object_id not in used
            and found.kind in (IMAGE, TREE, EXPORT)
            and (strict or found.kind == EXPORT)
        ):
            findings.add("object-unused", where, "is not in any state")


def _run_e2fsck(target: Path, start: int, findings: Findings) -> None:
    """A second opinion on the storage partition, where e2fsck is installed."""
    if proc.find("e2fsck") is None:
        return
    with tempfile.TemporaryDirectory(prefix="pantavisor.") as folder:
        # By way of a link, because e2fsck takes a question mark in a name for its own.
        os.symlink(target.absolute(), Path(folder) / "image")
        try:
            proc.run(
                ["e2fsck", "-f", "-n", f"image?offset={start}"],
                cwd=Path(folder),
                environment={"LC_ALL": "C"},
            )
        except proc.ToolError as error:
            findings.add("e2fsck", "storage partition", error.message)
