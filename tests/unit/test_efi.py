# SPDX-License-Identifier: MIT
"""Programs signed for UEFI Secure Boot, against sbsigntool's sbverify and sbsign."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pantavisor import cli, keys
from pantavisor.errors import FormatError
from sim import tools
from sim.efi import HEADERS, OPTIONAL
from sim.efi import program as efi

CERTIFICATES = OPTIONAL + 112 + 8 * 4  # where the header says where signatures are


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("efi")
    for name in ("db", "other"):
        keys.generate(root / name, common_name=name)
    keys.generate(root / "ec", common_name="ec", algorithm="ES256")
    return root


def signer(folder: Path, name: str = "db") -> keys.PemSigner:
    return keys.PemSigner.load(folder / name / "key.pem", folder / name / "x5c.pem")


def verified(program: Path, folder: Path, name: str = "db") -> bool:
    words = [tools.need("sbverify", package="sbsigntool"), "--cert", folder / name / "x5c.pem", program]
    return subprocess.run(words, capture_output=True, timeout=600).returncode == 0


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("length", [1200, 1201, 1207])
def test_sbverify_takes_what_is_signed(folder: Path, tmp_path: Path, wide: bool, length: int) -> None:
    made = keys.sign_efi(efi(bytes(length), wide=wide), signer(folder), what="x")
    (tmp_path / "signed").write_bytes(made)
    assert verified(tmp_path / "signed", folder) and not verified(tmp_path / "signed", folder, "other")
    (tmp_path / "changed").write_bytes(made[:600] + b"x" + made[601:])
    assert not verified(tmp_path / "changed", folder)
    assert keys.sign_efi(efi(bytes(length), wide=wide), signer(folder), what="x") == made


def test_a_signature_of_another_stays(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(efi())
    words = ["--key", folder / "other/key.pem", "--cert", folder / "other/x5c.pem", "--output"]
    tools.run("sbsign", *words, tmp_path / "one", tmp_path / "plain")
    both = keys.sign_efi((tmp_path / "one").read_bytes(), signer(folder), what="x")
    (tmp_path / "both").write_bytes(both)
    assert verified(tmp_path / "both", folder) and verified(tmp_path / "both", folder, "other")
    tools.run("sbsign", "--key", folder / "db/key.pem", "--cert", folder / "db/x5c.pem",
              "--output", tmp_path / "three", tmp_path / "both")  # fmt: skip
    assert verified(tmp_path / "three", folder, "other")


def test_a_signature_of_another_stays_where_its_table_has_no_padding(folder: Path, tmp_path: Path) -> None:
    one = keys.sign_efi(efi(), signer(folder, "other"), what="x")
    start, _ = struct.unpack_from("<II", one, CERTIFICATES)
    (size,) = struct.unpack_from("<I", one, start)
    assert size % 8, "this key leaves padding to be cut"
    short = one[:CERTIFICATES] + struct.pack("<II", start, size) + one[CERTIFICATES + 8 : start + size]
    (tmp_path / "both").write_bytes(keys.sign_efi(short, signer(folder), what="x"))
    assert verified(tmp_path / "both", folder) and verified(tmp_path / "both", folder, "other")


@pytest.mark.parametrize("length", [0, 7, 16, 0xFFFFFFF8])
def test_a_table_of_signatures_that_firmware_cannot_read_is_refused(folder: Path, length: int) -> None:
    one = bytearray(keys.sign_efi(efi(), signer(folder, "other"), what="x"))
    start, _ = struct.unpack_from("<II", one, CERTIFICATES)
    struct.pack_into("<I", one, start, length)
    with pytest.raises(FormatError, match="its table of signatures is damaged"):
        keys.sign_efi(bytes(one), signer(folder), what="x")


def test_a_program_signs(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(efi())
    program = f"openssl dgst -sha256 -sign {folder}/db/key.pem"
    words = ["--command", program, "--x5c", str(folder / "db/x5c.pem")]
    assert cli.main(["keys", "sign-efi", *words, str(tmp_path / "plain"), str(tmp_path / "signed")]) == 0
    assert (tmp_path / "signed").read_bytes() == keys.sign_efi(efi(), signer(folder), what="x")


def test_what_firmware_does_not_verify_is_refused(folder: Path) -> None:
    good = efi()
    for wrong, words in (
        (b"", "not an EFI program"),
        (b"\x7fELF" + good[4:], "does not begin as one"),
        (good[:OPTIONAL] + b"\0\0" + good[OPTIONAL + 2 :], "of an unknown kind"),
        (good[:-9], "it is cut off"),
        (efi(padding=64), "gap between its sections"),
        (keys.sign_efi(good, signer(folder), what="x") + b"more", "not at its end"),
    ):
        with pytest.raises(FormatError, match=words):
            keys.sign_efi(wrong, signer(folder), what="x")


@pytest.mark.parametrize("name, chain", [("ec", True), ("db", False)])
def test_a_key_by_which_firmware_does_not_verify_is_refused(folder: Path, name: str, chain: bool) -> None:
    path = folder / name
    by = keys.PemSigner.load(path / "key.pem", path / "x5c.pem" if chain else None)
    with pytest.raises(FormatError, match="by an RSA key with its certificate"):
        keys.sign_efi(efi(), by, what="x")


class Nothing:
    """Signs by no key: here only what is read before counts."""

    algorithm = "RS256"

    def __init__(self, folder: Path) -> None:
        self.x5c, self.public = signer(folder).x5c, signer(folder).public

    def sign(self, data: bytes) -> bytes:
        return bytes(256)


@settings(max_examples=500, deadline=None)
@given(st.integers(0, HEADERS - 4), st.binary(min_size=1, max_size=4), st.integers(0, 1800))
def test_a_mutated_program_is_signed_or_refused(folder: Path, at: int, new: bytes, size: int) -> None:
    good = efi()
    bent = (good[:at] + new + good[at + len(new) :])[: size or None]
    try:
        keys.sign_efi(bent, Nothing(folder), what="x")
    except FormatError as error:
        assert error.hint
