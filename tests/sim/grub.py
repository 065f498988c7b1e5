# SPDX-License-Identifier: MIT
"""GRUB as a program of this machine (grub-emu), with our configuration and a device's storage in a file.

GRUB's own code reads the script, the ext4 and the blocks, and writes them. Two functions take the place of
the commands that load a kernel: what was to start is printed, and GRUB ends. Nor does it wait a minute.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from . import tools

CONFIGURATION = (
    Path(__file__).resolve().parents[2] / "meta-pantavisor/recipes-bsp/pantavisor-grub/files/grub.cfg"
)
BLOCK_BYTES = 1024
WRAPPER = """set cmdpath="(hd0,gpt1)/EFI/BOOT"
function load_kernel {
    if regexp '^/trails/(REFUSED)/' "$1"; then false; else echo "CMDLINE $@"; fi
}
function load_initrd { reboot; }
source $prefix/real.cfg
"""
REPLACED = {r"\blinux (?=\")": "load_kernel ", r"\binitrd (?=\")": "load_initrd ", r"\bsleep \d+": "true"}
SEQUENCE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
SECONDS = 60


def block(*lines: str) -> bytes:
    """An environment block of GRUB."""
    text = "# GRUB Environment Block\n" + "".join(f"{line}\n" for line in lines)
    return text.encode().ljust(BLOCK_BYTES, b"#")


class Grub:
    """A device with the revisions 0, 3 and 4, whose ``boot`` is given."""

    def __init__(self, folder: Path) -> None:
        self._emulator = tools.need("grub-emu", package="grub-emu")
        self.tree, self._image, self._prefix = folder / "tree", folder / "storage", folder / "prefix"
        for revision in ("0", "3", "4"):
            links = self.tree / "trails" / revision / ".pv"
            links.mkdir(parents=True)
            for name in ("pv-kernel.img", "pv-initrd.img"):
                (links / name).write_bytes(b"x")
        (self.tree / "boot").mkdir()
        self._prefix.mkdir()
        self.refuse()
        (self._prefix / "board.cfg").write_text("")
        text = CONFIGURATION.read_text()
        for pattern, words in REPLACED.items():
            text, count = re.subn(pattern, words, text)
            assert count, f"grub.cfg has not {pattern}"
        (self._prefix / "real.cfg").write_text(text)
        (folder / "map").write_text(f"(hd0) {self._image}\n")
        self._map = folder / "map"

    def refuse(self, *revisions: str) -> None:
        """Their kernels are damaged, or not signed."""
        (self._prefix / "grub.cfg").write_text(WRAPPER.replace("REFUSED", "|".join(revisions) or "none"))

    def assemble(self) -> None:
        """The storage, of what is in ``tree``."""
        self._image.unlink(missing_ok=True)
        tools.run("mke2fs", "-q", "-t", "ext4", "-b", "4096", "-O", "^metadata_csum_seed,^orphan_file",
                  "-L", "root", "-d", self.tree, self._image, "4M")  # fmt: skip

    def boot(self) -> str:
        """The console, until the kernel is started or the machine begins again."""
        argv = [self._emulator, "-m", self._map, "-d", self._prefix, "-r", "host"]
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS,
            env={**os.environ, "TERM": "dumb"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        text = SEQUENCE.sub("", done.stdout.decode("utf-8", "replace"))
        return " ".join(text.split())

    def read(self, path: str) -> bytes:
        """A file of the storage."""
        return subprocess.run(
            ["debugfs", "-R", f"cat {path}", self._image], check=True, capture_output=True
        ).stdout


def lives(grub: Grub, panics: str, *, boots: int) -> Iterator[str]:
    """What starts, one after the other, where the kernels of some revisions panic at once: until one stays,
    or stops, or the console is reached.
    """
    for _ in range(boots):
        console = grub.boot()
        started = re.search(r"CMDLINE \S+ (.*)", console)
        if not started:
            yield "console"
            return
        words = started[1].split()
        revision = next(word[7:] for word in words if word.startswith("pv_rev="))
        yield revision
        if revision not in panics:
            yield "stays"
            return
        if "panic=2" not in words:
            assert {"panic=0", "pv_uncounted=1"} <= set(words) and "no block takes notes" in console
            yield "stops"
            return
    raise AssertionError("it begins again for ever")
