# SPDX-License-Identifier: MIT
"""Signing and trusting, against the published tool's signatures, openssl and two other JOSE
implementations.
"""

import base64
import copy
import datetime
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey, RSAKey
from jwcrypto import jwk, jws
from pantavisor import keys, pvs
from pantavisor.errors import FormatError, NotFound, PantavisorError, SignatureError
from pantavisor.pvs import Selection
from pantavisor.state import State

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
OBJECT = "a" * 64
NOW = datetime.datetime(2026, 12, 1, tzinfo=datetime.timezone.utc)
STATE = State.empty().with_files(
    {
        "web/run.json": {"name": "web", "x": [1.5, "é"]},
        "web/root.squashfs": OBJECT,
        "web/src.json": {},
        "device.json": {},
    }
)
ALGORITHMS = ("RS256", "ES256", "ES384", "ES512")
EXECUTABLE = (sys.executable, "-c")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key directory for each algorithm."""
    root = tmp_path_factory.mktemp("keys")
    for algorithm in ALGORITHMS:
        keys.generate(root / algorithm, common_name="tester", algorithm=algorithm, days=3650, start=NOW)
    return root


def signer(made: Path, algorithm: str = "ES256") -> keys.PemSigner:
    return keys.PemSigner.load(made / algorithm / "key.pem", made / algorithm / "x5c.pem")


def trust(made: Path, algorithm: str = "ES256") -> keys.TrustStore:
    return keys.TrustStore.load(made / algorithm / "ca.crt")


def signed(made: Path, algorithm: str = "ES256") -> State:
    return keys.sign_state(STATE, "web", pvs.container_selection("web"), signer(made, algorithm))


# --- the published tool
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rsa2048", "ec256"])
def test_published_signatures_verify(kind: str) -> None:
    state = State.parse((VECTORS / "states" / f"signed_part_demo_{kind}.json").read_bytes())
    for name in (f"ca.{kind}.crt", f"leaf.{kind}.pub"):
        coverage = keys.verify_state(
            state, keys.TrustStore.load(VECTORS / "keys" / name), strict=False, at=NOW
        )
        assert "demo/run.json" in coverage.protected and coverage.excluded == ("demo/src.json",)
    with pytest.raises(SignatureError, match="not fully covered"):
        keys.verify_state(state, keys.TrustStore.load(VECTORS / "keys" / f"ca.{kind}.crt"), strict=True)


@pytest.mark.parametrize("kind", ["rsa2048", "ec256"])
def test_a_changed_covered_path_breaks_a_published_signature(kind: str) -> None:
    state = State.parse((VECTORS / "states" / f"signed_part_demo_{kind}.json").read_bytes())
    store = keys.TrustStore.load(VECTORS / "keys" / f"ca.{kind}.crt")
    for path in ("demo/run.json", "demo/root.squashfs", "_config/demo/etc/demo.conf"):
        changed: Any = {"x": 1} if path.endswith(".json") else OBJECT
        for bent in (
            state.with_files({path: changed}),
            state.without([path]),
            state.with_files({"demo/added": OBJECT}),
        ):
            with pytest.raises(SignatureError, match=r"_sigs/demo\.json"):
                keys.verify_state(bent, store, strict=False)
    keys.verify_state(state.with_files({"demo/src.json": {}, "other": OBJECT}), store, strict=False)


def test_another_root_is_not_trusted() -> None:
    state = State.parse((VECTORS / "states" / "signed_part_demo_ec256.json").read_bytes())
    with pytest.raises(SignatureError, match="no trusted root"):
        keys.verify_state(state, keys.TrustStore.load(VECTORS / "keys" / "ca.rsa2048.crt"), strict=False)
    with pytest.raises(SignatureError):
        keys.verify_state(state, keys.TrustStore.load(VECTORS / "keys" / "leaf.ec384.pub"), strict=False)
    with pytest.raises(SignatureError):
        keys.verify_state(state, keys.TrustStore(), strict=False)


# --- other implementations
# ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_jwcrypto_and_joserfc_verify_what_we_sign(made: Path, algorithm: str) -> None:
    state = signed(made, algorithm)
    value = state["_sigs/web.json"]
    pem = (
        x509.load_pem_x509_certificate((made / algorithm / "x5c.pem").read_bytes())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    payload = pvs.payload(state, pvs.container_selection("web"))
    text = {
        "protected": value["protected"],
        "signature": value["signature"],
        "payload": pvs.encode(payload),
    }
    token = jws.JWS()
    token.deserialize(json.dumps(text))
    token.verify(jwk.JWK.from_pem(pem))
    key = RSAKey.import_key(pem) if algorithm == "RS256" else ECKey.import_key(pem)
    registry = joserfc_jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = 64 * 1024
    assert joserfc_jws.deserialize_json(text, key, registry=registry).payload == payload


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_openssl_verifies_chain_and_signature(made: Path, algorithm: str, tmp_path: Path) -> None:
    folder = made / algorithm
    run = [
        "openssl",
        "verify",
        "-CAfile",
        folder / "ca.crt",
        "-purpose",
        "any",
        "-attime",
        str(int(NOW.timestamp()) + 9),
    ]
    assert (
        b"OK"
        in subprocess.run([*run, folder / "x5c.pem"], check=True, capture_output=True, timeout=600).stdout
    )
    (found,) = pvs.signatures(signed(made, algorithm))
    (tmp_path / "data").write_bytes(found.signing_input(STATE))
    signature = found.signature
    if algorithm != "RS256":
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        half = len(signature) // 2
        signature = encode_dss_signature(
            int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        )
    (tmp_path / "sig").write_bytes(signature)
    command = ["openssl", "x509", "-in", folder / "x5c.pem", "-noout", "-pubkey"]
    (tmp_path / "pub").write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    digest = {"ES384": "-sha384", "ES512": "-sha512"}.get(algorithm, "-sha256")
    command = [
        "openssl",
        "dgst",
        digest,
        "-verify",
        tmp_path / "pub",
        "-signature",
        tmp_path / "sig",
        tmp_path / "data",
    ]
    assert b"OK" in subprocess.run(command, check=True, capture_output=True, timeout=600).stdout


# --- round trips
# -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_same_state_and_key_give_the_same_signature(made: Path, algorithm: str) -> None:
    assert signed(made, algorithm) == signed(made, algorithm)
    coverage = keys.verify_state(signed(made, algorithm), trust(made, algorithm), strict=False, at=NOW)
    assert coverage.protected == ("web/root.squashfs", "web/run.json")


def test_strict_asks_for_every_path(made: Path) -> None:
    state = signed(made)
    with pytest.raises(SignatureError, match="not fully covered"):
        keys.verify_state(state, trust(made), strict=True)
    state = keys.sign_state(state, "bsp", pvs.bsp_selection(), signer(made))
    assert keys.verify_state(state, trust(made), strict=True).unseen == ()


def test_a_signature_never_covers_itself(made: Path) -> None:
    state = keys.sign_state(STATE, "all", Selection(("web/*", "_sigs/*")), signer(made))
    (found,) = pvs.signatures(state)
    assert found.selection.exclude == ("_sigs/all.json",)
    keys.verify_state(state, trust(made), strict=False)


def test_signing_nothing_is_an_error(made: Path) -> None:
    with pytest.raises(FormatError, match="cover nothing"):
        keys.sign_state(STATE, "wep", pvs.container_selection("wep"), signer(made))
    with pytest.raises(FormatError):
        keys.sign_state(STATE, "../x", pvs.container_selection("web"), signer(made))


def test_resigning_follows_a_change_of_keys(made: Path) -> None:
    old = signed(made).with_files({"odd.json": signed(made)["_sigs/web.json"]})
    new = keys.resign(old, signer(made, "RS256"))
    keys.verify_state(new, trust(made, "RS256"), strict=False)
    assert [found.path for found in pvs.signatures(new)] == ["_sigs/web.json", "odd.json"]
    with pytest.raises(SignatureError):
        keys.verify_state(new, trust(made), strict=False)


@pytest.mark.hostile
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(1, 255), st.sampled_from(["protected", "signature"]))
def test_a_bent_signature_never_verifies(made: Path, at: int, flip: int, member: str) -> None:
    state = signed(made)
    value = dict(state["_sigs/web.json"])
    data = bytearray(pvs.decode(value[member], "x"))
    data[at % len(data)] ^= flip
    value[member] = pvs.encode(bytes(data))
    with pytest.raises(PantavisorError):
        keys.verify_state(state.with_files({"_sigs/web.json": value}), trust(made), strict=False)


def test_the_algorithm_is_tied_to_the_key(made: Path) -> None:
    state, selection = STATE, pvs.container_selection("web")
    protected = pvs.protected_header(selection, algorithm="ES256", x5c=signer(made, "RS256").x5c)
    signature = signer(made).sign(pvs.signing_input(state, selection, protected))
    with pytest.raises(SignatureError, match="is by ES256"):
        bent = state.with_files({"_sigs/web.json": pvs.signature_json(protected, signature)})
        keys.verify_state(bent, trust(made, "RS256"), strict=False)


# --- signing elsewhere
# -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_two_steps_give_the_signature_of_one(made: Path, algorithm: str) -> None:
    by = signer(made, algorithm)
    request = keys.signing_request(
        STATE, "web", pvs.container_selection("web"), algorithm=by.algorithm, x5c=by.x5c
    )
    assert keys.attach(STATE, "web", request, by.sign(request)) == signed(made, algorithm)
    with pytest.raises(SignatureError, match="changed since"):
        keys.attach(STATE.with_files({"web/more": OBJECT}), "web", request, by.sign(request))
    with pytest.raises(SignatureError):
        keys.attach(STATE, "web", request, by.sign(request + b"x"))
    with pytest.raises(PantavisorError):
        keys.attach(STATE, "web", b"nonsense", b"")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384"])
def test_a_command_signs(made: Path, algorithm: str) -> None:
    folder = made / algorithm
    argv = [
        "openssl",
        "dgst",
        "-sha384" if algorithm == "ES384" else "-sha256",
        "-sign",
        str(folder / "key.pem"),
    ]
    by = keys.CommandSigner.load(argv, folder / "x5c.pem")
    state = keys.sign_state(STATE, "web", pvs.container_selection("web"), by)
    keys.verify_state(state, trust(made, algorithm), strict=False)


def test_a_command_does_not_see_the_pin_of_a_token(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build may have one key on a token and another behind a program, which may print its environment."""
    monkeypatch.setenv("PVR_PKCS11_PIN", "1234")
    monkeypatch.setenv("VAULT", "kept")
    words = ("sh", "-c", 'echo "$VAULT ${PVR_PKCS11_PIN-no PIN}" >&2; exit 1')
    chain = next(made.rglob("x5c.pem"))
    with pytest.raises(PantavisorError, match="sh failed with status 1: kept no PIN"):
        keys.CommandSigner.load(words, chain).sign(b"x")


