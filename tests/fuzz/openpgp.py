# SPDX-License-Identifier: MIT
"""OpenPGP keys and signatures, and the programs that keys are taken out of.

The first byte of an input says what the rest is: 0 keys; 1 a signature, verified over the file that the
vectors sign; 2 a program for EFI.
"""

from __future__ import annotations

import contextlib
import struct

from pantavisor import keys
from pantavisor.errors import PantavisorError
from pantavisor.readers import grub

from .target import VECTORS

WORDS = (
    "\x89",
    "\x99",
    "\x04\x00\x01\x08",
    "\x04\x00\x01\x0a",
    "\x05\x02",
    "\x09\x10",
    "PE\0\0",
    "mods\0\0\0\0",
    "mimg",
)
_FOLDER = VECTORS / "openpgp"
_FILE = (_FOLDER / "file").read_bytes()
_KEYS = keys.BootKeys.parse((_FOLDER / "key.gpg").read_bytes(), what="key.gpg")


def one_input(content: bytes) -> None:
    kind, rest = content[:1], content[1:]
    with contextlib.suppress(PantavisorError):
        if kind == b"\0":
            keys.BootKeys.parse(rest, what="keys")
        elif kind == b"\1":
            _KEYS.verify(rest, [_FILE], what="signature")
            # What is signed, and the signature itself, cannot be others.
            assert any(_core(rest) == _core(seed) for seed in _signatures())
        else:
            with contextlib.suppress(struct.error):
                grub.public_keys(rest)


def _core(signature: bytes) -> bytes:
    return signature[-256:]


def _signatures() -> list[bytes]:
    return [path.read_bytes() for path in sorted(_FOLDER.glob("file.*.sig"))]


def seeds() -> dict[str, bytes]:
    head = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<HH12xHH", 0x8664, 1, 0, 0)
    section = struct.pack("<8sIIII16s", b"mods", 0, 0, 64, 128, b"")
    mods = (
        struct.pack("<IIQQ", 0x676D696D, 0, 24, 64)
        + struct.pack("<II", 4, 20)
        + b"key of a boot"
        + bytes(19)
    )
    found = {f"signature{index}": b"\1" + content for index, content in enumerate(_signatures())}
    return {
        **found,
        "keys": b"\0" + (_FOLDER / "key.gpg").read_bytes(),
        "program": b"\2" + head + section + mods,
    }
