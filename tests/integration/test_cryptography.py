# SPDX-License-Identifier: MIT
"""The Python package cryptography as releases of openembedded-core have it, from PyPI: what each signs is
the same bytes, what each verifies the same states. One that is too old for that is passed over for openssl.

The package in .venv computes in all other tests, so these are left out where PyPI does not give another, in
pipelines too.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from pantavisor import keys
from pantavisor.keys.engine import OLDEST_PACKAGE
from sim import device as sim

PROJECT = Path(__file__).resolve().parents[2]
KEPT = PROJECT / "build/test/cryptography"
# Of scarthgap, the oldest that the library uses, of wrynose, of master in October 2026.
RELEASES = ("42.0.5", "43.0.0", "46.0.5", "50.0.0")
DATA = b"data"
SIGN = """\
import json, sys
from pathlib import Path
import cryptography
from pantavisor import keys
from pantavisor.keys.engine import engine
signer = keys.PemSigner.load(*map(Path, sys.argv[1:3]))
made = signer.sign(sys.argv[3].encode()).hex()
print(json.dumps([cryptography.__version__, type(engine()).__name__, made]))
"""


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> sim.Device:
    """Signed by ES256."""
    return sim.make(tmp_path_factory.mktemp("device") / "device")


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    """A version that is in a directory of its own, as ``KEPT`` has them."""
    version: str = request.param
    folder = KEPT / version
    if not folder.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        part = tempfile.mkdtemp(dir=KEPT)
        words = ["--quiet", "--disable-pip-version-check", "--no-input", "--retries=1", "--timeout=20"]
        words += ["--only-binary=:all:", "--target", part, f"cryptography=={version}"]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", *words], capture_output=True, text=True, check=False
        )
        if done.returncode:
            shutil.rmtree(part)
            pytest.skip(f"PyPI does not give cryptography {version}: {done.stderr.strip()[-200:]}")
        with contextlib.suppress(OSError):  # another process was first
            os.rename(part, folder)
        shutil.rmtree(part, ignore_errors=True)
    return version


def run(release: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Python with this version."""
    path = os.pathsep.join(map(str, (KEPT / release, PROJECT / "meta-pantavisor/lib")))
    return subprocess.run(
        [sys.executable, *map(str, words)],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def computes(release: str) -> bool:
    return (int(release.split(".")[0]),) >= OLDEST_PACKAGE


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_each_signs_the_same_bytes(release: str, algorithm: str, tmp_path: Path) -> None:
    keys.generate(tmp_path / "keys", common_name="Test", algorithm=algorithm, days=30)
    files = (tmp_path / "keys/key.pem", tmp_path / "keys/x5c.pem")
    done = run(release, "-c", SIGN, *files, DATA.decode())
    if done.returncode and not computes(release):
        # An openssl before 3.2.
        assert algorithm == "ES256" and "same bytes each time" in done.stderr, done.stderr
        return
    assert done.returncode == 0, done.stderr
    engine = "PackageEngine" if computes(release) else "ProgramEngine"
    assert json.loads(done.stdout) == [release, engine, keys.PemSigner.load(*files).sign(DATA).hex()]


def test_each_verifies_the_same_states(release: str, device: sim.Device, tmp_path: Path) -> None:
    words = ("-m", "pantavisor", "verify", device.export(), "--trust")
    done = run(release, *words, device.folder / "keys/ca.crt")
    assert done.returncode == 0, done.stdout + done.stderr
    # A root of the same name.
    keys.generate(tmp_path / "others", common_name="Test", algorithm="ES256", days=30)
    done = run(release, *words, tmp_path / "others/ca.crt")
    assert done.returncode == 2 and "no trusted root certifies" in done.stderr, done.stderr