def test_a_command_that_signs_wrongly_is_caught(made: Path) -> None:
    chain = made / "ES256" / "x5c.pem"
    for code in ("print('x')", "import os; os.write(1, bytes(64))", ""):
        with pytest.raises(SignatureError):
            keys.CommandSigner.load([*EXECUTABLE, code], chain).sign(b"data")
    with pytest.raises(PantavisorError, match="failed with status 3"):
        keys.CommandSigner.load([*EXECUTABLE, "raise SystemExit(3)"], chain).sign(b"data")
    with pytest.raises(NotFound):
        keys.CommandSigner.load(["/no/such/signer"], chain).sign(b"data")


def test_a_wrong_signature_is_not_blamed_on_the_state(made: Path) -> None:
    by = keys.CommandSigner.load(
        [*EXECUTABLE, "import os; os.write(1, bytes(range(1, 65)))"], made / "ES256" / "x5c.pem"
    )
    with pytest.raises(SignatureError, match="not an ES256 signature by the key of the certificate"):
        by.sign(b"data")


def test_a_request_is_attached_to_its_own_name_only(made: Path) -> None:
    by = signer(made)
    request = keys.signing_request(STATE, "web", pvs.container_selection("web"), x5c=by.x5c)
    with pytest.raises(SignatureError, match="made for another signature"):
        keys.attach(STATE, "db", request, by.sign(request))


