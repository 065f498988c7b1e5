# SPDX-License-Identifier: MIT
"""What each profile and block size costs: bytes, CPU to pack, and instructions and memory on the device.

    .venv/bin/python tests/bench/bench_device.py [--machine MACHINE] [--block KIB ...] [case ...]

The image is the root of the demonstration's web server (Debian and nginx), for one machine in QEMU. Each is
packed again from memory, then mounted in a guest (device.c):

* mount: mount(2) of the image
* start: nginx runs in it until it gives out its first page: the files that the container needs at its start
  are those that nginx, the loader and libc really read, and as they read them
* again: the same once more; what start takes beyond it is the price of reading
* all: after a new mount, every file once, in the order of the directories

The guest's processor counts instructions, so that the figures are the same on any machine, busy or not.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FOLDERS = ("meta-pantavisor/lib", "kas/quickstart/lib", "scripts/lib", "tests")
sys.path[:0] = [str(PROJECT / folder) for folder in FOLDERS]

from bench import arguments  # noqa: E402
from bench.device import COMPILERS, STEPS, Device, Step  # noqa: E402
from devtools.guest import MACHINES  # noqa: E402
from pantavisor import layers, squashfs  # noqa: E402
from pantavisor.layers.stream import Span  # noqa: E402
from pantavisor.oci import Platform  # noqa: E402

CASES = ("lz4", "zstd:3", "zstd:15", "zstd:19", "xz:3", "small")
BLOCKS = (128, 256, 512, 1024)
PLATFORMS = {"qemux86-64": "linux/amd64", "qemuarm64": "linux/arm64"}
DEPLOY = PROJECT / "build/tmp/deploy/images"
CONTAINER = "demo-nginx"
HEAD = "case      block  size MB  pack s |" + "".join(f" {step:>5} Mi     MB    MB |" for step in STEPS)


class Held(layers.Tree):
    """A tree whose contents are in memory, in their order in the image that they come from."""

    def __init__(self, tree: layers.Tree) -> None:
        super().__init__(tree.root)
        self._held = [
            (file, b"".join(chunk[start:end] for chunk, start, end in spans))
            for file, spans in tree.contents()
        ]
        self.bytes = sum(node.size for _, node in self.walk() if isinstance(node, layers.File))

    def contents(self) -> Iterator[tuple[layers.File, Iterator[Span]]]:
        for file, data in self._held:
            yield file, iter([(data, 0, len(data))])


def root_of(export: Path, image: Path) -> Held:
    """The root of the container in ``export``."""
    with tarfile.open(export) as archive:
        state = json.load(archive.extractfile("json"))
        name = f"objects/{state[f'{CONTAINER}/root.squashfs']}"
        with archive.extractfile(name) as content, open(image, "wb") as target:
            shutil.copyfileobj(content, target)
    return Held(squashfs.read(image))


def pack(tree: Held, image: Path, block: int, profile: squashfs.Profile) -> float:
    """CPU seconds of packing, all threads together."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    squashfs.write(tree, image, profile=profile, block_size=1024 * block)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def report(case: str, block: int, size: int, seconds: float, steps: dict[str, Step]) -> None:
    shown = "".join(
        f" {step.work / 1e6:8.1f} {step.read / 1e6:6.2f} {step.memory / 1e6:5.2f} |"
        for step in steps.values()
    )
    print(f"{case:9} {block:4}K {size / 1e6:8.2f} {seconds:7.1f} |{shown}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=arguments.folder, help="where to put scratch files")
    machine = "whose demonstration device is built; default: %(default)s"
    parser.add_argument("--machine", choices=PLATFORMS, default="qemux86-64", help=machine)
    parser.add_argument(
        "--block", type=arguments.count, action="append", metavar="KIB",
        help="block size, several times for several; default: " + " ".join(map(str, BLOCKS)),
    )  # fmt: skip
    parser.add_argument("cases", nargs="*", default=[], metavar="case", help=f"of {', '.join(CASES)}")
    options = parser.parse_args()
    if unknown := [case for case in options.cases if case not in CASES]:
        parser.error(f"{unknown[0]} is not a case\n  hint: use one of: {', '.join(CASES)}")
    if unknown := [block for block in options.block or () if block not in BLOCKS]:
        parser.error(f"{unknown[0]} is not a block size\n  hint: use one of: {' '.join(map(str, BLOCKS))}")
    deploy = DEPLOY / options.machine
    export = deploy / f"{CONTAINER}.pvrexport.tgz"
    if not export.exists():
        parser.error(
            f"{export} does not exist\n  hint: run: scripts/quickstart --machine {options.machine}"
        )
    arguments.need(parser, [COMPILERS[options.machine], MACHINES[options.machine].program])
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        tree = root_of(export, folder / "root.squashfs")
        device = Device(options.machine, deploy, folder)
        print(f"{options.machine}, {tree.bytes / 1e6:.1f} MB of files, load {os.getloadavg()[0]:.1f}")
        print(HEAD, flush=True)
        for case in options.cases or CASES:
            profile = squashfs.profile(case, Platform.parse(PLATFORMS[options.machine]))
            blocks = options.block or BLOCKS
            images = [folder / f"image-{block}" for block in blocks]
            packed = [pack(tree, *made, profile) for made in zip(images, blocks)]
            for block, image, seconds, steps in zip(
                blocks, images, packed, device.measure(images, tree.bytes)
            ):
                report(case, block, image.stat().st_size, seconds, steps)


if __name__ == "__main__":
    arguments.run(main)
