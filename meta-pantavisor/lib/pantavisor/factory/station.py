# SPDX-License-Identifier: MIT
"""The station of a factory: gives a target the next unit of the plan, checks it, and keeps the proof."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from .. import atomic, audit, keys, regular
from ..digest import file_sha256
from ..errors import FormatError, NotFound, PantavisorError
from ..pvs import Signers
from ..readers import Findings, opened, parse_states
from ..unit import Unit
from . import ledger
from .flash import check_holds
from .personalise import Place, check, personalised

KIND = "pantavisor-birth@1"
PASSED = "passed"
ENDING = ".birth.json"
MEMBERS = {"#spec", "checked", "image", "result", "serial", "state", "station", "time", "unit"}
OPTIONAL = {"ledger"}  # the first certificates have none


@dataclass(frozen=True)
class Station:
    """``name`` in the ledger and in certificates, ``now`` the time in RFC 3339. What is made is verified
    strictly by ``trust``; with ``certificates`` each unit gets a file there that ``signer`` signs.
    """

    name: str
    ledger: Path
    trust: bytes
    now: Callable[[], str]
    signers: Optional[Signers] = None
    certificates: Optional[Path] = None
    signer: Optional[keys.Signer] = None


def make_unit(
    station: Station, place: Place, units: Sequence[Unit], *, image: Optional[Path] = None
) -> Unit:
    """Personalise the target as the first of ``units`` that is free, which the ledger then has as done.

    ``image`` is what the target has to hold before. Raises PantavisorError; where the unit was begun, the
    ledger then has it as failed.
    """
    if station.certificates is not None:
        if not station.certificates.is_dir():
            raise FormatError(f"{station.certificates} is not a directory", hint="make it: mkdir -p DIR")
        if not os.access(station.certificates, os.W_OK):
            raise PantavisorError(
                f"{station.certificates} cannot be written", hint="name another directory"
            )
    check(place)
    if station.signer is not None:
        station.signer.sign(KIND.encode())  # what cannot sign, as with a wrong PIN, takes no serial number
    if image is not None:
        check_holds(place.target, image)
    flashed = image or (place.target if place.target.is_file() else None)
    digest = file_sha256(flashed) if flashed and station.certificates else None
    unit, mark = ledger.begin(
        station.ledger, units, station=station.name, time=station.now(), again=place.again
    )
    try:
        if not place.again:
            _check_uncertified(station, unit)
        with personalised(place, unit) as made:
            report = audit.verify(made, trust=station.trust, strict=True, signers=station.signers)
            report.named(place.output or place.target).raise_for_findings()
            certificate = _certificate(station, unit, made, digest, report.checked, mark)
        # Not before an image has its name, or its disk could be full and the unit failed.
        if station.certificates is not None and certificate is not None:
            atomic.write(_place(station.certificates, unit), certificate)
    except BaseException:
        # Why it failed matters more than a ledger in which it stays begun, and so is not given either.
        with suppress(PantavisorError, OSError):
            ledger.end(station.ledger, unit, ledger.FAILED, station=station.name, time=station.now())
        raise
    ledger.end(station.ledger, unit, ledger.DONE, station=station.name, time=station.now())
    return unit


def _place(certificates: Path, unit: Unit) -> Path:
    return certificates / f"{unit.serial}{ENDING}"


def _check_uncertified(station: Station, unit: Unit) -> None:
    if station.certificates is not None and (found := _place(station.certificates, unit)).exists():
        raise PantavisorError(
            f"{found} certifies a unit of this serial number already",
            hint=f"see that {station.ledger} is the ledger of this factory, and whole",
        )


def _certificate(
    station: Station,
    unit: Unit,
    made: Path,
    image: Optional[str],
    checked: Mapping[str, int],
    mark: Mapping[str, Any],
) -> Optional[bytes]:
    if station.certificates is None:
        return None
    assert station.signer is not None
    payload: dict[str, Any] = {
        "#spec": KIND, "checked": dict(checked), "image": image, "ledger": dict(mark),
        "result": PASSED, "serial": unit.serial, "state": _state_digest(made),
        "station": station.name, "time": station.now(), "unit": hashlib.sha256(unit.dumps()).hexdigest(),
    }  # fmt: skip
    return keys.sign_document(payload, KIND, station.signer)


def _state_digest(made: Path) -> str:
    findings = Findings()
    with opened(made, findings) as found:
        states = parse_states(found.texts, findings)
    if len(states) != 1:
        raise PantavisorError(f"{made} has {len(states)} revisions, and a new unit has one")
    (state,) = states.values()
    return state.digest()


def read_certificate(path: Path, trust: keys.TrustStore) -> dict[str, Any]:
    """What a birth certificate has, once its signature was verified. Raises PantavisorError."""
    with regular.opened(path) as stream:
        data = stream.read(keys.MAX_DOCUMENT_BYTES + 1)
    payload = keys.verify_document(data, KIND, trust, what=str(path))
    if set(payload) - OPTIONAL != MEMBERS or payload["#spec"] != KIND:
        raise FormatError(f"{path} is not a birth certificate of {KIND}")
    return payload


def check_ledger(
    path: Path, certificates: Path, trust: keys.TrustStore, *, has_head: bool = True
) -> None:
    """Look for each birth certificate of a directory in the ledger: for its unit, and for the line that was
    written for it. Without ``has_head`` the ledger is not held against its head. Raises PantavisorError for
    the first that is not there.
    """
    if not certificates.is_dir():
        raise FormatError(f"{certificates} is not a directory", hint="name the directory of certificates")
    # Certificates first: a unit that is made meanwhile is in the ledger before it has one.
    # Not by glob(), for which a directory that it may not read is an empty one.
    names = sorted(name for name in os.listdir(certificates) if name.endswith(ENDING))
    payloads = [(certificates / name, read_certificate(certificates / name, trust)) for name in names]
    entries = ledger.read(path, has_head=has_head)
    if entries.events and not payloads:
        raise NotFound(
            f"{certificates} holds no birth certificate", hint="name the directory of certificates"
        )
    for found, payload in payloads:
        serial, mark = payload["serial"], payload.get("ledger")
        if (mark is not None and not entries.has(mark)) or serial not in entries.events:
            raise PantavisorError(
                f"{found} certifies {serial}, and {path} does not have the line that was written for it",
                hint="use the whole ledger of this factory, or a later copy of it",
            )
