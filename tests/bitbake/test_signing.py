# SPDX-License-Identifier: MIT
"""A recipe's part signed by a program, by a key on a token, and not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import CORE, LAYER_CONF, PROJECT, Build
from pantavisor import export, keys
from pantavisor.objects import ObjectPool
from sim.token import PIN, TOKEN, Token

WORD = "a-word-of-the-user"
RECIPE = """\
SUMMARY = "A folder"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${{COMMON_LICENSE_DIR}}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"
PVR_ROOTFS = "{rootfs}"
inherit pvrexport
"""
PROGRAM = """\
[ "$VAULT_WORD" = {word} ] || {{ echo "the vault is closed" >&2; exit 1; }}
exec /usr/bin/openssl dgst -sha256 -sign {key}
"""


@dataclass(frozen=True)
class Desk:
    """A build with the recipe ``app``, whose certificates are here and whose key is elsewhere."""

    build: Build
    certificates: Path
    key: Path

    def configure(self, *lines: str) -> None:
        common = [
            f'BBMASK += "{PROJECT}/meta-pantavisor/recipes-"',
            'BBFILE_PATTERN_IGNORE_EMPTY_pantavisor = "1"',
            f'PVS_KEY_DIR = "{self.certificates}"',
        ]
        self.build.configure("\n".join([*common, *lines, ""]))

    def state(self, pool: Path) -> Any:
        return export.read(self.build.deployed("app.pvrexport.tgz"), ObjectPool(pool))

    def verify(self, pool: Path) -> None:
        trust = keys.TrustStore.load(self.certificates / "ca.crt")
        assert "app/run.json" in keys.verify_state(self.state(pool), trust, strict=False).protected

    def holds(self, secret: str) -> list[Path]:
        """Files that tasks wrote with these bytes."""
        files = [path for path in (self.build.directory / "tmp").rglob("*") if path.is_file()]
        assert files
        return [path for path in files if secret.encode() in path.read_bytes()]


@pytest.fixture(scope="module")
def desk(build: Build) -> Desk:
    root = build.directory.parent
    (root / "one/conf").mkdir(parents=True)
    (root / "one/recipes").mkdir()
    (root / "one/conf/layer.conf").write_text(LAYER_CONF)
    (root / "rootfs/sbin").mkdir(parents=True)
    (root / "rootfs/sbin/init").write_bytes(b"init\n")
    (root / "rootfs/sbin/init").chmod(0o755)
    (root / "one/recipes/app_1.0.bb").write_text(RECIPE.format(rootfs=root / "rootfs"))
    layers = f'BBLAYERS = "{CORE} {PROJECT}/meta-pantavisor {root / "one"}"\n'
    (build.directory / "conf/bblayers.conf").write_text(f'BBPATH = "${{TOPDIR}}"\nBBFILES ??= ""\n{layers}')
    keys.generate(root / "keys", common_name="Test", algorithm="RS256")
    key = root / "elsewhere.pem"
    (root / "keys/key.pem").rename(key)
    return Desk(build, root / "keys", key)


def test_a_program_signs_with_what_it_needs_of_the_environment(desk: Desk, tmp_path: Path) -> None:
    program = tmp_path / "sign"
    program.write_text(PROGRAM.format(word=WORD, key=desk.key))
    desk.configure(f'PVS_COMMAND = "/bin/sh {program}"', 'PVS_ENVIRONMENT = "VAULT_WORD"')
    assert "the vault is closed" in desk.build.run("app").failed().output
    desk.build.run("app", VAULT_WORD=WORD).succeeded()
    desk.verify(tmp_path / "pool")
    assert not desk.holds(WORD)


@pytest.fixture
def made(desk: Desk, tmp_path: Path) -> Token:
    """SoftHSM with the key on a token."""
    token = Token.make(tmp_path / "token")
    token.take(desk.key, "states", "01")
    return token


def test_a_key_on_a_token_signs(desk: Desk, made: Token, tmp_path: Path) -> None:
    token = [
        f'PVS_PKCS11 = "{made.module}"',
        f'PVS_PKCS11_TOKEN = "{TOKEN}"',
        'PVS_PKCS11_LABEL = "states"',
        f'PVS_PKCS11_PIN_FILE = "{tmp_path}/pin"',
        'PVS_ENVIRONMENT = "SOFTHSM2_CONF"',
        'ASSUME_PROVIDED += "python3-pkcs11-native"',
    ]
    (tmp_path / "pin").write_text(f"{PIN}\n")
    desk.configure(*token[:1])
    assert "PVS_PKCS11 alone does not name a key" in desk.build.run("app").failed().output
    desk.configure(*token, 'PVS_COMMAND = "true"')
    assert "PVS_COMMAND and PVS_PKCS11_LABEL are two ways to sign" in desk.build.run("app").failed().output
    desk.configure(*token)
    # The place of a key is in no hash.
    desk.build.run("app", "-c", "cleanall").succeeded()
    desk.build.run("app", SOFTHSM2_CONF=str(made.configuration)).succeeded()
    desk.verify(tmp_path / "pool")
    assert not desk.holds(PIN)


def test_a_machine_without_any_key_builds_a_part(desk: Desk, tmp_path: Path) -> None:
    desk.configure('PVS_SIGN = "no"')
    assert 'PVS_SIGN is "no"' in desk.build.run("app").output
    desk.configure('PVS_SIGN = "0"', f'PVS_KEY_DIR = "{tmp_path}/none"')
    desk.build.run("app").succeeded()
    state = desk.state(tmp_path / "pool")
    assert "app/run.json" in state and not [path for path in state if path.startswith("_sigs/")]
    words = ["verify", "--allow-unsigned", desk.build.deployed("app.pvrexport.tgz")]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "meta-pantavisor/lib")}
    subprocess.run([sys.executable, "-m", "pantavisor", *words], check=True, env=environment)
