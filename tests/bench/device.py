# SPDX-License-Identifier: MIT
"""A guest that mounts squashfs images, one after the other, starts the web server in each and reads all of
it; its processor counts instructions.

Kernel and modules are those of the demonstration device. The images lie in the guest's memory, below a loop
device: the time of a device's storage is not measured, only how many bytes it has to read.
"""

from __future__ import annotations

import re
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from debpkg import cpio, kmod
from devtools.guest import MACHINES

COMPILERS = {"qemux86-64": "gcc", "qemuarm64": "aarch64-linux-gnu-gcc"}
KERNELS = {"qemux86-64": "bzImage", "qemuarm64": "Image"}
CONSOLES = {"qemux86-64": "ttyS0", "qemuarm64": "ttyAMA0"}
MODULES = ("loop", "squashfs")
MEMORY_MIB = 1024
MAX_SECONDS = 1800
STEPS = ("mount", "start", "again", "all")
LINE = re.compile(r"bench: (\w+) (\d+) (\d+) (-?\d+)$", re.MULTILINE)
CONTENT = re.compile(r"bench: content (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """Instructions, bytes read from the image, and bytes of memory used since before the mount."""

    work: int
    read: int
    memory: int


class Device:
    """A machine whose kernel and programs are in ``deploy``, as the quickstart builds them."""

    def __init__(self, machine: str, deploy: Path, folder: Path) -> None:
        self._machine, self._folder = machine, folder
        self._kernel = deploy / KERNELS[machine]
        program = folder / "init"
        source = Path(__file__).with_name("device.c")
        words = [COMPILERS[machine], "-std=c17", "-D_GNU_SOURCE", "-Os", "-static", "-o", program, source]
        subprocess.run(words, check=True)
        modules = enumerate(_modules(deploy / f"modules-{machine}.tgz"))
        self._entries = {
            "dev/console": cpio.character_device(5, 1),
            "init": cpio.file(program.read_bytes(), 0o755),
            **{f"modules/{number}.ko": cpio.file(data) for number, data in modules},
            **{place: cpio.folder() for place in ("proc", "root", "sys")},
        }

    def measure(self, images: Sequence[Path], content: int) -> list[dict[str, Step]]:
        """Each of STEPS, for each of ``images``. Ends the program where the guest fails, or does not read
        ``content`` bytes of each.
        """
        initramfs = self._folder / "initramfs"
        files = {f"images/{number}": cpio.file(path.read_bytes()) for number, path in enumerate(images)}
        with open(initramfs, "wb") as stream:
            cpio.write(stream, {**self._entries, **files}, epoch=0)
        output = self._run(initramfs)
        lines, read = LINE.findall(output), CONTENT.findall(output)
        if read != [str(content)] * len(images) or len(lines) != len(images) * len(STEPS):
            raise SystemExit(f"{self._machine} does not measure the images:\n{output}")
        steps = [(name, Step(int(work), int(got), 1024 * int(kb))) for name, work, got, kb in lines]
        return [dict(steps[at : at + len(STEPS)]) for at in range(0, len(steps), len(STEPS))]

    def _run(self, initramfs: Path) -> str:
        """What the guest prints."""
        machine = MACHINES[self._machine]
        words = [machine.program, *machine.options, "-icount", "shift=0,sleep=off", "-m", str(MEMORY_MIB)]
        words += ["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"]
        words += ["-kernel", str(self._kernel), "-initrd", str(initramfs)]
        words += ["-append", f"console={CONSOLES[self._machine]} quiet nokaslr panic=-1"]
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=MAX_SECONDS, check=True
        )
        return done.stdout.decode(errors="replace").replace("\r", "")


def _modules(archive: Path) -> Iterator[bytes]:
    """The modules that the guest loads, in their order."""
    with tarfile.open(archive) as opened:
        members = {Path(member.name).name: member for member in opened if member.isreg()}
        lists = {}
        for name in ("modules.dep", "modules.builtin"):
            lists[name] = opened.extractfile(members[name]).read().decode()  # type: ignore[union-attr]
        index = kmod.Index.parse(lists["modules.dep"], lists["modules.builtin"])
        for path in index.order(MODULES):
            data = opened.extractfile(members[Path(path).name]).read()  # type: ignore[union-attr]
            yield kmod.plain(data, path)
