# SPDX-License-Identifier: MIT
"""Signatures of a state: true, by someone trusted, and together over everything."""

from __future__ import annotations

from .. import keys, pvs
from ..errors import PantavisorError
from ..pvs import Signature
from . import rights
from .context import Context
from .demands import Demands

_MEMBERS = frozenset(["#spec", "protected", "signature"])
SHOWN = 8


def check(context: Context, demands: Demands) -> None:
    """Without trusted roots a signature must only match the key it carries."""
    found: list[Signature] = []
    by_bsp: set[str] = set()
    for path, value in context.state.items():
        if pvs.is_signature(path, value):
            if len(found) >= pvs.MAX_SIGNATURES:
                context.add("signature", path, f"is one of more than {pvs.MAX_SIGNATURES} signatures")
                break
            by_bsp |= _check_one(context, path, value, demands, found)
    context.count("signatures", len(found))
    _check_set(context, demands, found)
    if demands.signers is not None:
        rights.check_signers(context, frozenset(by_bsp))
    if demands.strict:
        _check_strictly(context, demands, found)
    elif demands.trust is not None and not demands.allow_unsigned:
        hint = "sign its part, or use --allow-unsigned"
        for path in pvs.unsigned(context.state, pvs.coverage(context.state, found)):
            context.add("signature-coverage", path, "no signature covers it", hint)


def _check_strictly(context: Context, demands: Demands, found: list[Signature]) -> None:
    if demands.trust is None:
        context.add(
            "signature-trust",
            "state",
            "no trusted roots were given, so no signature is trusted",
            "use --trust PEM",
        )
    if not found:
        context.add("signature-missing", "state", "the state has no signature")
    _check_coverage(context, found)


def _check_one(
    context: Context, path: str, value: object, demands: Demands, found: list[Signature]
) -> frozenset[str]:
    """Returns what is signed by one who may sign the bsp, as the table of signers has it."""
    trust = demands.trust
    try:
        signature = Signature.parse(path, value)
        found.append(signature)
    except PantavisorError as error:
        context.add("signature", path, error.message, error.hint)
        return frozenset()
    # No signature covers these members: that of a part leaves out itself.
    if isinstance(value, dict) and set(value) != _MEMBERS:
        context.add("signature", path, f"has the unsigned member {min(set(value) - _MEMBERS)}")
    if trust is None and not signature.x5c:
        # It names no key, so there is nothing to hold it against.
        return frozenset()
    try:
        roots = keys.TrustStore.parse(trust if trust is not None else keys.own_root(signature))
        keys.verify_signature(signature, context.state, roots, signers=demands.signers)
    except PantavisorError as error:
        context.add("signature", path, f"{error.message} ({_covered(context, signature)})", error.hint)
        return frozenset()
    if demands.signers is None or not demands.signers.may(roots.identity(signature.x5c), pvs.BSP):
        return frozenset()
    return frozenset(name for name in context.state if signature.selection.covers(name))


def _check_set(context: Context, demands: Demands, found: list[Signature]) -> None:
    try:
        of_set = (pvs.require_set if demands.needs_set else pvs.check_set)(context.state, found)
    except PantavisorError as error:
        context.add("signature-set", "state", error.message, error.hint)
        return
    if of_set is not None:
        context.note(
            "set", of_set.path, f"is that of release {of_set.release}, and binds its parts together"
        )


def _covered(context: Context, signature: Signature) -> str:
    paths = [path for path in context.state if signature.selection.covers(path)]
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return f"it covers {', '.join(paths[:SHOWN]) or 'nothing'}{more}"


def _check_coverage(context: Context, found: list[Signature]) -> None:
    coverage = pvs.coverage(context.state, found)
    part_only = not context.whole and "bsp/run.json" not in context.state
    for path in coverage.unseen:
        # The format's name belongs to the whole device, so the bsp's signature has it.
        if not (part_only and path == "#spec"):
            context.add(
                "signature-coverage", path, "no signature covers it", "sign the part that it belongs to"
            )
    for path in coverage.excluded:
        if not pvs.is_free(context.state, path):
            context.add("signature-coverage", path, "every signature that mentions it excludes it")
