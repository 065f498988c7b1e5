# SPDX-License-Identifier: MIT
"""A device is built with tools of this machine: its image, what a second build does, what no folder of it
holds, and the registry left out.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import device
import pytest
from checkouts import MASK, Build, Checkout
from sim import tools


@dataclass(frozen=True)
class Built:
    """A build after its first run, with the lines of its configuration."""

    build: Build
    root: Path
    lines: str

    def run(self, *words: str, lines: str = "") -> str:
        device.make(
            self.build.checkout, self.build.directory, self.root / "keys", self.lines + MASK + lines
        )
        done = self.build.bitbake(*words)
        assert done.returncode == 0 and "ERROR" not in done.stdout, done.stdout
        return done.stdout

    def forget(self) -> None:
        """Everything but downloads and shared state."""
        for path in self.build.directory.glob("tmp*"):
            shutil.rmtree(path)

    def ran(self, task: str) -> list[Path]:
        return list(self.build.directory.glob(f"tmp*/work/*/*/*/temp/log.{task}"))


@pytest.fixture(scope="module")
def built(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    tools.need("docker-registry", package="docker-registry")
    root = tmp_path_factory.mktemp(checkout.release)
    assert device.pvr("keys", "generate", root / "keys").returncode == 0
    with device.served(root / "registry") as lines:
        build = device.make(checkout, root / "build", root / "keys", lines + MASK)
        done = build.bitbake("device")
        assert done.returncode == 0 and "WARNING" not in done.stdout, done.stdout
    # The registry has gone.
    yield Built(build, root, lines)
    shutil.rmtree(root, ignore_errors=True)


def test_the_image_is_one_that_devices_take(built: Built) -> None:
    image = device.deployed(built.build)[-1]
    done = device.pvr("verify", "--strict", "--set", "--trust", built.root / "keys/ca.crt", image)
    assert done.returncode == 0, done.stdout


def test_a_second_build_runs_nothing(built: Built) -> None:
    said = built.run("device")
    (numbers,) = (line.split() for line in said.splitlines() if "Attempted" in line)
    attempted = numbers[numbers.index("Attempted") + 1]
    assert f"Attempted {attempted} tasks of which {attempted} didn't need to be rerun" in said, said


def test_no_private_key_is_in_what_is_kept_or_shared(built: Built) -> None:
    secret = (built.root / "keys/key.pem").read_text().splitlines()[3]
    words = ["grep", "-rlF", "--binary-files=text", secret]
    folders = [*built.build.directory.glob("tmp*"), built.build.directory / "sstate-cache"]
    assert len(folders) > 1
    found = subprocess.run([*words, *folders], capture_output=True, text=True)
    assert found.returncode == 1, found.stdout
    archives = list((built.build.directory / "sstate-cache").rglob("*.tar.zst"))
    assert archives
    for path in archives:
        content = subprocess.run(["tar", "--zstd", "-xOf", path], capture_output=True, check=True).stdout
        assert secret.encode() not in content, path


def test_shared_state_makes_the_image_and_no_step_of_ours_runs(built: Built) -> None:
    image = device.deployed(built.build)[-1].read_bytes()
    built.forget()
    built.run("device", lines='BB_NO_NETWORK = "1"\n')
    assert device.deployed(built.build)[-1].read_bytes() == image
    assert not built.ran("do_pvroot") and not built.ran("do_pvrexport") and not built.ran("do_fetch")


def test_what_was_downloaded_or_is_in_a_mirror_needs_no_network(built: Built) -> None:
    built.run("app", "-C", "fetch", lines='BB_NO_NETWORK = "1"\n')
    downloads = built.build.directory / "downloads"
    mirror = built.root / "mirror"
    downloads.rename(mirror)
    premirror = f'PREMIRRORS = "docker://.*/.* file://{mirror}/"\nBB_NO_NETWORK = "1"\n'
    built.run("app", "-C", "fetch", lines=premirror)
    assert list(downloads.iterdir())
