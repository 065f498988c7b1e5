# SPDX-License-Identifier: MIT
"""scripts/setup in a checkout of its own: interrupted, of another user, without a network."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sim import tools

PROJECT = Path(__file__).resolve().parents[2]
# No server listens on this port.
ENVIRONMENT = {
    **os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "1"
}  # fmt: skip


@pytest.fixture
def checkout() -> Iterator[Path]:
    with tools.open_folder() as folder:
        shutil.copytree(PROJECT / "scripts", folder / "scripts")
        shutil.copy(PROJECT / "pyproject.toml", folder)
        (folder / "kas/quickstart/bitbake/lib").mkdir(parents=True)
        yield folder


def setup(checkout: Path) -> subprocess.CompletedProcess[str]:
    words = [checkout / "scripts/setup", "--without-packages"]
    return subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True)


def test_what_an_interrupted_one_left_is_made_again(checkout: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", checkout / ".venv"], check=True)
    half = checkout / ".venv/lib/half.py"
    half.touch()
    done = setup(checkout)
    assert not half.exists()
    # With a pip, which has no server to ask here.
    assert done.returncode == 2
    assert "setup: pip install -r scripts/lib/requirements.txt failed" in done.stderr
    assert "No matching distribution found" in done.stderr and "Retrying" not in done.stderr
    assert f"  hint: see the whole log, {checkout}/build/setup.log; then run it again" in done.stderr


def test_packages_that_are_installed_by_half_are_not_trusted(checkout: Path) -> None:
    venv = checkout / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (venv / "setup-stamp").write_text("of other requirements\n")
    assert setup(checkout).returncode == 2 and not (venv / "setup-stamp").exists()


def test_ctrl_c_is_no_failure(checkout: Path) -> None:
    # It waits for another one, which holds the same lock.
    held = os.open(checkout / "scripts", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    # Who runs the tests in the background has SIGINT ignored.
    words = ["env", "--default-signal=INT", checkout / "scripts/setup", "--without-packages"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert "waiting for it" in process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate()[1] == "setup: interrupted; run it again to go on\n"
        assert process.returncode == 130
    os.close(held)


def test_what_another_user_made_is_named(checkout: Path) -> None:
    tools.need_root()
    (checkout / "build").mkdir(mode=0o755)
    words = ["setpriv", f"--reuid={tools.NOBODY}", "--clear-groups", checkout / "scripts/setup"]
    done = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True)
    user = pwd.getpwuid(tools.NOBODY).pw_name
    assert (done.returncode, done.stderr) == (
        2,
        f'setup: {user} may not write to "{checkout}/build"\n'
        f'  hint: make the checkout yours: sudo chown -R {user} "{checkout}"\n',
    )
