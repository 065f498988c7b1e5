# SPDX-License-Identifier: MIT
"""``pvr image``: the disk image of a device from exports, as the class pvroot-image makes it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Optional

from .. import jobs
from ..board import Board
from ..errors import FormatError
from . import epoch, key_options
from .console import Console
from .trust import CACERTS_VARIABLE

MIB = 1024 * 1024
MAX_DIGITS = 16
NO_RELEASE = "no"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add image."""
    image = commands.add_parser(
        "image",
        help="make the disk image of a device from exports",
        description=(
            "Make the disk image of a device from the exports of its bsp and containers, and a block map "
            "next to it. It is verified strictly before it takes its name. The same exports, boot files, "
            f"keys and {epoch.VARIABLE} make the same bytes."
        ),
    )
    image.add_argument(
        "exports", nargs="+", type=Path, metavar="EXPORT", help="export of the bsp, and of each container"
    )
    image.add_argument("--out", type=Path, required=True, metavar="FILE", help="the disk image to write")
    image.add_argument(
        "--boot", action="append", default=[], metavar="NAME=FILE",
        help="a file of the boot partition and where it is from, such as EFI/BOOT/BOOTX64.EFI=grub.efi; "
             "none: a disk of nothing but the storage",
    )  # fmt: skip
    image.add_argument(
        "--size", type=_mebibytes, metavar="NUMBER",
        help="size of the disk in MiB; default: twice the content, which leaves room for updates",
    )  # fmt: skip
    image.add_argument(
        "--release", type=_release, default=1, metavar="NUMBER",
        help="number of the release, which rises, or no: parts are not bound together; default: 1",
    )  # fmt: skip
    image.add_argument(
        "--sign-parts", action="store_true", help="sign each part that has no signature, with the same key"
    )
    image.add_argument(
        "--trust", type=Path, metavar="PEM",
        help=f"roots that devices have; default: {CACERTS_VARIABLE}, "
             f"{key_options.DEFAULT_KEYS}/ca.crt",
    )  # fmt: skip
    image.add_argument(
        "--signers", type=Path, metavar="JSON", help="table of who may sign what, as devices have it"
    )
    key_options.declare_signer(image)
    image.set_defaults(run=_image)


def _image(options: argparse.Namespace, console: Console) -> None:
    from .. import factory

    trust = options.trust or key_options.default(CACERTS_VARIABLE, "ca.crt")
    signs = options.release is not None or options.sign_parts
    job = jobs.BuildRoot(
        exports=tuple(options.exports),
        board=_board(options.boot),
        trust=trust,
        epoch=epoch.seconds() or 0,
        work=options.out.absolute().parent,
        output=options.out.absolute(),
        size=options.size,
        release=options.release,
        signing=key_options.signing(options) if signs else None,
        sign_parts=options.sign_parts,
        signers=options.signers,
    )
    factory.build(job, pin=os.environ.get(key_options.PIN_VARIABLE), log=console.line, warn=console.warn)


def _board(pairs: list[str]) -> Board:
    """A board with one boot partition, or none where it has no files."""
    files: dict[str, Path] = {}
    for pair in pairs:
        name, equals, source = pair.partition("=")
        if not (name and equals and source):
            raise FormatError(f'--boot "{pair[:200]}" is not NAME=FILE', hint="use NAME=FILE")
        if name in files:
            raise FormatError(f'--boot names "{name[:200]}" twice', hint="name each file once")
        files[name] = Path(source)
    return Board.efi(files) if files else Board()


def _mebibytes(text: str) -> int:
    return _number(text, "a number of MiB") * MIB


def _release(text: str) -> Optional[int]:
    return None if text == NO_RELEASE else _number(text, f"the number of a release, or {NO_RELEASE}")


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise argparse.ArgumentTypeError(f'"{text[:40]}" is not {what}')
    return int(text)
