# SPDX-License-Identifier: MIT
"""What it costs to build the demonstration device again: from its downloads, with nothing changed, after a
change of one setting of a container, and after its image got another top layer.

    .venv/bin/python tests/bench/bench_build.py [--folder SCRATCH] [--machine MACHINE] [step ...]

Each step is the command ``kas build kas/quickstart.yml`` in a build directory of its own, without network.
Downloads, digests and keys are those of scripts/quickstart, which has to be done.
Measured are seconds of CPU and of wall of all processes, BitBake's server among them; how many tasks
BitBake looked at, how many of them ran, and which, where they are few.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / folder) for folder in ("meta-pantavisor/lib", "tests")]

from bench import arguments  # noqa: E402
from bench.cost import measure  # noqa: E402
from pantavisor.digest import Digest  # noqa: E402
from sim.layers import layer, member  # noqa: E402

BUILD = PROJECT / "build"
MACHINES = {"qemux86-64": "amd64", "qemuarm64": "arm64"}
CONTAINER = "demo-nginx"
DIGEST = re.compile(rf'PVR_DOCKER_DIGEST:pn-{CONTAINER} = "([^"]*)"')
SUMMARY = re.compile(r"Attempted (\d+) tasks of which (\d+) didn't need to be rerun")
RAN = re.compile(r"NOTE: Running (?:noexec |setscene )?task \d+ of \d+ \(.*/([^/]+)\.bb:(\w+)\)")
SETTINGS = """
DL_DIR = "{downloads}"
PVS_KEY_DIR = "{build}/pvs-keys"
PVR_CACHE_DIR = "{cache}"
BB_NO_NETWORK = "1"
"""


@dataclass(frozen=True)
class Place:
    """A build directory and the downloads that it is built from."""

    folder: Path
    machine: str

    @property
    def downloads(self) -> Path:
        return self.folder / "downloads"

    @property
    def settings(self) -> Path:
        return self.folder / "build/conf/auto.conf"

    def prepare(self) -> None:
        # Links: a new image is added to these only.
        shutil.copytree(BUILD / "downloads", self.downloads, copy_function=os.link)
        self.settings.parent.mkdir(parents=True)
        cache = self.folder / "cache"
        text = SETTINGS.format(downloads=self.downloads, build=BUILD, cache=cache)
        self.settings.write_text((BUILD / "conf/auto.conf").read_text() + text)

    def build(self) -> str:
        """The figures of one build, and the tasks that ran where they are few."""
        log = self.folder / "log"
        places = {
            "KAS_MACHINE": self.machine,
            "KAS_WORK_DIR": PROJECT,
            "KAS_BUILD_DIR": self.folder / "build",
        }
        environment = {**os.environ, **{name: str(value) for name, value in places.items()}}
        words = [PROJECT / ".venv/bin/kas", "build", "kas/quickstart.yml"]
        environment["LC_ALL"] = "C.UTF-8"
        cost = measure(words, cwd=PROJECT, env=environment, log=log, orphans=True)
        output = log.read_text()
        summary = SUMMARY.search(output)
        if summary is None:
            raise SystemExit(f"BitBake does not report its tasks:\n{output[-2000:]}")
        total, rest = int(summary[1]), int(summary[2])
        ran = [f"{Path(recipe).name}:{task}" for recipe, task in RAN.findall(output)]
        shown = f"\n          {' '.join(ran)}" if ran and len(ran) < 20 else ""
        return f"{cost.cpu:7.1f} {cost.wall:7.1f} {total:7} {total - rest:7}{shown}"

    def set(self, line: str) -> None:
        self.settings.write_text(f"{self.settings.read_text()}{line}\n")

    def change_image(self) -> None:
        """Another top layer in the container's image, as if it had been fetched."""
        found = DIGEST.search(self.settings.read_text())
        if found is None:
            raise SystemExit(f"{self.settings} has no digest of {CONTAINER}")
        index = self._document(found[1])
        (digest,) = (
            entry["digest"]
            for entry in index["manifests"]
            if entry["platform"]["architecture"] == MACHINES[self.machine]
        )
        manifest = self._document(digest)
        config = self._document(manifest["config"]["digest"])
        top = layer(member("usr/share/nginx/html/index.html", content=b"another page\n"))
        with top.open() as stream:
            self._put(stream.read())
        config["rootfs"]["diff_ids"].append(str(top.diff_id))
        config.pop("history", None)
        kind = manifest["layers"][0]["mediaType"]
        manifest["layers"].append({"mediaType": kind, "digest": str(top.digest), "size": top.size})
        manifest["config"].update(self._put(json.dumps(config).encode()))
        made = self._put(json.dumps(manifest).encode())
        self.set(f'PVR_DOCKER_DIGEST:pn-{CONTAINER} = "{made["digest"]}"')

    def _document(self, digest: str) -> dict:
        return json.loads((self.downloads / f"oci-{digest.replace(':', '-')}").read_text())

    def _put(self, data: bytes) -> dict[str, object]:
        digest = Digest.of(data)
        (self.downloads / f"oci-sha256-{digest.hex}").write_bytes(data)
        return {"digest": str(digest), "size": len(data)}


STEPS: dict[str, Callable[[Place], None]] = {
    "first": lambda place: None,
    "nothing": lambda place: None,
    "setting": lambda place: place.set(f'PVR_MEMORY:pn-{CONTAINER} = "64M"'),
    "image": Place.change_image,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=arguments.folder, help="where to put scratch files")
    parser.add_argument("--machine", choices=MACHINES, default="qemux86-64", help="default: %(default)s")
    names = f"of {', '.join(STEPS)}; the first is always done"
    parser.add_argument("steps", nargs="*", default=[], metavar="step", help=names)
    options = parser.parse_args()
    if unknown := [step for step in options.steps if step not in STEPS]:
        parser.error(f"{unknown[0]} is not a step\n  hint: use one of: {', '.join(STEPS)}")
    if not (BUILD / "conf/auto.conf").exists():
        parser.error("there is no demonstration device\n  hint: run: scripts/quickstart")
    steps = ["first", *(step for step in options.steps or STEPS if step != "first")]
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        place = Place(Path(name), options.machine)
        place.prepare()
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
        print("step        CPU s  wall s   tasks     ran", flush=True)
        for step in steps:
            STEPS[step](place)
            print(f"{step:9} {place.build()}", flush=True)


if __name__ == "__main__":
    arguments.run(main)
