# SPDX-License-Identifier: MIT
"""OpenPGP signatures as GRUB reads them, against the real gpg."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from pantavisor import cli, keys
from pantavisor.errors import FormatError, PantavisorError, SignatureError
from sim import efi

VECTORS = Path(__file__).resolve().parents[1] / "vectors/openpgp"
TEXT = b"kernel" * 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("boot")
    for name in ("one", "two"):
        key = rsa.generate_private_key(
            public_exponent=65537, key_size=2048
        )  # quicker to make than a product's
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (root / f"{name}.pem").write_bytes(pem)
    (root / "file").write_bytes(TEXT)
    return root


@pytest.fixture(scope="module")
def gpg(folder: Path) -> "list[str]":
    if not shutil.which("gpg"):
        assert os.environ.get("CI") != "true", "gpg is not installed: run scripts/setup"
        pytest.skip("gpg is not installed")
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    return ["gpg", "--homedir", str(home), "--batch", "--no-autostart", "--trust-model", "always"]


def signer(folder: Path, name: str = "one") -> keys.BootSigner:
    return keys.BootSigner.load(folder / f"{name}.pem")


def trusted(folder: Path, name: str = "one") -> keys.BootKeys:
    return keys.BootKeys.parse(signer(folder, name).public_key(), what="the key")


def run(*argv: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(argv, capture_output=True, text=True, timeout=600)


def test_gpg_takes_the_key_and_verifies_what_it_signed(folder: Path, gpg: "list[str]") -> None:
    (folder / "key.gpg").write_bytes(signer(folder).public_key())
    (folder / "file.sig").write_bytes(signer(folder).sign(folder / "file"))
    imported = run(*gpg, "--import", str(folder / "key.gpg"))
    assert imported.returncode == 0 and "Pantavisor boot key" in imported.stderr, imported.stderr
    good = run(*gpg, "--verify", str(folder / "file.sig"), str(folder / "file"))
    assert good.returncode == 0 and "Good signature" in good.stderr, good.stderr
    (folder / "changed").write_bytes(TEXT[:-1] + b"x")
    assert run(*gpg, "--verify", str(folder / "file.sig"), str(folder / "changed")).returncode == 1


@pytest.mark.parametrize("name", ["sha256", "sha512"])
def test_what_gpg_made_is_read(name: str) -> None:
    store = keys.BootKeys.parse((VECTORS / "key.gpg").read_bytes(), what="key.gpg")
    signature = (VECTORS / f"file.{name}.sig").read_bytes()
    store.verify(signature, [(VECTORS / "file").read_bytes()], what="file.sig")
    with pytest.raises(SignatureError, match="does not match the file"):
        store.verify(signature, [b"another"], what="file.sig")


def test_the_same_key_and_file_make_the_same_bytes(folder: Path) -> None:
    assert signer(folder).public_key() == signer(folder).public_key()
    made = signer(folder).sign(folder / "file")
    assert made == signer(folder).sign(folder / "file")
    trusted(folder).verify(made, [TEXT[:1000], TEXT[1000:]], what="file.sig")


def test_another_file_or_another_key_is_refused(folder: Path) -> None:
    made = signer(folder).sign(folder / "file")
    with pytest.raises(SignatureError, match="does not match the file"):
        trusted(folder).verify(made, [TEXT, b"x"], what="file.sig")
    with pytest.raises(SignatureError, match="does not trust"):
        trusted(folder, "two").verify(made, [TEXT], what="file.sig")


def test_a_key_that_grub_does_not_know_is_refused_by_name(tmp_path: Path) -> None:
    keys.generate(tmp_path / "ec", common_name="ec", algorithm="ES256")
    with pytest.raises(FormatError, match="the boot key is not an RSA key") as caught:
        keys.BootSigner.load(tmp_path / "ec" / "key.pem")
    assert caught.value.hint and "pvr keys generate" in caught.value.hint


def test_commands_write_the_key_and_the_signatures(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = str(folder / "one.pem")
    assert cli.main(["keys", "boot-key", "--key", key, str(folder / "public")]) == 0
    (folder / "oem.env").write_bytes(b"oem")
    assert cli.main(["keys", "sign-boot", "--key", key, str(folder / "oem.env"), str(folder / "file")]) == 0
    store = keys.BootKeys.parse((folder / "public").read_bytes(), what="public")
    store.verify((folder / "oem.env.sig").read_bytes(), [b"oem"], what="oem.env.sig")
    store.verify((folder / "file.sig").read_bytes(), [TEXT], what="file.sig")
    assert cli.main(["keys", "sign-boot", "--key", key, str(folder / "none")]) == 2
    assert cli.main(["keys", "sign-boot", "--key", key, key]) == 2 and not Path(f"{key}.sig").exists()
    assert "none is not a file" in capsys.readouterr().err and not (folder / "none.sig").exists()


def test_no_output_takes_the_place_of_a_private_key(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, words = folder / "one.pem", ["--key", str(folder / "one.pem")]
    before = key.read_bytes()
    keys.generate(folder / "root", common_name="root")
    (folder / "program").write_bytes(efi.program())
    authority = ["--authority", str(folder / "root"), "--common-name", "x"]
    run("openssl", "pkey", "-in", str(key), "-pubout", "-out", str(folder / "public.pem"))
    for line in (
        ["boot-key", *words, str(key)],
        ["certify", *authority, str(folder / "public.pem"), str(key)],
        ["sign-efi", "--key", str(folder / "root/key.pem"), "--x5c", str(folder / "root/x5c.pem"),
         str(folder / "program"), str(key)],
    ):  # fmt: skip
        assert cli.main(["keys", *line]) == 2
        said = capsys.readouterr().err
        assert f"{key} is " in said and "would be lost" in said and "hint: name another file" in said
        assert key.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--token", "product"], "--token is for a key on a token"),
        (["--label", "boot"], "--label is for a key on a token"),
        (["--command", ""], "--key and --command are two ways to sign"),
    ],
)
def test_a_boot_key_elsewhere_is_not_replaced_by_a_file(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    """Half of what names a key on a token had the key in the file sign, without a word."""
    output = folder / "no-public"
    assert cli.main(["keys", "boot-key", "--key", str(folder / "one.pem"), *words, str(output)]) == 2
    assert says in capsys.readouterr().err and not output.exists()


def test_the_private_key_does_not_show(folder: Path) -> None:
    assert repr(signer(folder)) == "BootSigner()"


def test_every_changed_byte_and_every_cut_of_a_signature_is_refused(folder: Path) -> None:
    made, store = signer(folder).sign(folder / "file"), trusted(folder)
    for at in range(len(made)):
        with pytest.raises(SignatureError):
            store.verify(made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :], [TEXT], what="file.sig")
    for size in range(len(made)):
        with pytest.raises(SignatureError):
            store.verify(made[:size], [TEXT], what="file.sig")
    for more in (made + made, made + b"\x89\x00\x00", b"\x00" + made, bytes(5000)):
        with pytest.raises(SignatureError):
            store.verify(more, [TEXT], what="file.sig")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_garbage_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(PantavisorError):
        keys.BootKeys.parse(data, what="garbage")
    with pytest.raises(PantavisorError):
        keys.BootKeys({}).verify(data, [], what="garbage")
