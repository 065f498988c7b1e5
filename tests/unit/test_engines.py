# SPDX-License-Identifier: MIT
"""The two that compute signatures: the same keys are read, the same bytes made, the same signatures taken.

An openssl before 3.2 makes no ECDSA that is the same each time.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pantavisor import keys
from pantavisor.errors import FormatError, PantavisorError
from pantavisor.keys import der, engine, pem, publickey, x509
from pantavisor.keys.package import PackageEngine
from pantavisor.keys.program import ProgramEngine

KEYS = Path(__file__).resolve().parents[1] / "vectors/keys"
ENGINES = (PackageEngine(), ProgramEngine())
ALGORITHMS = ("RS256", "ES256", "ES384", "ES512")
DIGEST = hashlib.sha256(b"data").digest()


@pytest.fixture(autouse=True)
def chosen() -> Iterator[None]:
    yield
    engine.engine.cache_clear()


def choose(one: engine.Engine, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "_has_package", lambda: isinstance(one, PackageEngine))
    engine.engine.cache_clear()


@pytest.fixture(scope="module")
def blocks() -> dict[str, bytes]:
    return {name: PackageEngine().make(name, 2048) for name in ALGORITHMS}


def repeats_ecdsa() -> bool:
    words = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"OpenSSL (\d+)\.(\d+)", words)
    return found is not None and tuple(map(int, found.groups())) >= (3, 2)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_public_half_is_the_same(name: str, blocks: dict[str, bytes]) -> None:
    first, second = (one.load(blocks[name]).info for one in ENGINES)
    assert first == second and publickey.parse(first).algorithm == name


@pytest.mark.parametrize("name", ALGORITHMS)
def test_what_one_signs_both_take_and_nothing_else(name: str, blocks: dict[str, bytes]) -> None:
    for maker, judge in itertools.product(ENGINES, ENGINES):
        if isinstance(maker, ProgramEngine) and name != "RS256" and not repeats_ecdsa():
            continue
        key = maker.load(blocks[name])
        public, made = publickey.parse(key.info), key.sign("sha256", DIGEST)
        assert judge.verify(public, "sha256", DIGEST, made)
        assert not judge.verify(public, "sha256", hashlib.sha256(b"other").digest(), made)
        assert not judge.verify(public, "sha384", hashlib.sha384(b"data").digest(), made)
        assert not judge.verify(public, "sha256", DIGEST, made[:-1] + bytes([made[-1] ^ 1]))
        assert not judge.verify(public, "sha256", DIGEST, b"")


def test_rsa_signatures_are_the_same_bytes(blocks: dict[str, bytes]) -> None:
    first, second = (one.load(blocks["RS256"]).sign("sha256", DIGEST) for one in ENGINES)
    assert first == second


@pytest.mark.parametrize("name", ALGORITHMS[1:])
def test_ecdsa_signatures_are_the_same_bytes_or_refused(name: str, blocks: dict[str, bytes]) -> None:
    key = ProgramEngine().load(blocks[name])
    if repeats_ecdsa():
        assert key.sign("sha256", DIGEST) == PackageEngine().load(blocks[name]).sign("sha256", DIGEST)
        return
    with pytest.raises(PantavisorError, match="same bytes each time") as caught:
        key.sign("sha256", DIGEST)
    assert "3.2" in (caught.value.hint or "")


@pytest.mark.parametrize("one", ENGINES, ids=["package", "program"])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_new_keys_are_of_their_kind(one: engine.Engine, name: str) -> None:
    block = one.make(name, 2048)
    assert block.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert all(publickey.parse(each.load(block).info).algorithm == name for each in ENGINES)


@pytest.mark.parametrize("one", ENGINES, ids=["package", "program"])
def test_damaged_private_key_is_refused_and_not_quoted(
    one: engine.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(one, monkeypatch)
    path = tmp_path / "key.pem"
    path.write_text("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n")
    with pytest.raises(FormatError, match="cannot be read") as caught:
        pem.load_private_key(path)
    assert "c2VjcmV0" not in str(caught.value) and caught.value.__cause__ is None


def test_program_makes_keys_whose_chain_openssl_itself_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(ENGINES[1], monkeypatch)
    keys.generate(tmp_path / "k", common_name="a,b", days=1)
    assert isinstance(engine.engine(), ProgramEngine)
    words = ["openssl", "verify", "-x509_strict", "-CAfile", tmp_path / "k/ca.crt", tmp_path / "k/x5c.pem"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    signer = keys.PemSigner.load(tmp_path / "k/key.pem", tmp_path / "k/x5c.pem")
    assert len(signer.sign(b"data")) == 3072 // 8
    assert keys.subject_of(signer.x5c[0], what="it") == r"CN=a\,b"


def test_without_either_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_has_package", lambda: False)
    monkeypatch.setattr(engine.proc, "find", lambda tool: None)
    engine.engine.cache_clear()
    with pytest.raises(PantavisorError, match="neither the Python package cryptography") as caught:
        engine.engine()
    assert "install" in (caught.value.hint or "")


def test_key_of_the_program_is_in_no_argument_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocks: dict[str, bytes]
) -> None:
    real = shutil.which("openssl")
    log = tmp_path / "log"
    look = 'for word; do echo "$word"; [ -f "$word" -a "$word" != /dev/stdin ] && cat "$word"; done'
    script = f'#!/bin/sh\n{look} >> {log}\nexec {real} "$@"\n'
    (tmp_path / "openssl").write_text(script)
    (tmp_path / "openssl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert ProgramEngine().load(blocks["RS256"]).sign("sha256", DIGEST)
    seen = log.read_bytes()
    assert b"pkeyutl" in seen and b"PRIVATE" not in seen


@pytest.mark.parametrize("name", ALGORITHMS[1:])
def test_point_off_the_curve_is_not_a_key(name: str, blocks: dict[str, bytes]) -> None:
    info = bytearray(PackageEngine().load(blocks[name]).info)
    info[-1] ^= 1
    with pytest.raises(ValueError, match="point of"):
        publickey.parse(bytes(info))


def test_rsa_key_of_two_numbers_is_that_of_the_package(blocks: dict[str, bytes]) -> None:
    key = publickey.parse(PackageEngine().load(blocks["RS256"]).info)
    assert publickey.of_rsa(key.modulus, key.exponent) == key


@pytest.mark.parametrize("number", [0, 1, 127, 128, 255, 256, 2**255, 2**256 - 1])
def test_numbers_are_written_as_they_are_read(number: int) -> None:
    reader = der.DerReader(der.number(number))
    assert reader.natural() == number and not reader


def test_certificates_of_the_vectors_are_read_by_their_keys() -> None:
    for path in KEYS.glob("*.crt"):
        (root, *_) = pem.parse_chain(path.read_bytes(), str(path))
        assert isinstance(root, x509.Certificate) and root.key.info in root.der
