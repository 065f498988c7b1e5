# SPDX-License-Identifier: MIT
"""``pvr factory``: finished images signed again, onto disks, and made units."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import keys
from ..errors import NotFound, PantavisorError
from . import epoch, key_options, ledger
from .console import Console, count
from .trust import signers_of

if TYPE_CHECKING:
    from ..factory import Flashed

INTERRUPTED_STATUS = 130


class Interrupted(PantavisorError):
    """Ctrl-C, where it leaves something behind."""

    exit_status = INTERRUPTED_STATUS


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``factory`` with sign, flash, personalise, certificate and ledger."""
    noun = commands.add_parser("factory", help="sign images, write them to disks, make units of them")
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)
    _declare_sign(verbs)
    _declare_flash(verbs)
    _declare_personalise(verbs)
    _declare_certificate(verbs)
    ledger.declare(verbs)


def _declare_sign(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    sign = verbs.add_parser(
        "sign",
        help="sign a finished image again, by another key",
        description=(
            "Make all signatures of a finished image again, by another key, and write the result to a new "
            "file, with a block map. What they cover and the release stay, and so does all that is around "
            "the storage. The roots in its initramfs have to trust the new key."
        ),
    )
    sign.add_argument("image", type=Path, metavar="IMAGE", help="the disk image, next to its block map")
    sign.add_argument("--out", type=Path, required=True, metavar="FILE", help="the disk image to write")
    _declare_trust(sign)
    key_options.declare_signer(sign)
    sign.set_defaults(run=_sign)


def _declare_flash(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    flash = verbs.add_parser(
        "flash",
        help="write an image to several disks at once, and read it back",
        description=(
            "Write a disk image to several disks at once by its block map, IMAGE.bmap, and read all of it "
            "back. A disk that fails, or is interrupted, is left without a partition table, so nothing "
            "boots from it. What is mounted, a partition, too small or write-protected is refused before "
            "anything is written."
        ),
    )
    flash.add_argument("image", type=Path, metavar="IMAGE", help="the disk image, next to its block map")
    flash.add_argument(
        "--to", dest="targets", action="append", type=Path, required=True, metavar="DISK",
        help="a disk whose content is lost, such as /dev/sdb; again for each further one",
    )  # fmt: skip
    flash.add_argument("--json", action="store_true", help="the report for programs")
    flash.set_defaults(run=_flash)


def _declare_personalise(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    unit = verbs.add_parser(
        "personalise",
        help="give an image or a disk the record of the next unit",
        description=(
            "Write the record of a unit (serial number, addresses, locale, certificate) into a disk image, "
            "or onto a disk that was flashed, and verify the result. A ledger sees to it that no two units "
            "get one serial number. Prints the serial number."
        ),
    )
    unit.add_argument("target", type=Path, metavar="IMAGE|DISK", help="what becomes a unit")
    unit.add_argument(
        "--from", dest="plan", type=Path, required=True, metavar="FILE",
        help="table of units (CSV) with the columns serial, mac.<interface>, locale, certificate, request, "
             "value.<name>",
    )  # fmt: skip
    unit.add_argument(
        "--ledger", type=Path, metavar="FILE",
        help="the list of serial numbers that were given, one file for all stations; "
             "default: the plan's name and .ledger, begun by pvr factory ledger --new",
    )  # fmt: skip
    unit.add_argument("--serial", metavar="NUMBER", help="this unit; default: the first one that is free")
    unit.add_argument(
        "--again", action="store_true",
        help="also take a unit that was begun and not done, if no other one has its serial number",
    )  # fmt: skip
    unit.add_argument(
        "--out", type=Path, metavar="FILE", help="write a copy of the image; default: change it in place"
    )
    unit.add_argument(
        "--identities", action="store_true",
        help="also make the identifiers of disk, partitions and file systems the unit's own",
    )  # fmt: skip
    unit.add_argument(
        "--image", type=Path, metavar="IMAGE", help="see first that the disk holds this image, unchanged"
    )
    unit.add_argument("--station", metavar="NAME", help="its name; default: the machine's")
    unit.add_argument(
        "--certificates", type=Path, metavar="DIR",
        help="write a birth certificate there, NUMBER.birth.json, signed by the key",
    )  # fmt: skip
    _declare_trust(unit)
    key_options.declare_signer(unit)
    unit.set_defaults(run=_personalise)


def _declare_certificate(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    certificate = verbs.add_parser(
        "certificate",
        help="check a birth certificate and print it",
        description="Check the signature of a birth certificate, and print as JSON what it certifies.",
    )
    certificate.add_argument("file", type=Path, metavar="FILE", help="the birth certificate")
    key_options.declare_roots(certificate)
    certificate.set_defaults(run=_certificate)


def _declare_trust(command: argparse.ArgumentParser) -> None:
    key_options.declare_roots(command)
    command.add_argument(
        "--signers", type=Path, metavar="JSON", help="table of who may sign what, as devices have it"
    )


def _sign(options: argparse.Namespace, console: Console) -> None:
    from .. import factory

    trust = key_options.roots(options)
    factory.sign_again(
        options.image,
        options.out,
        key_options.signer(options),
        trust=trust,
        signers=signers_of(options.signers, trust),
        log=console.line,
        warn=console.warn,
    )


def _flash(options: argparse.Namespace, console: Console) -> None:
    from .. import factory

    label = f"{options.image.name} to {count(options.targets, 'disk')}"
    flashed = factory.flash(
        options.image,
        options.targets,
        progress=lambda done, total: console.progress(label, done, total),
    )
    if options.json:
        console.json([_row(one) for one in flashed])
    else:
        for one in flashed:
            console.result(_sentence(one))
    _raise_for_failures(flashed)


def _row(one: Flashed) -> dict[str, object]:
    return {
        "bytes": one.bytes,
        "good": one.good,
        "problem": one.problem,
        "seconds": round(one.seconds, 3),
        "target": str(one.target),
    }


def _sentence(one: Flashed) -> str:
    if one.problem is None:
        return f"{one.target}: {one.bytes} bytes written and read back in {one.seconds:.1f} s"
    return f"{one.target}: FAILED, and has no partition table: {one.problem}"


def _raise_for_failures(flashed: Sequence[Flashed]) -> None:
    failed = [one for one in flashed if not one.good]
    if not failed:
        return
    sentence = (
        f"{len(failed)} of {count(flashed, 'disk')} failed: {', '.join(str(one.target) for one in failed)}"
    )
    if any(one.interrupted for one in failed):
        raise Interrupted(f"interrupted: {sentence}", hint="flash again what has failed")
    raise PantavisorError(sentence, hint="flash it again, and take the disk out of use if it fails again")


def _personalise(options: argparse.Namespace, console: Console) -> None:
    from .. import factory

    trust = key_options.roots(options)
    units = factory.read_units(options.plan)
    if options.serial is not None:
        units = tuple(unit for unit in units if unit.serial == options.serial)
        if not units:
            raise NotFound(
                f'{options.plan} has no serial "{options.serial[:80]}"', hint="add it to the plan"
            )
    elif options.again:
        raise PantavisorError("--again is for one unit", hint="add --serial NUMBER")
    if options.image is not None and not options.target.is_block_device():
        raise PantavisorError("--image is for a disk that was flashed", hint="leave it out")
    station = factory.Station(
        name=options.station or os.uname().nodename,
        ledger=options.ledger or options.plan.with_name(f"{options.plan.name}.ledger"),
        trust=trust,
        now=epoch.rfc3339,
        signers=signers_of(options.signers, trust),
        certificates=options.certificates,
        signer=key_options.signer(options) if options.certificates else None,
    )
    seconds = epoch.seconds()
    place = factory.Place(
        options.target,
        epoch=int(time.time()) if seconds is None else seconds,
        output=options.out,
        identities=options.identities,
        again=options.again,
    )
    unit = factory.make_unit(station, place, units, image=options.image)
    console.line(f"{options.out or options.target} is {unit.serial}; it passed pvr verify --strict")
    console.result(unit.serial)


def _certificate(options: argparse.Namespace, console: Console) -> None:
    from .. import factory

    trust = keys.TrustStore.parse(key_options.roots(options), what="trusted roots")
    console.json(factory.read_certificate(options.file, trust))
