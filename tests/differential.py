# SPDX-License-Identifier: MIT
"""The runtime's readers against the library's, on mutated patterns, certificates and states.

Both must accept and refuse the same: what only the device takes was not verified, and what only the host
takes stops a device. One exception: a device verifies the text of a state as it stands, the library its
canonical form, so a text that is not canonical may be refused by the device alone.

    python3 tests/differential.py [--seed N] [--count N] [patterns|certificates|states ...]

The same seed and count make the same inputs.
"""

from __future__ import annotations

import argparse
import base64
import collections
import itertools
import json
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS), str(TESTS.parent / "meta-pantavisor/lib")]

from pantavisor import cjson, keys, pvs  # noqa: E402
from pantavisor.errors import PantavisorError  # noqa: E402
from pantavisor.keys import as_pem  # noqa: E402
from pantavisor.keys.algorithms import raw_ecdsa  # noqa: E402
from pantavisor.state import State  # noqa: E402
from sim import certificates, device  # noqa: E402
from sim.certificates import CODE, LEAF, MIDDLE, ROOT, Pieces  # noqa: E402
from sim.judge import Judge, build  # noqa: E402

ROOTS = as_pem(ROOT.der())
SHOWN = 20


@dataclass(frozen=True)
class Difference:
    """One input on which the readers disagree."""

    kind: str
    input: Any
    device: str
    host: str

    def __str__(self) -> str:
        return f"{self.kind}: device {self.device}; host {self.host}: {self.input!r:.2000}"


Counts = collections.Counter[str]


# --- patterns
# ----------------------------------------------------------------------------------------------------

PATTERN_WORDS = (
    "a",
    "b",
    "ab",
    "*",
    "**",
    "?",
    "/",
    "/**",
    ".",
    "é",
    "_sigs",
    "x.json",
    "-",
    "[",
    "\\",
    "{",
    "\n",
    "alg",
    "pvs",
)
PATH_WORDS = ("a", "b", "ab", "/", ".", "é", "x.json", "_sigs", "aa")


def patterns(judge: Judge, rnd: random.Random, count: int, counts: Counts) -> Iterator[Difference]:
    for _ in range(count):
        pattern = "".join(rnd.choice(PATTERN_WORDS) for _ in range(rnd.randint(0, 8)))
        path = "".join(rnd.choice(PATH_WORDS) for _ in range(rnd.randint(1, 8)))
        if rnd.random() < 0.02:
            pattern += "a" * rnd.randint(490, 520)
        answer, host = judge.pattern(pattern, path), _pattern(pattern, path)
        counts["accepted" if host[0] else "refused"] += 1
        device = answer.yes[0], answer.yes[1] and not answer.yes[2], answer.yes[2]
        if device != host:
            yield Difference("pattern", (pattern, path), str(device), str(host))


def _pattern(pattern: str, path: str) -> tuple[bool, bool, bool]:
    try:
        selection = pvs.Selection((pattern,))
    except PantavisorError:
        return False, False, False
    try:
        selection.check_readings(path)
    except PantavisorError:
        return True, False, True  # whether it matches is never asked
    return True, pvs.matches(pattern, path), False


# --- certificates
# ------------------------------------------------------------------------------------------------


def bent(rnd: random.Random, data: bytes) -> bytes:
    """The bytes with a small damage."""
    if not data:
        return bytes([rnd.randrange(256)])
    at, kind = rnd.randrange(len(data)), rnd.randrange(6)
    if kind == 0:
        return data[:at] + bytes([data[at] ^ 1 << rnd.randrange(8)]) + data[at + 1 :]
    if kind == 1:
        return (
            data[:at]
            + bytes([rnd.choice((0, 1, 2, 3, 4, 5, 6, 0x30, 0x31, 0x80, 0x81, 0x82, 0xA0, 0xA3, 0xFF))])
            + data[at + 1 :]
        )
    if kind == 2:
        return data[:at] + data[at + 1 :]
    if kind == 3:
        return data[:at] + bytes([rnd.randrange(256)]) + data[at:]
    if kind == 4:
        return data[:at]
    end = min(len(data), at + rnd.randint(1, 8))
    return data[:at] + data[at:end] * 2 + data[end:]


