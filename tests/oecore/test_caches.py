# SPDX-License-Identifier: MIT
"""kas/feature/shared-caches.yml, with BitBake's own server of hashes on loopback: what one build made,
another takes, and images come from the mirror of downloads without network.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import device
import yaml
from checkouts import MASK, PROJECT, Build, Checkout

(FEATURE,) = yaml.safe_load((PROJECT / "kas/feature/shared-caches.yml").read_text())[
    "local_conf_header"
].values()


@contextlib.contextmanager
def hashes(checkout: Checkout, folder: Path) -> Iterator[str]:
    """host:port of a server of the checkout's own BitBake."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    program = checkout.folder / "bitbake/bin/bitbake-hashserv"
    database = folder / "hashes.db"
    with subprocess.Popen([sys.executable, program, "--bind", address, "--database", database]) as server:
        try:
            for _ in range(600):
                with contextlib.suppress(OSError), socket.create_connection(
                    ("127.0.0.1", int(address.rpartition(":")[2]))
                ):
                    break
                time.sleep(0.1)
            yield address
        finally:
            server.terminate()


def reported(folder: Path) -> set[str]:
    """The tasks whose hashes were reported to the server."""
    with contextlib.closing(sqlite3.connect(folder / "hashes.db")) as database:
        return {task for (task,) in database.execute("SELECT DISTINCT method FROM outhashes_v2")}


def test_another_machine_takes_what_was_built(checkout: Checkout, tmp_path: Path) -> None:
    with device.served(tmp_path / "registry") as lines, hashes(checkout, tmp_path) as address:
        usual = f'{MASK}{lines}PVS_DEVELOPMENT_KEYS = "1"\n{FEATURE}'
        # What kas forwards of its caller's environment; of the first, which fills the caches.
        first = f'{usual}BB_HASHSERVE = "{address}"\n'
        one = device.make(checkout, tmp_path / "one", tmp_path / "keys", first)
        done = one.bitbake("app")
        assert done.returncode == 0, done.stdout
        assert any("sstate" in method for method in reported(tmp_path))
        made = deployed(one).read_bytes()
        for name in ("downloads", "sstate-cache"):
            shutil.copytree(one.directory / name, tmp_path / "cache" / name)
        mirrors = (
            f'SOURCE_MIRROR_URL = "file://{tmp_path}/cache/downloads"\n'
            f'SSTATE_MIRROR_URL = "file://{tmp_path}/cache/sstate-cache"\n'
        )
        usual += f'{mirrors}BB_HASHSERVE = "auto"\nBB_HASHSERVE_UPSTREAM = "{address}"\n'
        two = device.make(checkout, tmp_path / "two", tmp_path / "keys", usual)
        done = two.bitbake("app")
        assert done.returncode == 0 and "do_pvrexport: Started" not in done.stdout, done.stdout
        assert deployed(two).read_bytes() == made
    # The image itself, from the mirror of downloads alone.
    offline = usual.replace('BB_NO_NETWORK = "0"', 'BB_NO_NETWORK = "1"')
    three = device.make(checkout, tmp_path / "three", tmp_path / "keys", offline)
    done = three.bitbake("-c", "fetch", "app")
    assert done.returncode == 0, done.stdout


def deployed(build: Build) -> Path:
    (found,) = build.directory.glob(f"tmp*/deploy/images/{device.MACHINE}/app.pvrexport.tgz")
    return found