def test_a_request_is_for_the_algorithm_of_its_certificate(made: Path) -> None:
    chain, selection = signer(made, "ES384").x5c, pvs.container_selection("web")
    request = keys.signing_request(STATE, "web", selection, x5c=chain)
    assert b'"alg":"ES384"' in pvs.decode(request.partition(b".")[0].decode(), "header")
    with pytest.raises(FormatError, match="is for ES384, not for RS256"):
        keys.signing_request(STATE, "web", selection, algorithm="RS256", x5c=chain)
    with pytest.raises(FormatError, match="would cover nothing"):
        keys.signing_request(STATE, "absent", pvs.container_selection("absent"), x5c=chain)


def test_no_signature_is_made_that_devices_do_not_read(made: Path) -> None:
    by = replace(signer(made), x5c=signer(made).x5c * 9)
    with pytest.raises(FormatError, match="at most 8"):
        keys.sign_state(STATE, "web", pvs.container_selection("web"), by)


def test_a_signature_over_signatures_is_made_last(made: Path) -> None:
    by, over = signer(made), pvs.Selection(("_sigs/*",))
    state = keys.sign_state(STATE, "web", pvs.container_selection("web"), by)
    state = keys.sign_state(state, "all", over, by)
    changed = state.with_files({"web/more": OBJECT})
    keys.verify_state(keys.resign(changed, by), trust(made), strict=False)
    with pytest.raises(FormatError, match="cover each other"):
        keys.resign(keys.sign_state(state, "zall", over, by), by)


