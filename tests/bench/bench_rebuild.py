# SPDX-License-Identifier: MIT
"""A rebuild with the cache of packed blocks, beside the first build and beside one without a cache.

    .venv/bin/python tests/bench/bench_rebuild.py [--folder SCRATCH] [--from TREE] [--bytes N] [case ...]

The image has ten layers: nine of this machine's programs, and on top an application that changes. What is
measured is the job export-container, from an OCI layout to a signed export, in CPU seconds of the whole
process:

* none: without a cache
* cold: with an empty one
* top: after the top layer changed
* warm: the same image again
* floor: what a build without a compressor cannot leave out: each layer inflated, SHA-256 of layers as
  stored and unpacked and of the image, copies into files; each alone and from memory (floor.py)

Results are ratios of one run. The exports are compared: all ways must give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LIBRARY = PROJECT / "meta-pantavisor" / "lib"
sys.path[:0] = [str(LIBRARY), str(PROJECT / "tests")]

from bench import arguments  # noqa: E402
from bench.cost import Cost, measure  # noqa: E402
from pantavisor.digest import file_sha256  # noqa: E402
from pantavisor.layout.image import LayerBlob  # noqa: E402
from sim.layers import layer, member, write_layout  # noqa: E402

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(LIBRARY), str(PROJECT / "tests")])}
PVR = (sys.executable, "-m", "pantavisor", "-q")
CASES = ("balanced", "zstd:9", "zstd:15", "xz:6")
LAYERS = 9  # below the one that changes
MAX_FILE_BYTES = 64 * 1024 * 1024
APPLICATION = [(40, 1_000), (10, 40_000), (2, 1_000_000)]  # files of the top layer, and their size


def programs(tree: Path, size: int) -> Iterator[tuple[str, bytes]]:
    """Files below ``tree``, of ``size`` bytes together."""
    for folder, folders, names in os.walk(tree):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
                continue
            content = path.read_bytes()
            size -= len(content)
            if size < 0:
                return
            yield str(path).lstrip("/"), content


def below(tree: Path, size: int) -> Iterator[LayerBlob]:
    """The layers that stay, of about the same size."""
    # What a container needs to start; only its name and mode are looked at.
    members, held = [member("sbin/init", content=b"init", mode=0o755)], 0
    for name, content in programs(tree, size):
        members.append(member(name, content=content))
        held += len(content)
        if held >= size / LAYERS:
            yield layer(*members)
            members, held = [], 0
    yield layer(*members)


def make_layouts(tree: Path, size: int, places: list[Path]) -> None:
    """An image for each version of the application."""
    stay = list(below(tree, size))
    for version, place in enumerate(places):
        write_layout(place, [*stay, application(version)])


def application(version: int) -> LayerBlob:
    """The top layer, of which each version is another."""
    chance = random.Random(version)
    words = [b"%x" % chance.getrandbits(20) for _ in range(5000)]

    def text(size: int) -> bytes:
        return b" ".join(chance.choice(words) for _ in range(size // 6))

    files = [size for count, size in APPLICATION for _ in range(count)]
    return layer(*(member(f"opt/app/{n}", content=text(size)) for n, size in enumerate(files)))


class Bench:
    """Builds of one case in ``folder``, whose cache is named each time."""

    def __init__(self, folder: Path, layouts: list[Path], case: str) -> None:
        self._folder, self._layouts, self._case = folder, layouts, case
        self._images: dict[int, str] = {}

    def build(self, version: int, cache: str) -> Cost:
        """One build, whose export must be that of the same version before."""
        keys, output = self._folder / "keys", self._folder / "bench.tgz"
        job = {
            "name": "bench",
            "layout": str(self._layouts[version]),
            "reference": "bench.example/image:1",
            "platform": "linux/amd64",
            "arguments": {},
            "volumes": [],
            "profile": self._case,
            "signing": {"key": f"{keys}/key.pem", "x5c": f"{keys}/x5c.pem"},
            "work": str(self._folder),
            "output": str(output),
        }
        (self._folder / "job.json").write_text(json.dumps(job))
        place = str(self._folder / cache) if cache else ""
        words = [*PVR, "export-container", "--job", self._folder / "job.json"]
        cost = measure(words, env={**ENVIRONMENT, "PVR_CACHE_DIR": place})
        with open(self._folder / "image", "wb") as target:
            words = ["tar", "-xOzf", output, "--wildcards", "objects/*"]
            subprocess.run(words, stdout=target, check=True)
        made = file_sha256(self._folder / "image")
        if made != self._images.setdefault(version, made):
            raise SystemExit(f"{self._case}: two builds of one image differ")
        return cost


def floor(folder: Path, source: Path, case: str) -> float:
    """CPU seconds of what a build without a compressor cannot leave out."""
    words = [sys.executable, "-m", "bench.floor", source, folder / "image", case]
    done = subprocess.run([*map(str, words)], env=ENVIRONMENT, stdout=subprocess.PIPE, check=True)
    parts: dict[str, float] = json.loads(done.stdout)
    return sum(seconds for part, seconds in parts.items() if part != "codec")


def compare(folder: Path, layouts: list[Path], case: str, repeats: int) -> None:
    """A line for each way, beside the cold one; of several runs the one that took least counts."""
    bench = Bench(folder, layouts, case)
    runs: dict[str, list[Cost]] = {way: [] for way in ("none", "cold", "top", "warm")}
    for number in range(repeats):
        cache = f"cache-{case}-{number}"
        runs["none"].append(bench.build(1, ""))
        runs["cold"].append(bench.build(0, cache))
        runs["top"].append(bench.build(1, cache))
        runs["warm"].append(bench.build(1, cache))
    least = {way: min(costs, key=lambda cost: cost.cpu) for way, costs in runs.items()}
    bare = floor(folder, layouts[1], case)
    for way, cost in least.items():
        print(
            f"{case:9} {way:5} cpu {cost.cpu / least['cold'].cpu:6.3f} of cold  "
            f"{cost.cpu / bare:6.2f} of the floor  ({cost.cpu:.2f} CPU s, {cost.memory // 1024} MB memory)",
            flush=True,
        )
    gain = least["cold"].cpu / least["top"].cpu
    print(f"{case:9} cold / top {gain:.1f}  floor {bare:.2f} CPU s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=arguments.folder, help="where to put scratch files")
    parser.add_argument(
        "--from", type=arguments.folder, default=Path("/usr"), metavar="TREE", dest="tree",
        help="whose files fill the layers; default: %(default)s",
    )  # fmt: skip
    size = "of the layers that stay; default: %(default)s"
    parser.add_argument("--bytes", type=arguments.count, default=400_000_000, help=size)
    options = arguments.parse(parser, CASES)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        scratch = Path(name)
        layouts = [scratch / "before", scratch / "after"]
        # In a process of its own: those that are measured begin with the memory of this one.
        maker = multiprocessing.Process(target=make_layouts, args=(options.tree, options.bytes, layouts))
        maker.start()
        maker.join()
        if maker.exitcode:
            sys.exit("the layouts could not be made")
        subprocess.run([*PVR, "keys", "generate", scratch / "keys"], env=ENVIRONMENT, check=True)
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}", flush=True)
        for case in options.cases or CASES:
            compare(scratch, layouts, case, options.repeats)


if __name__ == "__main__":
    arguments.run(main)
