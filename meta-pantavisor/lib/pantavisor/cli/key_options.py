# SPDX-License-Identifier: MIT
"""The key options of ``pvr sig``, which may come before its verb or after it, and the signer that they
mean.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, Optional

from .. import digest, jobs, keys
from ..errors import PantavisorError
from ..state import State
from .trust import CACERTS_VARIABLE, PUBKEY_VARIABLE, trusted

DEFAULT_KEYS = Path("pvs-keys")
KEY_VARIABLE = "PVR_SIG_KEY"
CHAIN_VARIABLE = "PVR_X5C_PATH"
PIN_VARIABLE = "PVR_PKCS11_PIN"
NO_CHAIN = Path("no")


def declare_chain(parser: argparse.ArgumentParser, *, after_verb: bool = False) -> None:
    _declare(parser, after_verb, "--x5c", type=Path, metavar="PEM",
             help="certificates of the key, leaf first, or no; "
                  f"default: {CHAIN_VARIABLE}, {DEFAULT_KEYS}/x5c.pem")  # fmt: skip


def declare_signer(parser: argparse.ArgumentParser, *, after_verb: bool = False) -> None:
    """What signs; ``after_verb`` where the noun declares the same options before the verb."""
    _declare(parser, after_verb, "--key", type=Path, metavar="PEM",
             help=f"private key; default: {KEY_VARIABLE}, {DEFAULT_KEYS}/key.pem")  # fmt: skip
    declare_chain(parser, after_verb=after_verb)
    _declare(parser, after_verb, "--command", dest="signer", metavar="PROGRAM",
             help="program that signs in place of a key: bytes in, signature out")  # fmt: skip
    _declare(parser, after_verb, "--pkcs11", type=Path, metavar="MODULE",
             help=f"library of a token that signs in place of a key; PIN: {PIN_VARIABLE}")  # fmt: skip
    _declare(parser, after_verb, "--token", default="", metavar="LABEL", help="label of the token")
    _declare(parser, after_verb, "--label", default="", metavar="LABEL", help="label of the key on it")


def declare_release(parser: argparse.ArgumentParser) -> None:
    """Which release a set is signed as."""
    parser.add_argument(
        "--release", type=int, metavar="NUMBER",
        help="number of the release, which rises; default: one more than the committed one",
    )  # fmt: skip


def declare_trust(parser: argparse.ArgumentParser, *, after_verb: bool = False) -> None:
    """What signatures are checked against."""
    _declare(parser, after_verb, "--cacerts", type=Path, metavar="PEM",
             help="root certificates to check against; "
                  f"default: {CACERTS_VARIABLE}, {DEFAULT_KEYS}/ca.crt")  # fmt: skip
    _declare(parser, after_verb, "--pubkey", type=Path, metavar="PEM",
             help="public keys, any of which a signature may be by; "
                  f"default: {PUBKEY_VARIABLE}")  # fmt: skip


def declare_roots(parser: argparse.ArgumentParser) -> None:
    """The roots that a command cannot do without."""
    parser.add_argument(
        "--trust", type=Path, metavar="PEM",
        help=f"roots to check by; default: {CACERTS_VARIABLE}, {DEFAULT_KEYS}/ca.crt",
    )  # fmt: skip


def roots(options: argparse.Namespace) -> bytes:
    """What ``declare_roots`` asked for, in PEM form."""
    found = trusted(options.trust, None, default=DEFAULT_KEYS / "ca.crt")
    assert found is not None
    return found


def boot_signer(options: argparse.Namespace) -> keys.BootSigner:
    """What signs for GRUB, which reads no certificates: of a key in a file none is needed. Raises
    PantavisorError.
    """
    _check_one_way(options)
    if options.x5c is None and options.pkcs11 is None and options.signer is None:
        return keys.BootSigner.load(_key(options))
    return keys.BootSigner.of(signer(options))


def signer(options: argparse.Namespace) -> keys.Signer:
    """Whatever signs, ready to do so. Raises PantavisorError."""
    _check_one_way(options)
    path = chain(options)
    if options.pkcs11:
        pin = os.environ.get(PIN_VARIABLE)
        if pin is None:
            # On the command line all users of the machine could read it.
            raise PantavisorError(
                "the token's PIN is not known", hint=f"put it into the environment as {PIN_VARIABLE}"
            )
        return keys.TokenSigner.load(
            options.pkcs11, _needed(path), token=options.token, label=options.label, pin=pin
        )
    if options.signer is not None:
        return keys.CommandSigner.load(keys.words(options.signer, what="--command"), _needed(path))
    return keys.PemSigner.load(_key(options), path)


def signing(options: argparse.Namespace) -> jobs.Signing:
    """The same for a job. Raises PantavisorError."""
    _check_one_way(options)
    has_file = options.pkcs11 is None and options.signer is None
    return jobs.Signing(
        key=_key(options) if has_file else None,
        x5c=_needed(chain(options)),
        command=options.signer,
        module=options.pkcs11,
        token=options.token or None,
        label=options.label or None,
    )


def _check_one_way(options: argparse.Namespace) -> None:
    ways = (("--key", options.key), ("--command", options.signer), ("--pkcs11", options.pkcs11))
    named = [flag for flag, value in ways if value is not None]
    if len(named) > 1:
        raise PantavisorError(f"{' and '.join(named)} are two ways to sign", hint="use one of them")
    if options.pkcs11 and not (options.token and options.label):
        raise PantavisorError("a token may hold many keys", hint="use --token LABEL and --label LABEL")
    if not options.pkcs11 and (options.token or options.label):
        flag = "--token" if options.token else "--label"
        raise PantavisorError(f"{flag} is for a key on a token", hint="add --pkcs11 MODULE")


def check_secrecy(options: argparse.Namespace, state: State) -> None:
    """Raise where the private key is a file of the state, under whatever name:
    each export would hold it.
    """
    if options.pkcs11 or options.signer is not None:
        return
    key_id = digest.file_sha256(_key(options))
    for path, object_id in state.objects().items():
        if object_id == key_id:
            hint = f"move {path} away, then: pvr commit, pvr gc; if it was exported, make new keys"
            raise PantavisorError(f"{path} of the state is the signing key itself", hint=hint)


def _key(options: argparse.Namespace) -> Path:
    return options.key or default(KEY_VARIABLE, "key.pem")


def chain(options: argparse.Namespace) -> Optional[Path]:
    """Where the certificates are that a signature carries, or None if it shall carry none."""
    path: Path = options.x5c or default(CHAIN_VARIABLE, "x5c.pem")
    return None if path == NO_CHAIN else path


def _declare(parser: argparse.ArgumentParser, after_verb: bool, *flags: str, **words: Any) -> None:
    if after_verb:
        # A default here would take the place of what was given before the verb.
        words["default"] = argparse.SUPPRESS
    parser.add_argument(*flags, **words)


def _needed(path: Optional[Path]) -> Path:
    if path is None:
        raise PantavisorError("without certificates it is not known which key signs", hint="use --x5c PEM")
    return path


def default(variable: str, name: str) -> Path:
    """Where the published tool's variable points to, or a file of the usual folder."""
    return Path(os.environ.get(variable) or DEFAULT_KEYS / name)
