# SPDX-License-Identifier: MIT
"""From a reference in a registry to a signed export, beside the usual ways to a root file system in
squashfs.

    sudo .venv/bin/python tests/bench/bench_image.py [--folder SCRATCH] [case ...]

The image is Debian with Python, git, Node.js, vim and nginx: 400 MB and 14,800 files unpacked, made by
mmdebstrap from the distribution's archive and served by Debian's docker-registry on loopback. Compared,
each with the same codec and level:

* recipe: what a recipe does, the fetcher's pull into an OCI layout, in a fork as BitBake's worker makes it
  (pull.py), then the job export-container, which signs, from the start of its program on
* pvr: init, app add, add, commit, sig add, add, commit, export: the same by hand, with a working tree and
  a pool
* umoci: skopeo copy, umoci unpack as root, mksquashfs: a squashfs, nothing signed
* fakeroot: skopeo copy, every layer unpacked by tar under fakeroot, mksquashfs there
* floor: what no program can leave out, each part alone and from memory (floor.py)

Results are ratios of one run, since seconds only mean something on one machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LIBRARY = PROJECT / "meta-pantavisor" / "lib"
sys.path[:0] = [str(LIBRARY), str(PROJECT / "tests"), str(PROJECT / "scripts" / "lib")]

from bench import arguments  # noqa: E402
from bench.cost import Cost, Peak, measure  # noqa: E402
from demo_images.registry import serve  # noqa: E402
from sim.layers import member, tar  # noqa: E402

PROGRAMS = ("docker-registry", "fakeroot", "mksquashfs", "mmdebstrap", "skopeo", "umoci")
PACKAGES = "python3,git,nodejs,vim,nginx-light"
SUITE = "bookworm"
NAME = "bench/image:1"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(LIBRARY), "SOURCE_DATE_EPOCH": "1700000000"}
ENVIRONMENT["PVR_CACHE_DIR"] = ""  # each run packs everything; bench_rebuild.py measures the cache
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)  # a build compiles the library once
PVR = (sys.executable, "-m", "pantavisor")
# How mksquashfs says our profile; its xz has no level but 6.
CASES = {
    "lz4": "-comp lz4",
    "zstd:1": "-comp zstd -Xcompression-level 1",
    "fast": "-comp zstd -Xcompression-level 3",
    "zstd:9": "-comp zstd -Xcompression-level 9",
    "zstd:15": "-comp zstd -Xcompression-level 15",
    "zstd:19": "-comp zstd -Xcompression-level 19",
    "balanced": "",
    "xz:6": "-comp xz",
}
PLATFORM = "linux/amd64"
HINT = "read what it printed above; without a way to the distribution's archive, use --image LAYOUT"
FAKEROOT = """
set -e
mkdir "$2"
for layer in $(cat "$1/layers"); do
    tar -C "$2" --xattrs --xattrs-include='*' --numeric-owner -xpzf "$1/blobs/sha256/$layer"
