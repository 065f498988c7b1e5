# SPDX-License-Identifier: MIT
"""What the boot tests share: the built image, one running guest, copies to break.

The image is the one that scripts/quickstart builds; --image names another.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from debpkg import cpio
from devtools import guest as qemu
from made import Desk
from place import BOOT_SECONDS, BUILD, DEPLOYED, PROJECT, TRUST
from storage import copy_image

KERNEL = {"qemux86-64": ("bzImage", "ttyS0"), "qemuarm64": ("Image", "ttyAMA0")}


class Direct(qemu.Setup):
    """The kernel comes first, and not the disk."""

    def argv(self, *, interactive: bool) -> list[str]:
        return [word.replace(",bootindex=0", "") for word in super().argv(interactive=interactive)]


def pytest_addoption(parser: pytest.Parser) -> None:
    """--image and --machine."""
    parser.addoption("--machine", default="qemux86-64", help="the machine to boot")
    parser.addoption("--image", default=None, help="its disk image")
    parser.addoption("--cuts", type=int, default=40, help="power cuts that are looked at")
    parser.addoption("--booted", type=int, default=1, help="of these, so many are booted")


@pytest.fixture(scope="session")
def machine(request: pytest.FixtureRequest) -> str:
    """The OE machine under test."""
    return str(request.config.getoption("--machine"))


@pytest.fixture(scope="session")
def image(request: pytest.FixtureRequest, machine: str) -> Path:
    """The disk image under test."""
    named = request.config.getoption("--image")
    path = Path(named) if named else BUILD / DEPLOYED.format(machine=machine)
    if not path.exists():
        reason = f"{path} does not exist; run: scripts/quickstart --machine {machine}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path.resolve()


@pytest.fixture(scope="module")
def desk(machine: str, image: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Where a module makes devices of its own, from what the image was built of."""
    assert image.exists()
    return Desk(tmp_path_factory.mktemp("desk"), machine)


@pytest.fixture
def copy(image: Path, tmp_path: Path) -> Path:
    """The image again, to be broken."""
    copy_image(image, tmp_path / image.name)
    return tmp_path / image.name


@pytest.fixture(scope="session")
def verify() -> Callable[..., subprocess.CompletedProcess[str]]:
    """``pvr verify --strict``, with the roots the image's devices trust."""

    def run(path: Path, *, trust: Path = TRUST) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "pantavisor", "verify", "--strict", "--trust", str(trust), str(path)]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT / "meta-pantavisor" / "lib")}
        return subprocess.run(argv, capture_output=True, text=True, timeout=600, env=environment)

    return run


@pytest.fixture(scope="session")
def start(machine: str) -> Callable[..., qemu.Guest]:
    """A guest with free ports for what the demonstration serves."""

    def make(
        path: Path, *, persist: bool = False, reboot: bool = True, extra: tuple[str, ...] = ()
    ) -> qemu.Guest:
        forwards = qemu.free_ports(80, 8081, 8082)
        return qemu.Guest(qemu.Setup(path, machine, forwards, persist=persist, reboot=reboot, extra=extra))

    return make


@pytest.fixture
def start_with(image: Path, machine: str, tmp_path: Path) -> Callable[..., qemu.Guest]:
    """A guest whose kernel is given such words, and has such entries over those of its initramfs."""

    def make(disk: Path, words: str, entries: dict[str, cpio.Entry] | None = None) -> qemu.Guest:
        name, console = KERNEL[machine]
        initramfs = tmp_path / "initramfs"
        with initramfs.open("wb") as stream:
            # An archive behind another one; the kernel wants it at a multiple of four.
            first = (image.parent / f"pantavisor-initramfs-{machine}.cpio.zst").read_bytes()
            stream.write(first + bytes(-len(first) % 4))
            if entries:
                cpio.write(stream, entries, epoch=0)
        append = f"console={console} rdinit=/usr/bin/pantavisor panic=2 pv_rev=0 {words}"
        extra = ("-kernel", str(image.parent / name), "-initrd", str(initramfs), "-append", append)
        return qemu.Guest(Direct(disk, machine, qemu.free_ports(80), extra=extra))

    return make


@pytest.fixture(scope="session")
def device(image: Path, start: Callable[..., qemu.Guest]) -> Iterator[qemu.Guest]:
    """The image, booted to a running revision."""
    with start(image) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        yield running


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    """A missing tool is a failure here: scripts/setup installs all of them."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    os.environ["PATH"] = path
    missing = [name for name in ("sgdisk", "debugfs", "e2fsck", "zstd") if not shutil.which(name)]
    assert not missing, f"not installed: {missing}; run scripts/setup"
