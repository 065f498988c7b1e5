# SPDX-License-Identifier: MIT
"""``pvr image``: the same disk image from exports as a build makes, without BitBake and without a job."""

from __future__ import annotations

from pathlib import Path

import pytest
from pantavisor import cli, keys
from sim import built
from sim.pvr_command import PvrCommand


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with exports and device.img, as the jobs of a build make them."""
    folder = tmp_path_factory.mktemp("image")
    built.device(folder, release=3)
    return folder


@pytest.fixture
def pvr(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> PvrCommand:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(built.EPOCH))
    return PvrCommand(capsys)


def words(made: Path, out: Path) -> list[str]:
    given = made / "given"
    exports = [str(made / "made" / f"{name}.tgz") for name in ("web", "safe", "bsp")]
    return [
        "image", *exports, "--out", str(out), "--boot", f"EFI/BOOT/BOOTX64.EFI={given}/loader.efi",
        "--trust", f"{given}/keys/ca.crt",
    ]  # fmt: skip


def signed_by(folder: Path) -> list[str]:
    return ["--key", f"{folder}/key.pem", "--x5c", f"{folder}/x5c.pem"]


def test_exports_become_the_image_of_the_build(made: Path, pvr: PvrCommand, tmp_path: Path) -> None:
    out = tmp_path / "disk.img"
    _, said = pvr.both(*words(made, out), "--release", "3", *signed_by(made / "given/keys"))
    assert "it passed pvr verify --strict" in said
    assert out.read_bytes() == (made / "made/device.img").read_bytes()
    assert Path(f"{out}.bmap").read_bytes() == (made / "made/device.img.bmap").read_bytes()
    pvr("verify", "--strict", "--set", "--trust", f"{made}/given/keys/ca.crt", str(out))


def test_without_a_release_no_key_is_needed(made: Path, pvr: PvrCommand, tmp_path: Path) -> None:
    pvr(*words(made, tmp_path / "disk.img"), "--release", "no")


def test_the_certificate_of_a_signer_in_place_of_the_root_is_warned_of(
    made: Path, pvr: PvrCommand, tmp_path: Path
) -> None:
    """It verifies, and such devices never take another key."""
    leaf = tmp_path / "leaf.crt"
    leaf.write_bytes((made / "given/keys/x5c.pem").read_bytes())
    given = words(made, tmp_path / "disk.img")
    given[-1] = str(leaf)
    said = pvr.both(*given, "--release", "no")[1]
    assert f"warning: {leaf} has no root, but the certificate of " in said
    pvr("verify", "--strict", "--trust", str(leaf), f"{tmp_path}/disk.img")
    with leaf.open("ab") as stream:
        stream.write((made / "given/keys/ca.crt").read_bytes())
    given[given.index("--out") + 1] = str(tmp_path / "second.img")
    assert "has no root" not in pvr.both(*given, "--release", "no")[1]


def test_a_program_signs_the_set_as_well(made: Path, pvr: PvrCommand, tmp_path: Path) -> None:
    program = tmp_path / "sign"
    program.write_text(f"#!/bin/sh\nexec openssl dgst -sha256 -sign {made}/given/keys/key.pem\n")
    program.chmod(0o755)
    chain = ["--x5c", f"{made}/given/keys/x5c.pem"]
    pvr(*words(made, tmp_path / "disk.img"), "--command", str(program), *chain)
    pvr("verify", "--strict", "--set", "--trust", f"{made}/given/keys/ca.crt", f"{tmp_path}/disk.img")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--boot", "grub.efi"], "is not NAME=FILE"),
        (["--boot", "a=b", "--boot", "a=c"], 'names "a" twice'),
        (["--boot", "a=/does/not/exist"], "does not exist"),
        (["--size", "1"], "is too small"),
        (["--release", "0"], "0 is not the number of a release"),
        (["--key", "a", "--command", "b"], "are two ways to sign"),
        (["--pkcs11", "m.so"], "a token may hold many keys"),
        (["--label", "states"], "--label is for a key on a token"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    made: Path, pvr: PvrCommand, tmp_path: Path, more: list[str], sentence: str
) -> None:
    given = words(made, tmp_path / "disk.img")
    signing = [] if {"--command", "--pkcs11"} & set(more) else signed_by(made / "given/keys")
    _, said = pvr.both(*given, *signing, *more, status=2)
    assert sentence in said
    assert list(tmp_path.iterdir()) == []


def test_words_that_are_not_numbers_are_refused(
    made: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for more in (["--size", "1G"], ["--release", "newest"], ["--size", "9" * 17]):
        with pytest.raises(SystemExit):
            cli.main([*words(made, tmp_path / "disk.img"), *more])
        assert f'"{more[1]}" is not' in capsys.readouterr().err


def test_an_export_that_does_not_exist_is_named(made: Path, pvr: PvrCommand, tmp_path: Path) -> None:
    lost = str(tmp_path / "lost.tgz")
    given = words(made, tmp_path / "disk.img")
    assert lost in pvr.both(given[0], lost, *given[1:], "--release", "no", status=2)[1]


def test_a_key_that_devices_do_not_trust_makes_no_image(
    made: Path, pvr: PvrCommand, tmp_path: Path
) -> None:
    keys.generate(tmp_path / "others", common_name="Others", algorithm="ES256")
    _, said = pvr.both(*words(made, tmp_path / "disk.img"), *signed_by(tmp_path / "others"), status=2)
    assert "no trusted root certifies" in said
    assert not (tmp_path / "disk.img").exists()