SOFTHSM = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")


@pytest.fixture(scope="session")
def token(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """SoftHSM with a token for each algorithm; it reads its configuration once in a process."""
    module = next((Path(path) for path in SOFTHSM if os.path.exists(path)), None)
    missing = (
        module is None
        or shutil.which("softhsm2-util") is None
        or importlib.util.find_spec("pkcs11") is None
    )
    if missing or module is None:
        assert not os.environ.get("CI"), "softhsm2 and python-pkcs11 are not installed"
        pytest.skip("softhsm2 and python-pkcs11 are not installed")
    root = tmp_path_factory.mktemp("token")
    (root / "tokens").mkdir()
    (root / "conf").write_text(
        f"directories.tokendir = {root}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(root / "conf"))
        for algorithm in ("RS256", "ES256"):
            common = ["softhsm2-util", "--token", algorithm, "--pin", "1234"]
            key = made / algorithm / "key.pem"
            for words in (["--init-token", "--free", "--label", algorithm, "--so-pin", "1234"],
                          ["--import", key, "--label", "signing", "--id", "01"],
                          ["--import", key, "--label", "twice", "--id", "02"],
                          ["--import", made / algorithm / "ca.key.pem", "--label", "twice",
                           "--id", "03"]):  # fmt: skip
                subprocess.run([*common, *words], check=True, timeout=600)
        yield module


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_token_signs(made: Path, algorithm: str, token: Path) -> None:
    by = keys.TokenSigner.load(
        token, made / algorithm / "x5c.pem", token=algorithm, label="signing", pin="1234"
    )
    assert "1234" not in repr(by)
    state = keys.sign_state(STATE, "web", pvs.container_selection("web"), by)
    keys.verify_state(state, trust(made, algorithm), strict=False)
    labels = {"label": "other"}, {"label": "twice"}, {"token": "other"}
    for wrong in (*labels, {"_pin": "0000"}, {"module": Path("/no/such.so")}):
        with pytest.raises(PantavisorError) as caught:
            replace(by, **wrong).sign(b"data")
        assert "1234" not in str(caught.value)


def test_a_token_and_a_program_sign_what_grub_reads(made: Path, token: Path, tmp_path: Path) -> None:
    folder, file = made / "RS256", tmp_path / "kernel"
    file.write_bytes(b"kernel" * 100_000)
    words = ["openssl", "dgst", "-sha256", "-sign", str(folder / "key.pem")]
    elsewhere = (
        keys.TokenSigner.load(token, folder / "x5c.pem", token="RS256", label="signing", pin="1234"),
        keys.CommandSigner.load(words, folder / "x5c.pem"),
    )
    by = keys.BootSigner.load(folder / "key.pem")
    for boot in map(keys.BootSigner.of, elsewhere):
        assert (boot.public_key(), boot.sign(file)) == (by.public_key(), by.sign(file))
    with pytest.raises(SignatureError, match="not an RS256 signature by the key of the certificate"):
        keys.BootSigner.of(replace(elsewhere[1], argv=("printf", "x"))).sign(file)


def test_without_the_package_a_token_names_what_to_install(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    by = keys.TokenSigner.load(Path("/no.so"), made / "ES256" / "x5c.pem", token="t", label="l", pin="p")
    with pytest.raises(NotFound, match=r"pantavisor\[hsm\]"):
        by.sign(b"data")


# --- key files
# ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_generated_files(made: Path, algorithm: str) -> None:
    folder = made / algorithm
    assert sorted(os.listdir(folder)) == ["ca.crt", "ca.key.pem", "key.pem", "x5c.pem"]
    modes = {name: (folder / name).stat().st_mode & 0o777 for name in os.listdir(folder)}
    assert modes == {"ca.crt": 0o644, "ca.key.pem": 0o600, "key.pem": 0o600, "x5c.pem": 0o644}
    assert folder.stat().st_mode & 0o777 == 0o700
    leaf = x509.load_pem_x509_certificate((folder / "x5c.pem").read_bytes())
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    extended = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert usage.digital_signature and list(extended) == [ExtendedKeyUsageOID.CODE_SIGNING]
    assert leaf.not_valid_before_utc == NOW


def test_keys_are_never_overwritten_and_half_made_ones_vanish(made: Path, tmp_path: Path) -> None:
    before = (made / "ES256" / "key.pem").read_bytes()
    with pytest.raises(PantavisorError, match="exists already"):
        keys.generate(made / "ES256", common_name="x", algorithm="ES256")
    assert (made / "ES256" / "key.pem").read_bytes() == before
    for changes in (
        {"algorithm": "ES25"},
        {"days": 0},
        {"days": 10**9},
        {"common_name": ""},
        {"common_name": "x" * 61},
    ):
        with pytest.raises(FormatError):
            keys.generate(
                tmp_path / "new",
                **{"common_name": "x", "algorithm": "ES256", **changes},  # type: ignore[arg-type]
            )
    assert os.listdir(tmp_path) == []


@pytest.mark.hostile
def test_of_many_who_make_keys_at_once_one_reports_it(tmp_path: Path) -> None:
    words = [
        "-m",
        "pantavisor",
        "keys",
        "generate",
        "--if-missing",
        "--algorithm",
        "ES256",
        str(tmp_path / "keys"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(keys.__file__).parents[2])}
    started = [
        subprocess.Popen([sys.executable, *words], env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    said = [process.communicate(timeout=600)[1] for process in started]
    assert [process.returncode for process in started] == [0] * 6, said
    assert len([text for text in said if text]) == 1
    assert os.listdir(tmp_path) == ["keys"]


@pytest.mark.parametrize(
    "form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]
)
@pytest.mark.parametrize("algorithm", ["RS256", "ES384"])
def test_every_pem_form_of_a_key_loads(made: Path, tmp_path: Path, algorithm: str, form: Any) -> None:
    key = serialization.load_pem_private_key((made / algorithm / "key.pem").read_bytes(), None)
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    # As openssl writes it: parameters or a certificate may stand before the key.
    (tmp_path / "key.pem").write_bytes((made / algorithm / "x5c.pem").read_bytes() + pem)
    found = keys.PemSigner.load(tmp_path / "key.pem", made / algorithm / "x5c.pem")
    assert found.algorithm == algorithm and found.sign(b"x") == signer(made, algorithm).sign(b"x")


def test_a_key_shows_nowhere(made: Path, tmp_path: Path) -> None:
    assert "object at" not in repr(signer(made)) and "PRIVATE" not in repr(signer(made))
    secret = base64.b64encode(b"very secret bytes of a key" * 9)
    (tmp_path / "bad.pem").write_bytes(
        b"-----BEGIN PRIVATE KEY-----\n" + secret + b"\n-----END PRIVATE KEY-----\n"
    )
    with pytest.raises(FormatError) as caught:
        keys.PemSigner.load(tmp_path / "bad.pem")
    assert caught.value.__suppress_context__ and secret[:20].decode() not in str(caught.value)


def test_a_damaged_rsa_key_gives_no_signature_away(made: Path, tmp_path: Path) -> None:
    good = serialization.load_pem_private_key((made / "RS256" / "key.pem").read_bytes(), None)
    assert isinstance(good, rsa.RSAPrivateKey)
    numbers = good.private_numbers()
    halves = numbers.dmp1 ^ 4, numbers.dmq1 ^ 4
    bent = rsa.RSAPrivateNumbers(
        numbers.p, numbers.q, numbers.d ^ 4, *halves, numbers.iqmp, numbers.public_numbers
    ).private_key(unsafe_skip_rsa_key_validation=True)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(bent.private_bytes(*form))
    loaded = keys.PemSigner.load(tmp_path / "key.pem", made / "RS256" / "x5c.pem")
    with pytest.raises(SignatureError, match="the private key is damaged"):
        loaded.sign(b"x")


def test_wrong_key_files_are_errors_of_the_user(made: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="check the spelling"):
        keys.PemSigner.load(tmp_path / "none.pem")
    with pytest.raises(FormatError, match="not the key of"):
        keys.PemSigner.load(made / "ES256" / "ca.key.pem", made / "ES256" / "x5c.pem")
    with pytest.raises(FormatError, match="no private key"):
        keys.PemSigner.load(made / "ES256" / "x5c.pem")
    with pytest.raises(FormatError, match="no certificate"):
        keys.TrustStore.load(made / "ES256" / "key.pem")
    key = serialization.load_pem_private_key((made / "ES256" / "key.pem").read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"pw"),
    )
    (tmp_path / "locked.pem").write_bytes(locked)
    with pytest.raises(FormatError, match="encrypted"):
        keys.PemSigner.load(tmp_path / "locked.pem")
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for odd in (weak, ec.generate_private_key(ec.SECP256K1())):
        (tmp_path / "odd.pem").write_bytes(odd.private_bytes(*form))
        with pytest.raises(FormatError, match="do not verify"):
            keys.PemSigner.load(tmp_path / "odd.pem")


# --- chains
# ------------------------------------------------------------------------------------------------------


class Authority:
    """A small certificate authority to bend."""

    def __init__(self, name: str, parent: "Optional[Authority]" = None, **options: Any) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = parent or self
        is_authority, length = options.get("is_authority", True), options.get("length")
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(issuer.name)
            .public_key(self.key.public_key())
        )
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(
            options.get("start", NOW)
        )
        builder = builder.not_valid_after(options.get("end", NOW + datetime.timedelta(days=9)))
        builder = builder.add_extension(
            x509.BasicConstraints(is_authority, length if is_authority else None), critical=True
        )
        for extension, critical in options.get("extensions", ()):
            builder = builder.add_extension(extension, critical=critical)
        self.certificate = builder.sign(issuer.key, hashes.SHA256())

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)


def usage(**yes: bool) -> x509.KeyUsage:
    members = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
               "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**{member: yes.get(member, False) for member in members})


def leaf_of(root: Authority, *chain: Authority, at: Optional[datetime.datetime] = None) -> Any:
    return store_of(root).leaf([link.der for link in chain], what="signature x", at=at).der


def store_of(*roots: Authority) -> keys.TrustStore:
    return keys.TrustStore.parse(
        b"".join(root.certificate.public_bytes(serialization.Encoding.PEM) for root in roots)
    )


ROOT = Authority("root")


def test_chains_of_every_length_lead_to_the_root() -> None:
    first = Authority("first", ROOT)
    second = Authority("second", first)
    leaf = Authority("leaf", second, is_authority=False)
    assert leaf_of(ROOT, leaf, second, first) == leaf.der
    assert leaf_of(ROOT, leaf, second, first, ROOT) == leaf.der
    assert leaf_of(leaf, leaf) == leaf.der
    for wrong in ((leaf, first), (leaf, first, second), (leaf,), (leaf, *[first] * 8), ()):
        with pytest.raises(SignatureError):
            leaf_of(ROOT, *wrong)


@pytest.mark.parametrize(
    "options",
    [{"is_authority": False}, {"extensions": [(usage(digital_signature=True), True)]},
     {"extensions": [(x509.NameConstraints([x509.DNSName("x")], None), True)]},
     {"extensions": [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)]}],
)  # fmt: skip
def test_an_intermediate_that_may_not_issue_is_refused(options: "dict[str, Any]") -> None:
    middle = Authority("middle", ROOT, **options)
    with pytest.raises(SignatureError):
        leaf_of(ROOT, Authority("leaf", middle, is_authority=False), middle)


def test_a_renewed_root_may_stand_behind_its_expired_self() -> None:
    day = datetime.timedelta(days=1)
    old = Authority("twice", end=NOW + day)
    renewed = (
        x509.CertificateBuilder()
        .subject_name(old.name)
        .issuer_name(old.name)
        .public_key(old.key.public_key())
    )
    renewed = renewed.serial_number(7).not_valid_before(NOW).not_valid_after(NOW + 9 * day)
    renewed = renewed.add_extension(x509.BasicConstraints(True, None), critical=True)
    again = copy.copy(old)
    again.certificate = renewed.sign(old.key, hashes.SHA256())
    leaf = Authority("leaf", old, is_authority=False)
    for store in (store_of(old, again), store_of(again, old)):
        assert store.leaf([leaf.der], what="signature x", at=NOW + 2 * day).der == leaf.der
        with pytest.raises(SignatureError, match="valid from"):
            store.leaf([leaf.der], what="signature x", at=NOW + 20 * day)


def test_path_lengths_are_kept() -> None:
    short = Authority("short", length=0)
    middle = Authority("middle", short)
    assert leaf_of(short, Authority("leaf", short, is_authority=False))
    with pytest.raises(SignatureError):
        leaf_of(short, Authority("leaf", middle, is_authority=False), middle)


def test_a_root_of_the_same_name_but_another_key_is_not_trusted() -> None:
    with pytest.raises(SignatureError, match="no trusted root"):
        leaf_of(Authority("root"), Authority("leaf", ROOT, is_authority=False))


def test_usages_of_the_leaf() -> None:
    code, server = ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.SERVER_AUTH
    good = [[], [(x509.ExtendedKeyUsage([server, code]), False)], [(usage(digital_signature=True), True)]]
    bad = [[(x509.ExtendedKeyUsage([server]), False)], [(usage(key_agreement=True), True)]]
    for extensions in good:
        assert leaf_of(ROOT, Authority("leaf", ROOT, is_authority=False, extensions=extensions))
    for extensions in bad:
        with pytest.raises(SignatureError, match="is not for"):
            leaf_of(ROOT, Authority("leaf", ROOT, is_authority=False, extensions=extensions))


def test_dates_count_only_where_a_time_is_given() -> None:
    day = datetime.timedelta(days=1)
    leaf = Authority("leaf", ROOT, is_authority=False, end=NOW + day)
    assert leaf_of(ROOT, leaf) and leaf_of(ROOT, leaf, at=NOW)
    for at in (NOW - day, NOW + 2 * day):
        with pytest.raises(SignatureError, match="valid from 2026-12-01"):
            leaf_of(ROOT, leaf, at=at)
    old = Authority("old", end=NOW + day)
    with pytest.raises(SignatureError):
        leaf_of(old, Authority("leaf", old, is_authority=False), at=NOW + 2 * day)


def test_damaged_certificates_are_errors_of_the_user() -> None:
    for der in (b"", b"x" * 100, ROOT.der[:-9]):
        with pytest.raises(SignatureError, match="damaged"):
            store_of(ROOT).leaf([der], what="signature x")
