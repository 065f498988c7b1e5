# SPDX-License-Identifier: MIT
"""``pvr verify`` of a repository beside ``sha256sum`` over its objects.

    .venv/bin/python tests/bench/bench_verify.py [--folder SCRATCH] [--bytes N]

The repository holds one signed container of random files, so that its squashfs is as large as they are.
Both programs read from the page cache; the best of three runs counts. Results are ratios of one run.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LIBRARY = PROJECT / "meta-pantavisor" / "lib"
sys.path[:0] = [str(LIBRARY), str(PROJECT / "tests")]

from bench import arguments  # noqa: E402
from bench.cost import Cost, measure  # noqa: E402

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(LIBRARY)}
PVR = (sys.executable, "-m", "pantavisor", "-q")
FILES = 400
REPEATS = 3


def make_repository(folder: Path, size: int) -> Path:
    """A repository with a signed container."""
    chance = random.Random(1)
    root, repository, keys = folder / "root", folder / "repository", folder / "keys"
    root.mkdir()
    for number in range(FILES):
        (root / f"{number}").write_bytes(chance.randbytes(size // FILES))
    pvr(folder, "keys", "generate", keys)
    pvr(folder, "init", repository)
    pvr(repository, "device", "init")
    pvr(repository, "app", "add", "bench", "--type", "rootfs", f"--from={root}", "--profile", "fast",
        "--status-goal", "MOUNTED")  # fmt: skip
    pvr(repository, "add")
    pvr(repository, "commit")
    pvr(repository, "sig", "--key", keys / "key.pem", "--x5c", keys / "x5c.pem", "add", "--part", "bench")
    pvr(repository, "add")
    pvr(repository, "commit")
    return repository


def pvr(folder: Path, *words: object) -> None:
    subprocess.run(
        [*PVR, *map(str, words)], cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True
    )


def best(words: Sequence[object]) -> Cost:
    return min((measure(words, env=ENVIRONMENT) for _ in range(REPEATS)), key=lambda cost: cost.wall)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=arguments.folder, help="where to put scratch files")
    parser.add_argument(
        "--bytes", type=arguments.count, default=400_000_000, help="of files in the container"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        repository = make_repository(folder, options.bytes)
        objects = sorted((repository / ".pvr/objects").iterdir())
        ours = best([*PVR, "verify", repository, "--trust", folder / "keys/ca.crt"])
        theirs = best(["sha256sum", *objects])
    print(
        f"verify / sha256sum: wall {ours.wall / theirs.wall:.2f}  cpu {ours.cpu / theirs.cpu:.2f}"
        f"  ({ours.wall:.2f} s and {theirs.wall:.2f} s, {ours.memory // 1024} MB memory)"
    )


if __name__ == "__main__":
    arguments.run(main)
