# SPDX-License-Identifier: MIT
"""A token of SoftHSM, made and filled by the programs that its owner uses."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import tools

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
TOKEN, PIN, OWNER_PIN = "product", "31415926", "27182818"


@dataclass(frozen=True)
class Token:
    """``configuration`` is for SOFTHSM2_CONF, which the ``module`` reads once in a process."""

    module: Path
    configuration: Path

    @classmethod
    def make(cls, folder: Path) -> Token:
        """An empty token below ``folder``, a new directory."""
        token = cls.new(folder)
        program = tools.need("softhsm2-util", package="softhsm2")
        words = ("--free", "--label", TOKEN, "--so-pin", OWNER_PIN, "--pin", PIN)
        token._run(program, "--init-token", *words)
        return token

    @classmethod
    def new(cls, folder: Path) -> Token:
        """One that is not initialised."""
        found = next((Path(path) for path in MODULES if os.path.exists(path)), None)
        if found is None:
            tools.miss("libsofthsm2.so is not here: apt install softhsm2")
        (folder / "tokens").mkdir(parents=True)
        (folder / "conf").write_text(
            f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        return cls(found, folder / "conf")

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "SOFTHSM2_CONF": str(self.configuration)}

    def take(self, key: Path, label: str, number: str) -> None:
        """Import a private key (PKCS#8 in PEM)."""
        program = tools.need("softhsm2-util", package="softhsm2")
        words = ("--import", key, "--label", label, "--id", number, "--token", TOKEN, "--pin", PIN)
        self._run(program, *words)

    def make_key(self, label: str, number: str, public: Path) -> None:
        """A new RSA key that is nowhere else; its public half in PEM."""
        program = tools.need("pkcs11-tool", package="opensc")
        common = (program, "--module", self.module, "--token-label", TOKEN, "--label", label)
        login = ("--login", "--pin", PIN, "--id", number)
        self._run(*common, *login, "--keypairgen", "--key-type", "rsa:2048")
        self._run(*common, "--read-object", "--type", "pubkey", "--output-file", f"{public}.der")
        self._run("openssl", "pkey", "-pubin", "-inform", "DER", "-in", f"{public}.der", "-out", public)

    def _run(self, *words: object) -> None:
        argv = [str(word) for word in words]
        done = subprocess.run(argv, env=self.environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