def inside(rnd: random.Random, data: bytes) -> bytes:
    """A damage inside a value, whose lengths are made right again all the way up; elsewhere where it has no
    inside.
    """
    if len(data) < 2 or data[0] not in (0x30, 0x31, 0xA0, 0xA3, 0x03, 0x04) or rnd.random() < 0.15:
        return bent(rnd, data)
    head = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
    if data[0] == 3:
        return certificates.tlv(3, data[head : head + 1] + inside(rnd, data[head + 1 :]))
    values = list(_values(data[head:]))
    if not values:
        return certificates.tlv(data[0], bent(rnd, data[head:]))
    at = rnd.randrange(len(values))
    change = rnd.random()
    if change < 0.1:
        values.insert(rnd.randrange(len(values) + 1), values[at])
    elif change < 0.2:
        del values[at]
    elif change < 0.3:
        rnd.shuffle(values)
    else:
        values[at] = inside(rnd, values[at])
    return certificates.tlv(data[0], b"".join(values))


def _values(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + 2 <= len(data):
        head = 2 if data[at + 1] < 0x80 else 2 + (data[at + 1] & 0x7F)
        length = data[at + 1] if head == 2 else int.from_bytes(data[at + 2 : at + head], "big")
        yield data[at : at + head + length]
        at += head + length
    if at < len(data):
        yield data[at:]


EXTENSIONS = (
    certificates.AUTHORITY, certificates.CERTIFIES, certificates.SIGNS, certificates.constraints(),
    certificates.usage(b"\x02\x84"), certificates.purposes(CODE),
    certificates.purposes(certificates.SERVER, CODE),
    certificates.constraints(certificates.CRITICAL, certificates.integer(0)),
    certificates.constraints(certificates.CRITICAL, certificates.integer(1)),
    certificates.extension("1.2.3", b"x"),
    certificates.extension("2.5.29.14", certificates.tlv(4, b"x" * 20)),
)  # fmt: skip


def chain_of(rnd: random.Random) -> list[bytes]:
    """A chain of up to three, with one certificate changed piece by piece and signed again."""
    leaf = LEAF if rnd.random() < 0.5 else certificates.BELOW
    chain = [leaf] if leaf is LEAF else [leaf, MIDDLE]
    if rnd.random() < 0.1:
        chain.append(ROOT)
    at = rnd.randrange(len(chain))
    ders = [pieces.der() for pieces in chain]
    if rnd.random() < 0.2:
        chain[at] = chain[at].but(extensions=tuple(rnd.sample(EXTENSIONS, rnd.randint(0, 4))))
    if rnd.random() < 0.05:
        chain[at] = chain[at].but(version=b"", extensions=rnd.choice([(), chain[at].extensions]))
    ders[at] = _changed(rnd, chain[at])
    if rnd.random() < 0.05:
        rnd.shuffle(ders)
    return ders


def _changed(rnd: random.Random, pieces: Pieces) -> bytes:
    kind = rnd.randrange(8)
    if kind == 0:
        return bent(rnd, pieces.der())
    if kind == 1:
        return inside(rnd, pieces.der())
    if kind == 2:
        return pieces.but(
            signature=inside(rnd, pieces.sign(certificates.sequence(*pieces.tbs_pieces())))
        ).der()
    if kind == 3:
        return pieces.der()
    parts = pieces.tbs_pieces()
    at = rnd.choice([index for index, part in enumerate(parts) if part])
    parts[at] = (bent if kind == 4 else inside)(rnd, parts[at])
    if at == 2 and rnd.random() < 0.7:
        return pieces.but(outer=parts[at]).der(parts)
    return pieces.der(parts)


def certificate_chains(
    judge: Judge, rnd: random.Random, count: int, counts: Counts
) -> Iterator[Difference]:
    for _ in range(count):
        chain = chain_of(rnd)
        answer = judge.chain(ROOTS, "ES256", chain)
        trusted, why = _trusted(chain)
        counts["accepted" if trusted else "refused"] += 1
        if answer.yes[0] != trusted:
            shown = [base64.b64encode(der).decode() for der in chain]
            yield Difference("certificates", shown, answer.why or "accepts", why or "accepts")


_STORE = keys.TrustStore.parse(ROOTS)


def _trusted(chain: list[bytes]) -> tuple[bool, str]:
    try:
        key = _STORE.leaf(chain, what="x").key
        return key.algorithm == "ES256", "it has another algorithm"
    except PantavisorError as error:
        return False, error.message


# --- states
# ------------------------------------------------------------------------------------------------------

OBJECT = "ab" * 32
PATHS = (
    "web/x", "web/a/../b", "web//x", "/web/x", "web/x/", ".pvr/json", ".pv/x", ".pvr", ".pv", ".pvrx/y",
    "_sigs/web2.json", "_sigs/x", "_sigs/a/b.json", "_sigs/run.json", "bsp/src.json", "web/src.json",
    "web/build.json", "Web/run.json", "web/run.json ", "we\u0301b/x", "\ufeffweb/x", "a", "#spec2", "!x",
    '"x', "device.json", "x" * 1025, "web/" + "y" * 300, "bsp/kernel.img", "_config/web/etc/x.json",
    "_config/other/x", "web/run.json/x", "web", "evil/run.json", "web/\x7f", "web/é", "web/.", "..", ".",
    "", "web/\n", "web/\x00", "web/\U0001f600",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    OBJECT, OBJECT.upper(), OBJECT[:-1], {}, [], {"#spec": "pvs@2"}, None, True, 0, 1.5, 10**30, "x", "",
    {"a": None}, {"#spec": "service-manifest-run@1", "name": "evil"}, {"é": "\U0001f600", "\x7f": "\x1f"},
    [[[[[]]]]],
)  # fmt: skip
HEADER_TEXTS = (
    ('"typ":"PVS"', '"typ":"pvs"'), ('"typ":"PVS"', '"typ":"PVS","typ":"PVS"'),
    ('"typ":"PVS"', '"typ":"PVS","crit":[]'), ('"typ":"PVS"', '"typ":"PVS","kid":"x"'),
    ('"typ":"PVS"', '"typ":"PVS","x":"alg"'), ('"typ"', '"t\\u0079p"'), ('"typ":"PVS"', '"typ": "PVS"'),
    ('"alg":"ES256"', '"alg":"ES384"'), ('"alg":"ES256"', '"alg":"none"'),
    ('"alg":"ES256"', '"alg":["ES256"]'), ('"include"', '"includes"'), ('"exclude":[', '"exclude":["**",'),
    ('"exclude":[', '"exclude":["device.json",'), ('"include":[', '"include":["a?","*b",'),
    ('"include":[', '"include":[7,'), ('"include":[', '"include":["web/run.json/**",'),
    ('"include":[', '"include":["\\ud800",'), ("{", "{ ", ), ('"x5c":[', '"x5c":["AAAA",'),
    ('"pvs":{', '"pvs":{"x":{"x":1},'), ("}", "}\n"), ('"pvs"', '"pvs\\u0000"'),
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """A signed device to mutate, and what signs for it."""

    state: dict[str, Any]
    header: str
    roots: bytes
    trust: keys.TrustStore
    signer: keys.Signer

    @classmethod
    def make(cls, folder: Path) -> World:
        made = device.make(folder / "device")
        document = json.loads(made.state.dumps())
        header = pvs.decode(document["_sigs/web.json"]["protected"], "header").decode()
        return cls(document, header, made.trust, keys.TrustStore.parse(made.trust), made.signer())

    def envelope(self, document: dict[str, Any], header: str) -> dict[str, Any]:
        """A signature by the right key with any header, over what its patterns select."""
        protected = pvs.encode(header.encode("utf-8", "surrogatepass"))
        try:
            wanted = json.loads(header)["pvs"]
            selected = {path: value for path, value in document.items() if _selected(path, wanted)}
            payload = cjson.dumps(selected)
        except (ValueError, KeyError, TypeError, AttributeError, PantavisorError):
            payload = b"{}"
        made = self.signer.sign(f"{protected}.{pvs.encode(payload)}".encode())
        return {"#spec": "pvs@2", "protected": protected, "signature": pvs.encode(raw_ecdsa(made, "ES256"))}


def _selected(path: str, wanted: dict[str, list[str]]) -> bool:
    def any_of(patterns: list[str]) -> bool:
        return any(pvs.matches(pattern, path) for pattern in patterns)

    return any_of(wanted["include"]) and not any_of(wanted["exclude"])


def changed_document(rnd: random.Random, world: World) -> dict[str, Any]:
    """A state with one or two members changed, often signed again."""
    document = dict(world.state)
    for _ in range(rnd.choice((1, 1, 2))):
        known, kind = list(document), rnd.randrange(5)
        if kind == 0:
            document[rnd.choice(PATHS)] = rnd.choice(VALUES)
        elif kind == 1:
            document.pop(rnd.choice(known), None)
        elif kind == 2:
            document[rnd.choice(known)] = rnd.choice(VALUES)
        elif kind == 3:
            document[rnd.choice(PATHS)] = document[rnd.choice(known)]
        else:
            path = rnd.choice([path for path in known if path.startswith("_sigs/")] or known)
            document[path] = _bent_envelope(rnd, document[path])
    if rnd.random() < 0.5:
        header = world.header
        if rnd.random() < 0.6:
            header = (
                header.replace(*rnd.choice(HEADER_TEXTS), 1)
                if rnd.random() < 0.8
                else bent_text(rnd, header)
            )
        document["_sigs/web.json"] = world.envelope(document, header)
    return document


def _bent_envelope(rnd: random.Random, value: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("protected"), str):
        return value
    member = rnd.choice(["protected", "signature"])
    text, at = value[member], rnd.randrange(len(value[member]) or 1)
    choices = (
        text + "=",
        text[:-1],
        text + "A",
        text[:at] + rnd.choice("AZaz09-_+/=.\n ") + text[at + 1 :],
        "",
        7,
    )
    return {**value, rnd.choice([member, member, "#spec", "extra"]): rnd.choice(choices)}


def bent_text(rnd: random.Random, text: str) -> str:
    return bent(rnd, text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")


def text_of(rnd: random.Random, world: World) -> bytes:
    """The text of a state: canonical, or with its own ideas of JSON."""
    text = _canonical(changed_document(rnd, world) if rnd.random() < 0.7 else world.state)
    while rnd.random() < 0.4:
        at = rnd.randrange(len(text) or 1)
        kind = rnd.randrange(6)
        if kind == 0:
            text = bent(rnd, text)
        elif kind == 1:
            text = (
                text[:at]
                + rnd.choice([b" ", b"\n", b"\x00", b"\xef\xbb\xbf", b",", b'"', b"\\", b"\xff"])
                + text[at:]
            )
        elif kind == 2 and text[at : at + 1].isalnum():
            text = text[:at] + b"\\u%04x" % text[at] + text[at + 1 :]
        elif kind == 3:
            text += rnd.choice([b"\n", b" ", b"x", b"{}", b"\x00"])
        elif kind == 4:
            member = (
                json.dumps(rnd.choice(list(world.state))).encode()
                + b":"
                + rnd.choice([b"{}", b"null", b"1"])
                + b","
            )
            text = text[:1] + member + text[1:]
        else:
            text = text.replace(
                b":30", rnd.choice([b":30.0", b":3e1", b":030", b":-0", b":1e400", b":NaN", b":30.5"]), 1
            )
    return text


def _canonical(document: dict[str, Any]) -> bytes:
    try:
        return cjson.dumps(document)
    except PantavisorError:
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )


def states(judge: Judge, rnd: random.Random, count: int, counts: Counts) -> Iterator[Difference]:
    with tempfile.TemporaryDirectory() as folder:
        world = World.make(Path(folder))
    for _ in range(count):
        text = text_of(rnd, world)
        answer = judge.state(world.roots, text)
        read, good, canonical, why = _verified(text, world.trust)
        counts["accepted" if good else "refused"] += 1
        device_takes = answer.yes[0] and answer.yes[1]
        if (answer.yes[0] and not read) or (device_takes != good and (device_takes or canonical)):
            yield Difference(
                "state", text.decode("utf-8", "replace"), answer.why or "accepts", why or "accepts"
            )


def _verified(text: bytes, trust: keys.TrustStore) -> tuple[bool, bool, bool, Optional[str]]:
    """Whether the library reads it, whether it holds, whether the text is canonical, and why not."""
    try:
        state = State.parse(text)
        canonical = state.dumps() == text
    except PantavisorError as error:
        return False, False, False, error.message
    try:
        keys.verify_state(state, trust, strict=True)
    except PantavisorError as error:
        return True, False, canonical, error.message
    return True, True, canonical, None


KINDS: dict[str, Callable[[Judge, random.Random, int, Counts], Iterator[Difference]]] = {
    "patterns": patterns,
    "certificates": certificate_chains,
    "states": states,
}


def differences(kind: str, seed: int, count: int, counts: Counts) -> Iterator[Difference]:
    """What the readers disagree on, of ``count`` inputs."""
    with Judge(build()) as judge, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from KINDS[kind](judge, random.Random(seed), count, counts)


def main() -> int:
    """0 where the readers agree on everything."""
    parser = argparse.ArgumentParser(description="Hold the runtime's readers against the library's.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)} (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20_000)
    options = parser.parse_args()
    found = 0
    for kind in options.kinds or KINDS:
        counts = Counts()
        seen = list(itertools.islice(differences(kind, options.seed, options.count, counts), SHOWN))
        for difference in seen:
            print(difference)
        print(f"{kind}: {dict(counts)}, {len(seen)} differences, seed {options.seed}", flush=True)
        found += len(seen)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
