# SPDX-License-Identifier: MIT
"""``pvr keys``: keys and certificates of one's own, and what GRUB and firmware verify by them."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import atomic, keys, pvs
from ..errors import FormatError, NotFound, PantavisorError
from . import key_options
from .console import Console

_PRIVATE = b"PRIVATE KEY-----"
_MAX_KEY_BYTES = 1024 * 1024


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``keys generate``, ``certify``, ``boot-key``, ``sign-boot`` and ``sign-efi``."""
    text = "make signing keys and certificates, sign what boots"
    noun = commands.add_parser("keys", help=text, description=f"{text[0].upper()}{text[1:]}.")
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)
    _declare_generate(verbs)
    _declare_certify(verbs)
    _declare_boot(verbs)
    _declare_efi(verbs)


def _declare_generate(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    generate = verbs.add_parser(
        "generate",
        help="make a CA and a signing key in a new directory",
        description=(
            "Make a certificate authority and a signing key in a new directory. "
            "Private keys never leave it."
        ),
    )
    generate.add_argument("directory", type=Path, help="must not exist")
    generate.add_argument(
        "--common-name", default="Pantavisor development", help="name in the certificates"
    )
    generate.add_argument("--algorithm", choices=pvs.ALGORITHMS, default=pvs.ALGORITHMS[0],
                          help="RSA or ECDSA; default: RS256")  # fmt: skip
    generate.add_argument("--days", type=int, default=keys.DAYS, help="validity of the certificates")
    generate.add_argument("--if-missing", action="store_true", help="do nothing where the directory exists")
    generate.set_defaults(run=_generate)


def _declare_certify(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    certify = verbs.add_parser(
        "certify",
        help="make the certificate of a key that is elsewhere",
        description=(
            "Make the certificate by which a key signs states that is on a token, in a vault or another "
            "team's. Of that key only its public half is read."
        ),
    )
    certify.add_argument("public", type=Path, help="PEM file with the public key")
    certify.add_argument("output", type=Path, help="file to write, for --x5c or PVS_X5C")
    certify.add_argument(
        "--authority", type=Path, required=True, metavar="DIR",
        help="directory with the ca.key.pem and ca.crt of the root",
    )  # fmt: skip
    certify.add_argument("--common-name", required=True, help="name in the certificate")
    certify.add_argument("--days", type=int, default=keys.DAYS, help="validity of the certificate")
    certify.set_defaults(run=_certify)


def _declare_boot(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    public = verbs.add_parser(
        "boot-key",
        help="write the public half of a key as GRUB embeds it",
        description=(
            "Write the public half of an RSA key in OpenPGP form, "
            "for grub-mkimage --pubkey or gpg --import."
        ),
    )
    public.add_argument("output", type=Path, help="file to write")
    key_options.declare_signer(public)
    public.set_defaults(run=_write_boot_key)
    sign = verbs.add_parser(
        "sign-boot",
        help="sign a file that GRUB reads",
        description=(
            "Write FILE.sig, a detached OpenPGP signature that a GRUB with this key in it verifies."
        ),
    )
    sign.add_argument("file", type=Path, nargs="+", help="file to sign, such as oem.env")
    key_options.declare_signer(sign)
    sign.set_defaults(run=_sign_boot)


def _declare_efi(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    efi = verbs.add_parser(
        "sign-efi",
        help="sign a program for UEFI Secure Boot",
        description=(
            "Add a signature to an EFI program, for firmware that has the certificate in its db. "
            "The same program and key make the same bytes: no time is noted."
        ),
    )
    efi.add_argument("program", type=Path, help="the program, such as that of GRUB, or a kernel")
    efi.add_argument("output", type=Path, help="file to write")
    key_options.declare_signer(efi)
    efi.set_defaults(run=_sign_efi)


def _certify(options: argparse.Namespace, console: Console) -> None:
    _check_output(options.output)
    made = keys.certify(
        options.public, options.authority, common_name=options.common_name, days=options.days
    )
    atomic.write(options.output, keys.as_pem(made))
    console.line(f"{options.output} is written")


def _write_boot_key(options: argparse.Namespace, console: Console) -> None:
    _check_output(options.output)
    atomic.write(options.output, key_options.boot_signer(options).public_key())
    console.line(f"{options.output} is written")


def _sign_boot(options: argparse.Namespace, console: Console) -> None:
    signer = key_options.boot_signer(options)
    for path in options.file:
        _check_file(path, keys.MAX_PROGRAM_BYTES)
        if _PRIVATE in path.read_bytes():
            raise FormatError(f"{path} is a private key, which no boot loader reads", hint="use --key PEM")
    for path in options.file:
        signature = path.with_name(f"{path.name}.sig")
        atomic.write(signature, signer.sign(path))
        console.line(f"{signature} is written")


def _sign_efi(options: argparse.Namespace, console: Console) -> None:
    _check_file(options.program, keys.MAX_PROGRAM_BYTES)
    _check_output(options.output)
    signed = keys.sign_efi(
        options.program.read_bytes(), key_options.signer(options), what=str(options.program)
    )
    atomic.write(options.output, signed)
    console.line(f"{options.output} is written")


def _check_output(path: Path) -> None:
    """Other commands take the key where these take what they write."""
    if path.is_file() and path.stat().st_size <= _MAX_KEY_BYTES and _PRIVATE in path.read_bytes():
        raise FormatError(
            f"{path} is a private key, which would be lost", hint="name another file; the key is for --key"
        )


def _check_file(path: Path, limit: int) -> None:
    if not path.is_file():
        raise NotFound(f"{path} is not a file")
    if path.stat().st_size > limit:
        raise FormatError(f"{path} is larger than {limit} bytes")


def _generate(options: argparse.Namespace, console: Console) -> None:
    if options.if_missing and options.directory.exists():
        return
    try:
        keys.generate(
            options.directory,
            common_name=options.common_name,
            algorithm=options.algorithm,
            days=options.days,
        )
    except PantavisorError:
        # Several processes may ask at once; the first made them for all.
        if options.if_missing and options.directory.exists():
            return
        raise
    console.line(f"{options.directory} holds ca.crt for devices, and key.pem and x5c.pem to sign with; "
                 "keep key.pem and ca.key.pem secret")  # fmt: skip