done
exec mksquashfs "$2" "$3" $4 -noappend -no-progress -quiet
"""


@dataclass(frozen=True)
class Made:
    """What a way took, the size of what it made, and the most disk it needed on the way."""

    cost: Cost
    bytes: int
    disk: int


def make_image(folder: Path) -> None:
    """An OCI layout of two layers: Debian with some programs, and a thousand files of configuration."""
    layout, root, config = folder / "made", folder / "root.tar", folder / "config.tar"
    words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", SUITE, root]
    subprocess.run(words, env=ENVIRONMENT, check=True)
    config.write_bytes(tar(member(f"etc/bench/{n}.conf", content=b"x" * n) for n in range(1000)))
    run = ["umoci", "--log=error"]
    subprocess.run([*run, "init", "--layout", layout], check=True)
    subprocess.run([*run, "new", "--image", f"{layout}:1"], check=True)
    for archive in (root, config):
        subprocess.run([*run, "raw", "add-layer", "--image", f"{layout}:1", archive], check=True)
        archive.unlink()
    subprocess.run(
        [*run, "config", "--image", f"{layout}:1", "--config.entrypoint", "/usr/bin/env"], check=True
    )


@contextmanager
def registry(folder: Path, layout: Path) -> Iterator[str]:
    """A registry that serves the image."""
    with serve(folder / "registry") as service:
        target = f"{service.host}/{NAME}"
        words = ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:1", f"docker://{target}"]
        subprocess.run(words, check=True)
        yield target


def recipe(target: str, folder: Path, case: str) -> tuple[Cost, Path]:
    """A signed export, as BitBake's two tasks make it. The keys are there already, as a product's are."""
    keys = folder / "keys"
    job = {
        "name": "bench",
        "layout": str(folder / "layout"),
        "reference": target,
        "platform": PLATFORM,
        "arguments": {},
        "volumes": [],
        "profile": case,
        "signing": {"key": f"{keys}/key.pem", "x5c": f"{keys}/x5c.pem"},
        "work": str(folder / "work"),
        "output": str(folder / "bench.tgz"),
    }
    make_keys(keys)
    (folder / "work").mkdir()
    (folder / "job.json").write_text(json.dumps(job))
    cost = Cost(**answer_of("pull", target, PLATFORM, folder / "layout"))
    cost += measure([*PVR, "-q", "export-container", "--job", folder / "job.json"], env=ENVIRONMENT)
    return cost, folder / "bench.tgz"


def by_hand(target: str, folder: Path, case: str) -> tuple[Cost, Path]:
    """The same by commands."""
    make_keys(folder / "keys")
    repository = folder / "repository"
    repository.mkdir()
    cost = Cost()
    for words in (
        ["init"],
        ["app", "add", "bench", f"--from=docker://{target}", "--profile", case],
        ["add"],
        ["commit"],
        [
            "sig",
            "--key",
            folder / "keys/key.pem",
            "--x5c",
            folder / "keys/x5c.pem",
            "add",
            "--part",
            "bench",
        ],
        ["add"],
        ["commit"],
        ["export", folder / "bench.tgz"],
    ):
        cost += measure([*PVR, "-q", *words], cwd=repository, env=ENVIRONMENT)
    return cost, folder / "bench.tgz"


def make_keys(folder: Path) -> None:
    subprocess.run([*PVR, "-q", "keys", "generate", folder], env=ENVIRONMENT, check=True)


def umoci(target: str, folder: Path, options: str) -> tuple[Cost, Path]:
    image, tree, output = folder / "image", folder / "tree", folder / "squashfs"
    cost = measure(
        ["skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{target}", f"oci:{image}:1"]
    )
    cost += measure(["umoci", "--log=error", "unpack", "--image", f"{image}:1", tree])
    words = ["mksquashfs", tree / "rootfs", output, *options.split(), "-noappend", "-no-progress", "-quiet"]
    cost += measure(words, env=ENVIRONMENT)
    return cost, output


def fakeroot(target: str, folder: Path, options: str) -> tuple[Cost, Path]:
    image, output = folder / "image", folder / "squashfs"
    cost = measure(
        ["skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{target}", f"oci:{image}:1"]
    )
    index = json.loads((image / "index.json").read_text())
    manifest = json.loads((image / "blobs" / "sha256" / index["manifests"][0]["digest"][7:]).read_text())
    (image / "layers").write_text(" ".join(layer["digest"][7:] for layer in manifest["layers"]))
    words = ["fakeroot", "sh", "-c", FAKEROOT, "sh", image, folder / "tree", output, options]
    cost += measure(words, env=ENVIRONMENT)
    return cost, output


def floor_cost(export: Path, folder: Path, case: str) -> dict[str, float]:
    """CPU seconds of what no program can leave out, by its parts."""
    image = folder / "root.squashfs"
    with tarfile.open(export) as archive:
        largest = max(archive, key=lambda entry: entry.size)
        with archive.extractfile(largest) as content, open(image, "wb") as target:
            shutil.copyfileobj(content, target)
    return answer_of("floor", folder / "layout", image, case)


def answer_of(module: str, *words: object) -> dict[str, float]:
    """What a module beside this one prints, in a process without this one's memory."""
    path = os.pathsep.join([str(LIBRARY), str(PROJECT / "tests")])
    answer = subprocess.run(
        [sys.executable, "-m", f"bench.{module}", *map(str, words)],
        env={**ENVIRONMENT, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(answer.stdout)


def compare(target: str, scratch: Path, case: str, repeats: int) -> None:
    """A line for each way with one codec and level, beside the first; of several runs the one that took
    least counts.
    """
    ways = {
        "recipe": recipe,
        "pvr": by_hand,
        **({"umoci": umoci, "fakeroot": fakeroot} if CASES[case] else {}),
    }
    runs: dict[str, list[Made]] = {way: [] for way in ways}
    floors: list[dict[str, float]] = []
    # In turns: a machine is slower at some times than at others.
    for _ in range(repeats):
        for way, make in ways.items():
            with tempfile.TemporaryDirectory(dir=scratch) as name:
                folder = Path(name)
                with Peak(folder) as peak:
                    cost, output = make(target, folder, case if way in ("recipe", "pvr") else CASES[case])
                runs[way].append(Made(cost, output.stat().st_size, peak.bytes))
                if way == "recipe":
                    floors.append(floor_cost(output, folder, case))
    first = least(runs["recipe"])
    for way, made in runs.items():
        report(case, way, first, least(made))
    report_floor(case, runs["recipe"], floors)


def least(runs: list[Made]) -> Made:
    return min(runs, key=lambda made: made.cost.cpu)


def report(case: str, way: str, first: Made, made: Made) -> None:
    cost, base = made.cost, first.cost
    ratios = (
        f"cpu {cost.cpu / base.cpu:6.3f}  wall {cost.wall / base.wall:6.3f}  "
        f"memory {cost.memory / base.memory:5.2f}"
    )
    values = (
        f"{cost.cpu:.1f} CPU s, {cost.wall:.1f} s, "
        f"{cost.memory // 1024} MB memory, {made.disk / 1e6:.0f} MB disk"
    )
    result = f"{made.bytes / 1e6:.1f} MB result"
    print(
        f"{case:9} {way:9} {ratios}  disk {made.disk / first.disk:5.2f}  ({values}, {result})", flush=True
    )


def report_floor(case: str, made: list[Made], floors: list[dict[str, float]]) -> None:
    """The recipe as a multiple of the floor: each part's least, and the least CPU and wall of the runs."""
    parts = {part: min(found[part] for found in floors) for part in floors[0]}
    floor = sum(parts.values())
    cpu = min(run.cost.cpu for run in made) / floor
    wall = min(run.cost.wall for run in made) / floor
    shown = ", ".join(f"{part} {seconds:.2f}" for part, seconds in parts.items())
    print(f"{case:9} floor     recipe's cpu {cpu:.2f} of it, wall {wall:.2f}  ({floor:.2f} CPU s: {shown})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=arguments.folder, help="where to put scratch files")
    parser.add_argument("--image", type=arguments.layout, help="an OCI layout with the tag 1 instead")
    options = arguments.parse(parser, CASES)
    arguments.need(parser, PROGRAMS)
    if os.geteuid():
        parser.error("umoci unpacks layers as root\n  hint: run it by sudo")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        scratch = Path(name)
        if options.image is None:
            make_image(scratch)
        with registry(scratch, options.image or scratch / "made") as target:
            print(
                f"beside the recipe's way, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
            for case in options.cases or CASES:
                compare(target, scratch, case, options.repeats)


if __name__ == "__main__":
    arguments.run(main, hint=HINT)
