# SPDX-License-Identifier: MIT
"""Real builds with the quickstart's core and the recipes in layer/, in directories of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CORE = PROJECT / "kas" / "quickstart"
# A layer with recipes of a test.
LAYER_CONF = """\
BBPATH .= ":${LAYERDIR}"
BBFILES += "${LAYERDIR}/recipes/*.bb"
BBFILE_COLLECTIONS += "one"
BBFILE_PATTERN_one = "^${LAYERDIR_RE}/"
LAYERDEPENDS_one = "pantavisor"
LAYERSERIES_COMPAT_one = "scarthgap wrynose"
"""
LAYER = Path(__file__).resolve().parent / "layer"
# A build that takes longer hangs.
BUILD_SECONDS = 1800
LOCAL_CONF = f"""\
MACHINE ??= "qemux86-64"
# The core's board support is for real images; these recipes need none.
BBMASK = "{CORE}/recipes-"
BBFILE_PATTERN_IGNORE_EMPTY_core = "1"
BB_NUMBER_THREADS = "4"
BB_NUMBER_PARSE_THREADS = "2"
"""


@dataclass(frozen=True)
class Build:
    """A build directory, and a copy of the layer that tests may edit."""

    directory: Path
    layer: Path

    @classmethod
    def make(cls, root: Path) -> Build:
        build = cls(root / "build", root / "layer")
        shutil.copytree(LAYER, build.layer, ignore=shutil.ignore_patterns("__pycache__"))
        (build.directory / "conf").mkdir(parents=True)
        build.configure("")
        bblayers = f'BBPATH = "${{TOPDIR}}"\nBBFILES ??= ""\nBBLAYERS = "{CORE} {build.layer}"\n'
        (build.directory / "conf" / "bblayers.conf").write_text(bblayers)
        return build

    @classmethod
    def of_the_layer(cls, root: Path, downloads: Path) -> Build:
        """One with the layer alone, and the keys that are next to ``root``."""
        build = cls(root / "build", root / "layer")
        (build.directory / "conf").mkdir(parents=True)
        layers = f'BBPATH = "${{TOPDIR}}"\nBBFILES ??= ""\nBBLAYERS = "{CORE} {PROJECT}/meta-pantavisor"\n'
        (build.directory / "conf" / "bblayers.conf").write_text(layers)
        (build.directory / "conf" / "local.conf").write_text(
            f'MACHINE ??= "qemux86-64"\nDL_DIR = "{downloads}"\nPVS_KEY_DIR = "{root.parent}/keys"\n'
        )
        return build

    def configure(self, lines: str) -> None:
        """local.conf is the usual and these lines."""
        (self.directory / "conf" / "local.conf").write_text(LOCAL_CONF + lines)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """bitbake as the leader of a process group, as a shell with a terminal starts it."""
        known = {
            "HOME": str(self.directory),
            "LC_ALL": "C.UTF-8",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "TERM": "dumb",
        }
        command = '. "$0" "$PWD" >/dev/null && exec bitbake "$@"'
        return subprocess.Popen(
            ["bash", "-c", command, str(CORE / "oe-init-build-env"), *words],
            cwd=self.directory,
            env={**known, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, **environment: str) -> Result:
        """bitbake to its end."""
        started = time.monotonic()
        process = self.start(*words, **environment)
        return finish(process, started)

    def work(self, recipe: str) -> Path:
        """WORKDIR of a recipe that was built."""
        (found,) = self.directory.glob(f"tmp/work/*/{recipe}/*")
        return found

    def log(self, recipe: str, task: str) -> str:
        return (self.work(recipe) / "temp" / f"log.{task}").read_text()

    def deployed(self, name: str, machine: str = "qemux86-64") -> Path:
        return self.directory / "tmp" / "deploy" / "images" / machine / name

    def ran(self, recipe: str) -> list[str]:
        """Every task of the recipe that ever ran, in order."""
        lines = (self.work(recipe) / "temp" / "log.task_order").read_text().splitlines()
        return [line.split()[1] for line in lines]


@dataclass(frozen=True)
class Result:
    """How bitbake ended."""

    status: int
    output: str
    seconds: float

    def succeeded(self) -> Result:
        assert self.status == 0, self.output
        assert "WARNING" not in self.output, self.output
        return self

    def failed(self) -> Result:
        assert self.status == 1, self.output
        assert "Traceback" not in self.output or "ValueError" in self.output, self.output
        return self


def finish(process: subprocess.Popen[str], started: float) -> Result:
    """Wait for bitbake; one that hangs is killed and fails the test."""
    try:
        output, _ = process.communicate(timeout=BUILD_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        pytest.fail(f"bitbake hangs:\n{output}")
    return Result(process.returncode, output, time.monotonic() - started)


@pytest.fixture(scope="session", autouse=True)
def library() -> None:
    """BitBake's library is next to the launcher."""
    subprocess.run([PROJECT / "scripts" / "setup-bitbake"], check=True)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    root = tmp_path_factory.mktemp("bitbake")
    yield Build.make(root)
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("DL_DIR")
    return Path(named) if named else tmp_path_factory.mktemp("downloads")
