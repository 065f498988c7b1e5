# SPDX-License-Identifier: MIT
"""Public keys of the kinds that devices verify, as ``publickey.c`` of the runtime: RSA of 2048 to 8192
bits, and points of P-256, P-384 and P-521.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import FormatError
from . import der
from .der import SEQUENCE, DerReader

RSA_BITS = range(2048, 8192 + 1)
MAX_EXPONENT = 2**32
RSA = bytes.fromhex("300d06092a864886f70d0101010500")
RS256 = "RS256"


def is_rsa(algorithm: str) -> bool:
    """Whether keys of this algorithm of signatures are RSA; the others are on curves."""
    return algorithm == RS256


@dataclass(frozen=True)
class Curve:
    """y² = x³ - 3x + ``b`` modulo ``p``; ``name`` is openssl's, ``coordinate`` has that many bytes."""

    name: str
    coordinate: int
    identifier: bytes
    p: int
    b: int

    def holds(self, point: bytes) -> bool:
        """Whether it is a point of the curve, uncompressed."""
        if len(point) != 1 + 2 * self.coordinate or point[0] != 4:
            return False
        middle = 1 + self.coordinate
        x, y = (int.from_bytes(half, "big") for half in (point[1:middle], point[middle:]))
        return x < self.p and y < self.p and (y * y - x * (x * x - 3) - self.b) % self.p == 0


CURVES = {
    "ES256": Curve(
        "P-256",
        32,
        bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107"),
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    ),
    "ES384": Curve(
        "P-384",
        48,
        bytes.fromhex("301006072a8648ce3d020106052b81040022"),
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    ),
    "ES512": Curve(
        "P-521",
        66,
        bytes.fromhex("301006072a8648ce3d020106052b81040023"),
        2**521 - 1,
        int(
            "51953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109"
            "E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00",
            16,
        ),
    ),
}


@dataclass(frozen=True)
class PublicKey:
    """A key that can be used. ``info`` is its SubjectPublicKeyInfo in DER; RSA has the two numbers."""

    info: bytes
    algorithm: str  # as JWS calls it
    modulus: int = 0
    exponent: int = 0

    @property
    def coordinate(self) -> int:
        """Bytes of one coordinate, 0 for RSA."""
        return CURVES[self.algorithm].coordinate if self.algorithm in CURVES else 0


def parse(info: bytes) -> PublicKey:
    """Raises ValueError for what devices do not verify by."""
    fields = DerReader(DerReader(info).only(SEQUENCE))
    identifier, bits = fields.whole(SEQUENCE), fields.bits()
    fields.end()
    if identifier == RSA:
        return _rsa(info, bits)
    for algorithm, curve in CURVES.items():
        if identifier == curve.identifier and curve.holds(bits):
            return PublicKey(info, algorithm)
    raise ValueError("its key is neither RSA nor a point of P-256, P-384 or P-521")


def read(info: bytes, *, what: str) -> PublicKey:
    """As ``parse``; FormatError naming ``what``."""
    try:
        return parse(info)
    except ValueError as error:
        raise FormatError(
            f"{what} is of a kind that devices do not verify",
            hint=f"use RSA of {RSA_BITS[0]} to {RSA_BITS[-1]} bits, or EC on P-256, P-384 or P-521",
        ) from error


def of_rsa(modulus: int, exponent: int) -> PublicKey:
    """The key of two numbers. Raises ValueError."""
    numbers = der.value(SEQUENCE, der.number(modulus), der.number(exponent))
    return parse(der.value(SEQUENCE, RSA, der.bit_string(numbers)))


def _rsa(info: bytes, bits: bytes) -> PublicKey:
    numbers = DerReader(DerReader(bits).only(SEQUENCE))
    modulus, exponent = numbers.natural(), numbers.natural()
    numbers.end()
    is_odd = modulus & exponent & 1
    if modulus.bit_length() not in RSA_BITS or not is_odd or not 1 < exponent < MAX_EXPONENT:
        raise ValueError(f"an RSA key is not of {RSA_BITS[0]} to {RSA_BITS[-1]} bits with an odd exponent")
    return PublicKey(info, RS256, modulus, exponent)
