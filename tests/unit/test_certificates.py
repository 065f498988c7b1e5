# SPDX-License-Identifier: MIT
"""Certificates with one damage each: refused with a sentence, wherever they come from."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from pantavisor import inspect, keys, pvs
from pantavisor.errors import FormatError, PantavisorError, SignatureError
from pantavisor.keys import as_pem, x509
from pantavisor.pvs import Signature
from pantavisor.state import State
from sim import certificates as made

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
PATH = "_sigs/demo.json"
STATE = State.parse((VECTORS / "states/signed_part_demo_ec256.json").read_bytes())
ROOTS = keys.TrustStore.load(VECTORS / "keys/ca.ec256.crt")
_SIGNATURE = Signature.parse(PATH, STATE[PATH])
GOOD = _SIGNATURE.x5c[0]
DAMAGES = {
    "version": (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01"),
    "curve": (b"\x2a\x86\x48\xce\x3d\x03\x01\x07", b"\x2a\x86\x48\xce\x3d\x03\x01\x7f"),
    "point": (b"\x03\x42\x00\x04", b"\x03\x42\x00\x05"),
    "algorithm": (b"\x2a\x86\x48\xce\x3d\x04\x03\x02", b"\x2a\x86\x48\xce\x3d\x04\x03\x7f"),
    "extension twice": (b"\x06\x03\x55\x1d\x23", b"\x06\x03\x55\x1d\x0e"),
    "name": (b"\x06\x03\x55\x04\x03\x0c", b"\x06\x03\x55\x04\x03\x05"),
    # Types of a name's text that releases of the library failed on, each in its own way.
    **{
        f"name {kind}": (b"\x06\x03\x55\x04\x03\x0c", b"\x06\x03\x55\x04\x03" + bytes([kind]))
        for kind in (0, 13, 44, 140)
    },
}


def damaged(damage: str) -> bytes:
    old, new = DAMAGES[damage]
    assert old in GOOD
    return GOOD.replace(old, new)


def signed_by(*chain: bytes) -> State:
    protected = pvs.protected_header(_SIGNATURE.selection, algorithm="ES256", x5c=chain)
    return STATE.with_files({PATH: pvs.signature_json(protected, _SIGNATURE.signature)})


def test_good_certificate_is_read() -> None:
    assert x509.read(GOOD).key.algorithm == "ES256"


@pytest.mark.parametrize("damage", DAMAGES)
def test_chain_with_a_damaged_certificate_is_refused(damage: str) -> None:
    for chain in ([damaged(damage)], [GOOD, damaged(damage)]):
        # What does not damage the form breaks the signature over the certificate.
        with pytest.raises(SignatureError, match="damaged certificate|no trusted root|do not form a chain"):
            keys.verify_state(signed_by(*chain), ROOTS, strict=False)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_certificate_is_shown_as_a_problem(damage: str, tmp_path: Path) -> None:
    (tmp_path / ".pvr").mkdir()
    (tmp_path / ".pvr/json").write_bytes(signed_by(damaged(damage)).dumps())
    (revision,) = inspect.inspect(tmp_path).revisions
    assert [item.name for item in revision.signatures if "certificate" in item.problem] == [PATH]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_root_certifies_no_signer(damage: str) -> None:
    with pytest.raises(PantavisorError):
        roots = keys.TrustStore.parse(as_pem(damaged(damage)))
        keys.verify_state(STATE, roots, strict=False)


@pytest.mark.parametrize("damage", ["version", "curve", "point"])
def test_signature_made_elsewhere_by_a_damaged_certificate_is_refused(damage: str) -> None:
    selection = pvs.container_selection("demo")
    with pytest.raises(SignatureError, match="damaged certificate"):
        keys.signing_request(STATE, "demo", selection, x5c=[damaged(damage)])
    header = pvs.protected_header(selection, algorithm="ES256", x5c=[damaged(damage)])
    request = pvs.signing_input(STATE, selection, header)
    with pytest.raises(SignatureError, match="damaged certificate"):
        keys.attach(STATE, "demo", request, bytes(64))


@pytest.mark.parametrize("damage", ["curve", "point"])
def test_signer_with_a_damaged_certificate_is_refused(damage: str, tmp_path: Path) -> None:
    (tmp_path / "x5c.pem").write_bytes(as_pem(damaged(damage)))
    keys.generate(tmp_path / "keys", common_name="x", algorithm="ES256", days=1)
    with pytest.raises(FormatError, match="holds a certificate that devices do not read"):
        keys.PemSigner.load(tmp_path / "keys/key.pem", tmp_path / "x5c.pem")
    with pytest.raises(FormatError, match="holds a certificate that devices do not read"):
        keys.CommandSigner.load(["false"], tmp_path / "x5c.pem")


def test_public_key_of_an_unknown_kind_is_refused() -> None:
    public = (VECTORS / "keys/leaf.ec256.pub").read_text().split("-----")
    der = base64.b64decode(public[2]).replace(*DAMAGES["curve"])
    pem = f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der).decode()}\n-----END PUBLIC KEY-----\n"
    with pytest.raises(FormatError, match="of a kind that devices do not verify"):
        keys.TrustStore.parse(pem.encode())


@pytest.mark.parametrize("case", made.table(), ids=str)
def test_certificates_are_judged_by_the_profile(case: made.Case) -> None:
    try:
        roots = keys.TrustStore.parse(b"\n".join(map(as_pem, case.roots)))
        key = roots.leaf(case.chain, what="signature x").key
    except PantavisorError:
        assert not case.good
        return
    assert (key.algorithm == case.algorithm) == case.good
