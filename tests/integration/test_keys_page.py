# SPDX-License-Identifier: MIT
"""docs/keys.md, command by command, with SoftHSM; and no private key is in a file where a token has it."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sys
from pathlib import Path

from pantavisor import audit, keys
from sim import built, efi, newc
from sim.pvr_command import ENVIRONMENT
from sim.token import OWNER_PIN, PIN, Token

PAGE = Path(__file__).resolve().parents[2] / "meta-pantavisor/docs/keys.md"
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
ROOT, REMOVE, INITIALISE, MAKE, CERTIFY, USE, PROGRAM = BLOCKS
MODULE = "/usr/lib/softhsm/libsofthsm2.so"


def sources(folder: Path, root: Path) -> None:
    """Unsigned exports for devices that trust ``root``, a boot loader and what else the page has in its
    directory.
    """
    built.sources(folder / "given")
    initramfs = newc.write({"init": b"initramfs", built.TRUST_STORE: root.read_bytes()})
    (folder / "given/initramfs").write_bytes(initramfs)
    for job in built.all_jobs(folder / "given", folder)[:-1]:
        built.run(dataclasses.replace(job, signing=None))
    shutil.rmtree(folder / "given")
    (folder / "grub.efi").write_bytes(efi.program())
    (folder / "oem.env").write_bytes(b"words")


def command(folder: Path) -> None:
    """pvr, in a folder of its own."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/pvr").write_text(f'#!/bin/sh\nexec {sys.executable} -m pantavisor "$@"\n')
    (folder / "bin/pvr").chmod(0o755)


def shell(commands: str, folder: Path, token: Token) -> None:
    environment = {
        **ENVIRONMENT,
        "PATH": f"{folder}/bin:{ENVIRONMENT['PATH']}",
        "HOME": str(folder),
        "PVR_PKCS11_PIN": PIN,
        "SO_PIN": OWNER_PIN,
        "SOFTHSM2_CONF": str(token.configuration),
    }
    words = ["bash", "-euc", commands.replace(MODULE, str(token.module))]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, f"{commands}\n{done.stderr}"


def secrets(folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    return sorted(path.name for path in files if b"PRIVATE KEY-----" in path.read_bytes())


def test_the_page_shows_no_pin_to_other_users() -> None:
    """Each user of a machine can read the arguments of all programs."""
    assert "--pin env:PVR_PKCS11_PIN" in MAKE
    assert "--so-pin env:SO_PIN --pin env:PVR_PKCS11_PIN" in INITIALISE
    assert not re.findall(r"\$\{?(?:PVR_PKCS11|SO)_PIN", PAGE.read_text())


def test_the_page_leads_to_an_image_without_a_key_in_a_file(tmp_path: Path) -> None:
    ci, vault = tmp_path / "ci", tmp_path / "vault"
    command(ci)
    command(vault)
    token = Token.new(tmp_path / "token")
    shell(ROOT + REMOVE, vault, token)
    sources(ci, vault / "root/ca.crt")
    shell(INITIALISE, ci, token)
    shell(MAKE, ci, token)
    for path in ci.glob("*.pub"):
        shutil.copy(path, vault)
    shell(CERTIFY, vault, token)
    (ci / "root").mkdir()
    for path in (*vault.glob("*.crt"), vault / "root/ca.crt"):
        shutil.copy(path, ci / path.relative_to(vault))
    shell(USE, ci, token)
    assert secrets(ci) == [] and secrets(tmp_path / "token") == [] and secrets(vault) == ["ca.key.pem"]
    for image in ("disk.img", "release.img"):
        report = audit.verify(ci / image, trust=(ci / "root/ca.crt").read_bytes(), strict=True)
        report.raise_for_findings()
    trusted = keys.BootKeys.parse((ci / "boot-key.gpg").read_bytes(), what="the key")
    trusted.verify((ci / "oem.env.sig").read_bytes(), [b"words"], what="oem.env.sig")
    signed = ["sbverify", "--cert", ci / "db.crt", ci / "grub.signed.efi"]
    subprocess.run(signed, check=True, capture_output=True)


def test_a_program_signs_as_the_page_has_it(tmp_path: Path) -> None:
    token = Token.make(tmp_path / "token")
    keys.generate(tmp_path / "station", common_name="Station")
    (tmp_path / "oem.env").write_bytes(b"words")
    command(tmp_path)
    shell(PROGRAM, tmp_path, token)
    boot = keys.BootSigner.load(tmp_path / "station/key.pem")
    assert (tmp_path / "oem.env.sig").read_bytes() == boot.sign(tmp_path / "oem.env")
