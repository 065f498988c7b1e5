# SPDX-License-Identifier: MIT
"""``pvr sig ls``: what signatures cover, once they are found to be right."""

from __future__ import annotations

import argparse
import datetime
from typing import Any, Optional

from ... import cjson, keys, pvs
from ...errors import SignatureError
from ...repo import Repository
from ...state import Value
from .. import here, key_options
from ..console import Console
from ..trust import signers_of, trusted


def list_signatures(options: argparse.Namespace, console: Console) -> None:
    state, only = here.repository().state, [*options.names, *options.part]
    chosen = pvs.named(pvs.signatures(state), only)
    checked_against = trusted(options.cacerts, options.pubkey, default=key_options.DEFAULT_KEYS / "ca.crt")
    trust = keys.TrustStore.parse(checked_against or b"")
    table = signers_of(options.signers, checked_against)
    now = datetime.datetime.now(datetime.timezone.utc)
    found = keys.verify_state(
        state,
        trust,
        strict=options.strict,
        at=now,
        only=only,
        signers=table,
        needs_set=options.needs_set,
    )
    if table is not None and not only:
        _check_reach(here.repository(), checked_against, table)
    shown = {signature.path: state[signature.path] for signature in chosen} if options.with_sigs else {}
    of_set = pvs.check_set(state, pvs.signatures(state))
    _show(found, shown, of_set.release if of_set else None, options, console)
    if not (only or options.allow_unsigned):
        pvs.require_signed(state, found)


def _check_reach(repository: Repository, trust: Optional[bytes], table: pvs.Signers) -> None:
    """Raise for a container that reaches the device and whose signer may not sign the bsp, as ``pvr
    verify`` finds it.
    """
    from ... import audit

    report = audit.verify(repository.root, trust=trust, allow_unsigned=True, signers=table)
    for finding in report.findings:
        if finding.code == "signer":
            raise SignatureError(f"{finding.where} {finding.sentence}", hint=finding.hint)


def _show(
    found: pvs.Coverage,
    shown: dict[str, Value],
    release: Optional[int],
    options: argparse.Namespace,
    console: Console,
) -> None:
    if options.json:
        document: dict[str, Any] = {
            "protected": found.protected,
            "excluded": found.excluded,
            "notseen": found.unseen,
        }
        document.update({"release": release} if release is not None else {})
        console.json({**document, "signatures": shown} if shown else document)
        return
    kinds = (("protected", found.protected), ("excluded", found.excluded), ("unseen", found.unseen))
    console.table(("coverage", "path"), [(word, path) for word, paths in kinds for path in paths])
    if release is not None:
        console.line(f"{pvs.SET} binds all signatures together, as release {release}")
    for path, value in shown.items():
        console.result(f"{path} {cjson.dumps(value).decode()}")
