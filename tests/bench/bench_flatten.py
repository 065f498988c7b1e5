"""What flattening and squashing costs beside the usual way: ``umoci unpack`` as root, then mksquashfs with the same codec.

    sudo .venv/bin/python tests/bench/bench_flatten.py [--layout DIRECTORY:TAG] [--folder SCRATCH]

Without a layout the image is made of this machine's /usr/bin, /usr/lib/python3 and the like. Results are ratios, since
seconds only mean something on one machine; CPU is user and system time of all threads, memory the largest resident set.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "meta-pantavisor" / "lib"), str(PROJECT / "tests")]

from sim.layers import blob, layer, member, write_layout  # noqa: E402

SOURCES = ("usr/bin", "usr/lib/python3", "usr/lib/x86_64-linux-gnu", "usr/share/perl")
LIMIT_BYTES = 250_000_000  # of files taken from this machine
# Our codec and level, and how mksquashfs says the same.
CASES = {
    "zstd-3": ("zstd", 3, ["-comp", "zstd", "-Xcompression-level", "3"]),
    "zstd-15": ("zstd", 15, ["-comp", "zstd", "-Xcompression-level", "15"]),
    "xz-6": ("xz", 6, ["-comp", "xz"]),
}
CHILD = """
import sys
from pathlib import Path
from pantavisor import layers, layout, squashfs
with layout.open_image(Path(sys.argv[1]), platform=None, name=sys.argv[2]) as image:
    tree = layers.flatten(image.layers)
    if sys.argv[4]:
        squashfs.write(tree, sys.argv[3], profile=squashfs.Profile("bench", sys.argv[4], int(sys.argv[5])))
"""


@dataclass(frozen=True)
class Cost:
    """Seconds of wall and CPU, kilobytes of memory, bytes of output."""

    wall: float
    cpu: float
    memory: int
    size: int = 0

    def __add__(self, other: Cost) -> Cost:
        memory = max(self.memory, other.memory)
        return Cost(self.wall + other.wall, self.cpu + other.cpu, memory, self.size + other.size)


def measure(words: list[str], output: Path | None = None) -> Cost:
    """Run a program and add up what it took."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:2]), "SOURCE_DATE_EPOCH": "1700000000"}
    began = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{words[0]} failed")
    size = output.stat().st_size if output else 0
    return Cost(time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, size)


def make_layout(folder: Path) -> None:
    """An image of two layers: files of this machine, and a small one that changes some."""
    paths, total = [], 0
    for source in SOURCES:
        for path in sorted(Path("/", source).rglob("*")):
            if path.is_file() and not path.is_symlink() and total < LIMIT_BYTES:
                paths.append(str(path.relative_to("/")))
                total += path.stat().st_size
    archive = folder / "base.tar"
    listing = "\0".join(paths).encode()
    subprocess.run(["tar", "-C", "/", "--null", "-T", "-", "-cf", archive], input=listing, check=True)
    base = blob(archive.read_bytes())
    upper = layer(*(member(f"changed/{n}", content=b"x" * n) for n in range(1000)), member("usr/bin/.wh.perl"))
    archive.unlink()
    write_layout(folder / "layout", [base, upper], tag="bench")


def ours(layout: str, tag: str, output: Path, codec: str, level: int) -> Cost:
    words = [sys.executable, "-B", "-c", CHILD, layout, tag, str(output), codec, str(level)]
    return measure(words, output if codec else None)


def theirs(layout: str, tag: str, folder: Path, options: list[str]) -> Cost:
    tree, output = folder / "unpacked", folder / "theirs"
    unpack = measure(["umoci", "unpack", "--image", f"{layout}:{tag}", str(tree)])
    words = ["mksquashfs", str(tree / "rootfs"), str(output), *options, "-noappend", "-no-progress", "-quiet"]
    squash = measure(words, output)
    shutil.rmtree(tree)
    return unpack + squash


def report(name: str, us: Cost, them: Cost) -> None:
    print(
        f"{name:8} cpu {us.cpu / them.cpu:5.2f}  wall {us.wall / them.wall:5.2f}  memory {us.memory / them.memory:5.2f}"
        f"  size {us.size / them.size:6.3f}   (ours {us.cpu:.1f} CPU s, {us.wall:.1f} s, {us.memory // 1024} MB)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layout", help="OCI layout and tag, such as /tmp/image:1; default: made of this machine's files")
    parser.add_argument("--folder", help="where to put scratch files")
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"of {', '.join(CASES)}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        layout, _, tag = (options.layout or "").rpartition(":")
        if not layout:
            make_layout(folder)
            layout, tag = str(folder / "layout"), "bench"
        print(f"ours / (umoci unpack + mksquashfs), {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
        first = ours(layout, tag, folder / "none", "", 0)
        print(f"pass 1   verify, unpack and merge: {first.cpu:.2f} CPU s, {first.wall:.2f} s, {first.memory // 1024} MB")
        for case in options.cases:
            codec, level, words = CASES[case]
            report(case, ours(layout, tag, folder / "ours", codec, level), theirs(layout, tag, folder, words))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
