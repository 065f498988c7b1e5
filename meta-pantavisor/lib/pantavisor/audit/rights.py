# SPDX-License-Identifier: MIT
"""What containers may do: whether each is confined, and whether who signed it may let it do more."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from .. import isolation
from .context import Context, mapping


def check(context: Context, *, confined: bool) -> None:
    """Report each container that is not confined; with ``confined`` that is a problem."""
    for name, path, text in _confs(context):
        found = isolation.isolation(name, text, mapping(context.document(f"{name}/run.json")))
        if found.is_confined:
            continue
        report = context.add if confined else context.note
        report(
            "confined",
            path,
            f"is not confined: {found}",
            f"pvr app update {name} --force --profile confined",
        )


def check_signers(context: Context, by_bsp: frozenset[str]) -> None:
    """A container that reaches the device is as good as the bsp.
    ``by_bsp``: paths signed by who may sign that.
    """
    for name, path, text in _confs(context):
        run = mapping(context.document(f"{name}/run.json"))
        reaches = next(chain(isolation.reaching_roles(run), isolation.reaches(name, text)), None)
        if reaches and not {path, f"{name}/run.json"} <= by_bsp:
            context.add(
                "signer",
                path,
                f"is not signed by one who may sign the bsp, and reaches the device: {reaches}",
                "confine the container, or let a signer of the bsp sign it",
            )


def _confs(context: Context) -> Iterator[tuple[str, str, str]]:
    for name in context.part_names():
        run: dict[str, Any] = mapping(context.document(f"{name}/run.json"))
        path = f"{name}/{run.get('config')}"
        facts = context.object_at(path) if name != "bsp" and run.get("config") else None
        if facts is not None and facts.text is not None:
            yield name, path, facts.text.decode("utf-8", "replace")
