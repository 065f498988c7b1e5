# SPDX-License-Identifier: MIT
"""Disk images with other containers than the demonstration's, from the exports of its build."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from debpkg import cpio
from place import BUILD, KEY_DIR, PROJECT, TRUST

EXPORTS = BUILD / "tmp/deploy/images"
COMMAND = (sys.executable, "-m", "pantavisor")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT / "meta-pantavisor/lib")}
UBOOT_FILES = {"boot.scr": "pantavisor-boot.scr", "pv-notes.env": "pantavisor-notes.env"}
# The files of the boot partition, and what the build deploys them as.
BOOT_FILES = {
    "qemux86-64": {"EFI/BOOT/BOOTX64.EFI": "pantavisor-grub-bootx64.efi"},
    "qemuarm64": {"EFI/BOOT/BOOTAA64.EFI": "pantavisor-grub-bootaa64.efi"},
    "qemuarm64-uboot": UBOOT_FILES,
    "qemuarm-uboot": UBOOT_FILES,
}


@dataclass(frozen=True)
class Desk:
    """A place to make images for ``machine``; everything is below ``folder``."""

    folder: Path
    machine: str

    def pvr(self, *words: str, inside: str = ".") -> str:
        """What a command prints, which must succeed."""
        return self.run(*words, inside=inside).stdout

    def run(self, *words: str, inside: str = ".") -> subprocess.CompletedProcess[str]:
        """The same with what it reports."""
        done = subprocess.run(
            [*COMMAND, *words], cwd=self.folder / inside, env=ENVIRONMENT, text=True, capture_output=True,
            timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done

    def export(self, part: str) -> Path:
        """The export of a recipe that the build deployed."""
        name = f"{part}-{self.machine}" if part == "pantavisor-bsp" else part
        path = EXPORTS / self.machine / f"{name}.pvrexport.tgz"
        assert path.exists(), f"{path} does not exist; run: scripts/quickstart"
        return path

    def root(self, part: str) -> Path:
        """The unpacked root file system of a container of the build."""
        self.pvr("init", "unpacked")
        self.pvr("get", str(self.export(part)), inside="unpacked")
        self.pvr("checkout", inside="unpacked")
        target = self.folder / "root"
        argv = [
            "unsquashfs",
            "-q",
            "-d",
            str(target),
            str(self.folder / "unpacked" / part / "root.squashfs"),
        ]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, timeout=600)
        return target

    def container(self, name: str, root: Path, *words: str) -> Path:
        """The signed export of a container from a root file system."""
        work = f"of-{name}"
        self.pvr("init", work)
        add = ("app", "add", name, "--type", "rootfs", "--from", str(root), "--profile", "fast", *words)
        self.pvr(*add, inside=work)
        self.pvr("add", inside=work)
        self.pvr("commit", inside=work)
        keys = ("--key", str(KEY_DIR / "key.pem"), "--x5c", str(KEY_DIR / "x5c.pem"))
        self.pvr("sig", "add", "--part", name, *keys, inside=work)
        self.pvr("export", f"../{name}.tgz", "--parts", name, inside=work)
        return self.folder / f"{name}.tgz"

    @property
    def boot_files(self) -> dict[str, str]:
        """The files of the boot partition by their names there."""
        folder = EXPORTS / self.machine
        return {name: str(folder / deployed) for name, deployed in BOOT_FILES[self.machine].items()}

    @property
    def kernel(self) -> Path:
        """The kernel of the build."""
        deployed = [EXPORTS / self.machine / name for name in ("bzImage", "Image", "zImage")]
        return next(path for path in deployed if path.exists())

    def initramfs_file(self, path: str) -> bytes:
        """A file of the initramfs that the build deployed."""
        argv = ["cpio", "-i", "--quiet", "--to-stdout", path]
        content = subprocess.run(
            ["zstd", "-dc", str(self.initramfs)], check=True, capture_output=True, timeout=600
        )
        done = subprocess.run(argv, input=content.stdout, check=True, capture_output=True, timeout=600)
        return done.stdout

    @property
    def initramfs(self) -> Path:
        """The initramfs of the build."""
        return EXPORTS / self.machine / f"pantavisor-initramfs-{self.machine}.cpio.zst"

    def bsp(
        self,
        files: Mapping[str, bytes],
        *,
        kernel: Path | None = None,
        device: Path | None = None,
        mode: int = 0o644,
    ) -> Path:
        """The signed export of a bsp whose initramfs has ``files`` of that mode too: a later archive's win.

        ``device``: another device.json.
        """
        initramfs, more = self.folder / "initramfs.cpio.zst", self.folder / "more.cpio"
        with more.open("wb") as stream:
            cpio.write(stream, {path[1:]: cpio.file(data, mode) for path, data in files.items()}, epoch=0)
        subprocess.run(["zstd", "-q", "-f", str(more)], check=True, timeout=600)
        parts = (self.initramfs, more.with_suffix(".cpio.zst"))
        initramfs.write_bytes(b"".join(part.read_bytes() for part in parts))
        return self.bsp_of(kernel=kernel or self.kernel, initramfs=initramfs, device=device)

    def bsp_of(self, **members: object) -> Path:
        """The signed export of a bsp, with the modules of the build; ``members`` are further ones of the
        job.
        """
        signing = {"key": str(KEY_DIR / "key.pem"), "x5c": str(KEY_DIR / "x5c.pem")}
        job = {
            "kernel": None, "initramfs": None,
            "modules": str(EXPORTS / self.machine / f"modules-{self.machine}.tgz"),
            "profile": "fast", "signing": signing, "boot": signing, "work": str(self.folder),
            "output": str(self.folder / "bsp.tgz"), **members,
        }  # fmt: skip
        (self.folder / "bsp.json").write_text(json.dumps(job, default=str))
        self.pvr("export-bsp", "--job", "bsp.json")
        return self.folder / "bsp.tgz"

    def image(self, exports: Sequence[Path], **members: object) -> Path:
        """The disk image of a state; ``members`` are further ones of the job."""
        job = {
            "exports": list(map(str, exports)),
            "board": {"boot": [{"files": self.boot_files}]},
            "trust": str(TRUST), "epoch": 1_700_000_000, "work": str(self.folder),
            "output": str(self.folder / "made.img"), "release": 1,
            "signing": {"key": str(KEY_DIR / "key.pem"), "x5c": str(KEY_DIR / "x5c.pem")},
            **members,
        }  # fmt: skip
        (self.folder / "job.json").write_text(json.dumps(job))
        self.pvr("build-root", "--job", "job.json")
        return self.folder / "made.img"
