# SPDX-License-Identifier: MIT
"""The packages of root file systems, next to what the tools of their databases list."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sysconfig
from pathlib import Path

from pantavisor import inspect, squashfs
from pantavisor.layers import from_directory
from pantavisor.packages import Inventory
from sim import device as sim
from sim import tools

STATUS = Path("/var/lib/dpkg/status")


def inventory(root: Path, work: Path) -> Inventory:
    """Of a container with this root file system, in an export."""
    packed = work / "root.squashfs"
    squashfs.write(from_directory(root), packed, profile=squashfs.profile("fast", None))
    device = sim.make(work / "device")
    state = device.state.with_files({"web/root.squashfs": device.pool.put_bytes(packed.read_bytes())})
    sim.export.write(work / "device.tgz", state, device.pool)
    parts = inspect.inspect(work / "device.tgz").revisions[0].parts
    (found,) = [part.inventory for part in parts if part.name == "web"]
    assert found is not None and found.notes == ()
    return found


def test_dpkg_lists_the_same_packages_versions_and_sources(tmp_path: Path) -> None:
    query = tools.need("dpkg-query", package="dpkg")
    database = tmp_path / "root/var/lib/dpkg"
    database.mkdir(parents=True)
    shutil.copy(STATUS, database / "status")
    form = "${Package} ${Version} ${Architecture} ${source:Package} ${source:Version} ${db:Status-Status}\n"
    listed = subprocess.run(
        [query, f"--admindir={database}", "--show", f"--showformat={form}"],
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    installed = sorted(line.rpartition(" ")[0] for line in listed if line.endswith(" installed"))
    found = inventory(tmp_path / "root", tmp_path)
    assert len(installed) > 100
    assert installed == sorted(
        f"{item.name} {item.version} {item.architecture} {item.source} {item.source_version}"
        for item in found.packages
    )


def test_python_lists_the_same_packages_and_versions(tmp_path: Path) -> None:
    installed = Path(sysconfig.get_path("purelib"))
    target = tmp_path / "root/usr/lib/python3/site-packages"
    for folder in [*installed.glob("*.dist-info"), *installed.glob("*.egg-info")]:
        shutil.copytree(folder, target / folder.name)
    listed = sorted(
        f"{item.metadata['Name'].lower().replace('_', '-')} {item.version}"
        for item in importlib.metadata.distributions(path=[str(target)])
    )
    assert len(listed) > 10
    found = inventory(tmp_path / "root", tmp_path)
    assert listed == sorted(f"{item.name} {item.version}" for item in found.packages)
