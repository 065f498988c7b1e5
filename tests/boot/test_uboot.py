# SPDX-License-Identifier: MIT
"""The boot contract, held by a real U-Boot (Debian's for QEMU's arm64): which revision boots, what it gets,
and what is noted. The notes are on the boot partition, and QEMU's flash for U-Boot's own environment cannot
be written. UBOOT_QEMU_ARM64 names another U-Boot: what setexpr answers depends on its version.

In place of a kernel stands a program of some hundred bytes (payload.c) that booti starts as one: it prints
what it was given, and powers off. Needs qemu-system-arm, u-boot-qemu, u-boot-tools, a compiler for arm64,
sgdisk, mtools, dosfstools and e2fsprogs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import Boot, run

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "meta-pantavisor/recipes-bsp/pantavisor-uboot/files/boot.cmd"
PAYLOAD = Path(__file__).with_name("payload.c")
UBOOT = Path(os.environ.get("UBOOT_QEMU_ARM64", "/usr/lib/u-boot/qemu_arm64/u-boot.bin"))
TOOLS = (
    "qemu-system-aarch64",
    "aarch64-linux-gnu-gcc",
    "mkimage",
    "sgdisk",
    "mcopy",
    "mkfs.vfat",
    "mke2fs",
)
BOARD = 'pv_b_args="console=ttyAMA0 quiet"\npv_b_boot=booti\npv_b_fit=""\npv_b_notes=fat\n'
SECTOR = 512
FAT_SECTORS, ROOT_SECTORS = 8 * 2048, 32 * 2048
FLASH_BYTES = 64 * 1024 * 1024
NOTES_BYTES = 512
BOOT_SECONDS = 900
FILE_BYTES = 1024


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The payload, the script, and U-Boot in its flash."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    missing += [] if UBOOT.exists() else [str(UBOOT)]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"not there: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not there: {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("uboot")
    flags = "-Os -ffreestanding -nostdlib -fPIE -mcmodel=tiny -mgeneral-regs-only -mstrict-align"
    flags += " -fno-stack-protector -fno-toplevel-reorder -static -Wl,-Ttext=0,-N,--build-id=none,-e,0"
    run("aarch64-linux-gnu-gcc", *flags.split(), "-o", str(folder / "payload"), str(PAYLOAD))
    run("aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", "-j", ".rodata",
         str(folder / "payload"), str(folder / "kernel"))  # fmt: skip
    (folder / "boot.cmd").write_text(BOARD + RECIPE.read_text())
    make_script(folder / "boot.cmd", folder / "boot.scr")
    shutil.copy(UBOOT, folder / "flash0")
    (folder / "flash1").write_bytes(b"")
    for flash in ("flash0", "flash1"):
        os.truncate(folder / flash, FLASH_BYTES)
    yield folder
    shutil.rmtree(folder)


class Device:
    """A disk with revisions; ``boot`` runs it once."""

    def __init__(self, world: Path, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.image, self.tree = folder / "disk.img", folder / "tree"
        (self.tree / "boot").mkdir(parents=True)
        (self.tree / "boot/uboot.txt").write_bytes(b"pv_rev=0".ljust(FILE_BYTES, b"\0"))
        self.files = {"boot.scr": (world / "boot.scr").read_bytes()}
        self.set_notes()
        self.folders: list[str] = []  # of the boot partition
        self.unreadable: str | None = None  # a file that exists, whose content is not on the disk

    def add_revision(self, name: str, *, kernel: bytes | None = None, **more: bytes) -> None:
        links = self.tree / "trails" / name / ".pv"
        links.mkdir(parents=True)
        (links / "pv-kernel.img").write_bytes(kernel or (self.world / "kernel").read_bytes())
        (links / "pv-initrd.img").write_bytes(f"initrd of {name}".encode())
        for file, content in more.items():
            (links / file.replace("__", ".")).write_bytes(content)

    def set_environment(self, *, copy: str = "uboot.txt", generation: str = "5", **values: str) -> None:
        """What the runtime wrote, as one copy."""
        whole = {"pv_gen": generation, **values, "pv_end": generation} if generation else values
        text = "".join(f"{name}={value}\0" for name, value in whole.items())
        (self.tree / "boot" / copy).write_bytes(text.encode().ljust(FILE_BYTES, b"\0"))

    def set_notes(self, **values: str) -> None:
        """What U-Boot noted at an earlier boot."""
        body = b"".join(f"{name}={value}\0".encode() for name, value in values.items())
        body = body.ljust(NOTES_BYTES - 4, b"\0")
        self.files["pv-notes.env"] = zlib.crc32(body).to_bytes(4, "little") + body

    def assemble(self) -> None:
        """A boot partition and the storage, on a disk with a GUID table."""
        fat, storage = self.folder / "fat.img", self.folder / "root.img"
        for path, sectors in ((fat, FAT_SECTORS), (storage, ROOT_SECTORS)):
            path.write_bytes(b"")
            os.truncate(path, sectors * SECTOR)
        run("mkfs.vfat", str(fat))
        for name, content in self.files.items():
            (self.folder / "file").write_bytes(content)
            run("mcopy", "-i", str(fat), str(self.folder / "file"), f"::{name}")
        for name in self.folders:
            run("mmd", "-i", str(fat), f"::{name}")
        features = "^metadata_csum_seed,^orphan_file"
        run("mke2fs", "-q", "-t", "ext4", "-O", features, "-L", "root", "-d", str(self.tree), str(storage))
        if self.unreadable:
            beyond = f"sif /{self.unreadable} block[5] 0x7fffffff"
            run("debugfs", "-w", "-R", beyond, str(storage))
        self.image.write_bytes(b"")
        start = 2048 + FAT_SECTORS
        os.truncate(self.image, (start + ROOT_SECTORS + 2048) * SECTOR)
        run("sgdisk", "-n", f"1:2048:{start - 1}", "-A", "1:set:2",
             "-n", f"2:{start}:{start + ROOT_SECTORS - 1}", str(self.image))  # fmt: skip
        with open(self.image, "r+b") as disk:
            disk.seek(2048 * SECTOR)
            disk.write(fat.read_bytes())
            disk.write(storage.read_bytes())

    def boot(self, *, may_lack_notes: bool = False) -> Boot:
        """Once, to its end."""
        console = self.folder / "console.log"
        words = "-M virt -cpu cortex-a57 -m 256 -accel tcg -nodefaults -no-reboot -display none"
        words += f" -serial file:{console}"
        for unit in (0, 1):
            words += f" -drive if=pflash,unit={unit},format=raw,readonly=on,file={self.world}/flash{unit}"
        words += f" -drive if=virtio,format=raw,file={self.image}"
        command = ["qemu-system-aarch64", *words.split()]
        subprocess.run(command, check=True, timeout=BOOT_SECONDS, stdin=subprocess.DEVNULL)
        return Boot(console.read_text(errors="replace"), {} if may_lack_notes else self._notes())

    def _notes(self) -> dict[str, str]:
        """The variables that U-Boot saved; what the runtime writes it has left alone."""
        with open(self.image, "rb") as disk:
            disk.seek((2048 + FAT_SECTORS) * SECTOR)
            assert disk.read(ROOT_SECTORS * SECTOR) == (self.folder / "root.img").read_bytes()
        raw = self.noted()
        assert len(raw) == NOTES_BYTES and zlib.crc32(raw[4:]).to_bytes(4, "little") == raw[:4]
        text = raw[4:].partition(b"\0\0")[0].decode()
        return dict(line.partition("=")[::2] for line in text.split("\0") if "=" in line)

    def noted(self) -> bytes:
        """The file of the notes."""
        argv = ["mtype", "-i", f"{self.image}@@{2048 * SECTOR}", "::pv-notes.env"]
        return subprocess.run(argv, check=True, capture_output=True).stdout


def make_script(source: Path, target: Path) -> None:
    run("mkimage", "-A", "arm64", "-T", "script", "-C", "none", "-d", str(source), str(target))


@pytest.fixture
def device(world: Path, tmp_path: Path) -> Iterator[Device]:
    yield Device(world, tmp_path)
    shutil.rmtree(tmp_path)


def test_the_good_revision_boots_with_the_board_s_and_the_oem_s_words(device: Device) -> None:
    device.add_revision("0", **{"pv-initrd__img__0": b"addon 0", "pv-initrd__img__1": b"addon 1"})
    device.set_environment(pv_rev="0", pv_prev="")
    device.files["oemEnv.txt"] = b"oemargs=oem.colour=blue\npv_rev=7\n"
    device.assemble()
    boot = device.boot()
    wanted = "rdinit=/usr/bin/pantavisor pv_rev=0 pv_try= panic=2 console=ttyAMA0 quiet oem.colour=blue"
    assert set(wanted.split()) <= set(boot.words), boot.console
    assert any(len(word) == len("pv_storage.device=PARTUUID=") + 36 for word in boot.words), boot.words
    assert boot.notes == {"pv_fails": "5:x", "pv_last": "0"}
    assert "INITRD initrd of 0.addon 0.addon 1" in boot.console


def test_a_try_is_noted_before_it_starts_and_spent_after_one_boot(device: Device) -> None:
    device.add_revision("0")
    device.add_revision("locals/next")
    device.set_environment(pv_rev="0", pv_try="locals/next")
    device.assemble()
    first = device.boot()
    assert {"pv_rev=locals/next", "pv_try=locals/next"} <= set(first.words), first.console
    assert first.notes["pv_trying"] == "5"
    second = device.boot()
    assert {"pv_rev=0", "pv_try=locals/next"} <= set(second.words), second.console
    assert second.notes["pv_trying"] == "5" and "had its try" in second.console


def test_a_try_whose_kernel_is_broken_falls_back_at_once(device: Device) -> None:
    device.add_revision("3")
    device.add_revision("4", kernel=b"no kernel" * 1000)
    device.set_environment(pv_rev="3", pv_try="4")
    device.assemble()
    boot = device.boot()
    assert {"pv_rev=3", "pv_try=4"} <= set(boot.words), boot.console
    assert "revision 4 cannot be booted" in boot.console and boot.notes["pv_trying"] == "5"


@pytest.mark.parametrize("notes", [b"torn" * 128, None], ids=["torn", "missing"])
def test_a_revision_is_not_tried_where_the_notes_are_lost(device: Device, notes: bytes | None) -> None:
    device.add_revision("0")
    device.add_revision("1")
    device.set_environment(pv_rev="0", pv_try="1")
    del device.files["pv-notes.env"]
    if notes:
        device.files["pv-notes.env"] = notes
    device.assemble()
    # Nor later, once they are made again.
    for count in ("x", "xx"):
        boot = device.boot()
        assert {"pv_rev=0", "pv_try=1"} <= set(boot.words), boot.console
        assert "had its try" in boot.console
        assert boot.notes == {"pv_trying": "5", "pv_fails": f"5:{count}", "pv_last": "0"}


def test_a_try_that_cannot_be_noted_is_not_tried(device: Device) -> None:
    device.add_revision("0")
    device.add_revision("1")
    device.set_environment(pv_rev="0", pv_try="1")
    # The flash with U-Boot's environment is read-only.
    text = (device.world / "boot.cmd").read_text().replace("pv_b_notes=fat", "pv_b_notes=env")
    (device.folder / "boot.cmd").write_text(text)
    make_script(device.folder / "boot.cmd", device.folder / "boot.scr")
    device.files["boot.scr"] = (device.folder / "boot.scr").read_bytes()
    device.files["pv-notes.env"] = bytes(NOTES_BYTES)
    device.assemble()
    boot = device.boot(may_lack_notes=True)
    assert {"pv_rev=0", "pv_try=1", "panic=0", "pv_uncounted=1"} <= set(boot.words), boot.console
    assert "cannot be noted" in boot.console


@pytest.mark.parametrize("fails, revision", [("xx", "4"), ("xxx", "3"), ("xxxxxx", "0"), ("xxxxxxxxx", "")])
def test_three_failed_boots_lead_to_the_last_good_revision_then_to_0_then_to_the_console(
    device: Device, fails: str, revision: str
) -> None:
    for name in ("0", "3", "4"):
        device.add_revision(name)
    device.set_environment(pv_rev="4", pv_prev="3")
    device.set_notes(pv_fails=f"5:{fails}")
    device.assemble()
    boot = device.boot()
    if revision:
        assert f"pv_rev={revision}" in boot.words, boot.console
        assert boot.notes["pv_fails"] == f"5:{fails}x"
    else:
        assert boot.words == [] and "neither revision 4 nor an earlier one starts" in boot.console
        assert "pv_fails" not in boot.notes  # a minute later it gets another chance


def test_an_environment_of_another_tool_tries_by_name_and_fails_of_another_generation_do_not_count(
    device: Device,
) -> None:
    device.add_revision("0")
    device.add_revision("1")
    device.set_environment(generation="", pv_rev="0", pv_try="1")
    device.set_notes(pv_fails="4:xxxxxxxxx")
    device.assemble()
    assert "pv_rev=1" in device.boot().words
    boot = device.boot()
    assert "pv_rev=0" in boot.words and boot.notes["pv_fails"] == "1:x", boot.console


@pytest.mark.parametrize("file", ["pv-initrd.img.0", "pv-fdt.dtb"])
def test_a_revision_of_which_a_file_cannot_be_loaded_is_not_booted(device: Device, file: str) -> None:
    device.add_revision("3")
    device.add_revision("4", **{file.replace(".", "__"): b"x" * 5000})
    device.set_environment(pv_rev="3", pv_try="4")
    device.unreadable = f"trails/4/.pv/{file}"
    device.assemble()
    boot = device.boot()
    assert "pv_rev=3" in boot.words and "revision 4 cannot be booted" in boot.console, boot.console


@pytest.mark.parametrize(
    "words",
    ["rdinit=/bin/sh", "PV_storage=x", "quiet -- x", "sysctl.kernel.x=1", "a='b c'", 'a="b c"', "a{b}",
     "a\tinit=/bin/sh"],
)  # fmt: skip
def test_words_of_the_oem_that_are_not_the_oem_s_are_left_out(device: Device, words: str) -> None:
    device.add_revision("0")
    device.set_environment(pv_rev="0")
    device.files["oemEnv.txt"] = f"oemargs=oem.colour=blue {words}\n".encode()
    device.assemble()
    boot = device.boot()
    assert "pv_rev=0" in boot.words and "oem.colour=blue" not in boot.words, boot.console
    assert "oemEnv.txt has words or characters" in boot.console


def test_the_second_copy_counts_where_the_first_is_torn(device: Device) -> None:
    device.add_revision("0")
    device.add_revision("3")
    device.set_environment(copy="uboot2.txt", pv_rev="3")
    (device.tree / "boot/uboot.txt").write_bytes(b"pv_gen=6\0pv_rev=0\0pv_end=5\0".ljust(FILE_BYTES, b"\0"))
    device.assemble()
    assert "pv_rev=3" in device.boot().words


def test_a_second_copy_of_another_tool_counts_where_the_first_is_torn(device: Device) -> None:
    device.add_revision("0")
    device.add_revision("3")
    device.set_environment(copy="uboot2.txt", generation="", pv_rev="3")
    (device.tree / "boot/uboot.txt").write_bytes(b"pv_gen=6\0pv_rev=0\0pv_end=5\0".ljust(FILE_BYTES, b"\0"))
    device.assemble()
    boot = device.boot()
    assert "pv_rev=3" in boot.words and boot.notes["pv_last"] == "3", boot.console


def test_the_second_copy_counts_where_the_first_names_no_revision(device: Device) -> None:
    device.add_revision("0")
    device.add_revision("3")
    device.set_environment(copy="uboot2.txt", pv_rev="3")
    device.set_environment(generation="6", pv_rev="a b")
    device.assemble()
    boot = device.boot()
    assert "pv_rev=3" in boot.words and boot.notes["pv_fails"] == "5:x", boot.console


def test_the_number_of_a_torn_copy_is_not_a_generation(device: Device) -> None:
    device.add_revision("0")
    for name in ("uboot.txt", "uboot2.txt"):
        torn = b"pv_gen=6\0pv_rev=0\0pv_end=5\0"
        (device.tree / "boot" / name).write_bytes(torn.ljust(FILE_BYTES, b"\0"))
    device.set_notes(pv_fails="6:xxx", pv_last="0")
    device.assemble()
    boot = device.boot()
    assert "pv_rev=0" in boot.words and boot.notes["pv_fails"] == "none:x", boot.console


def test_without_a_whole_copy_the_revision_that_was_booted_last_is_taken(device: Device) -> None:
    device.add_revision("0")
    device.add_revision("3")
    (device.tree / "boot/uboot.txt").write_bytes(bytes(FILE_BYTES))
    device.set_notes(pv_last="3")
    device.assemble()
    assert "pv_rev=3" in device.boot().words


def test_noted_words_that_are_not_a_revision_s_name_are_not_given_to_the_kernel(device: Device) -> None:
    """A quote would hide from the kernel's readers which storage is ours."""
    device.add_revision("0")
    device.add_revision('locals/a"b')
    (device.tree / "boot/uboot.txt").write_bytes(bytes(FILE_BYTES))
    device.set_notes(pv_last='locals/a"b')
    device.assemble()
    boot = device.boot()
    assert "pv_rev=0" in boot.words, boot.console


@pytest.mark.parametrize(
    "revision, tried",
    [
        ("x pv_storage.device=/dev/vdb y", "locals/a b"),
        ("locals/../0", '0" init=/bin/evil "'),
        ("0; reset", "$(reset)"),
        ('1" init=/bin/evil "', "locals/x;poweroff"),
    ],
)
def test_a_value_that_is_not_a_revision_is_none(device: Device, revision: str, tried: str) -> None:
    device.add_revision("0")
    device.set_environment(pv_rev=revision, pv_try=tried, pv_prev=tried)
    device.assemble()
    boot = device.boot()
    assert {"pv_rev=0", "pv_try="} <= set(boot.words), boot.console
    assert not [word for word in boot.words if word.startswith("init=")]


@pytest.mark.parametrize("notes", [None, b"", b"\xa5" * 5000], ids=["missing", "empty", "long"])
def test_notes_that_are_lost_or_damaged_do_not_lead_to_a_loop(device: Device, notes: bytes | None) -> None:
    device.add_revision("4")
    device.set_environment(pv_rev="4")
    del device.files["pv-notes.env"]
    if notes is not None:
        device.files["pv-notes.env"] = notes
    device.assemble()
    for count in ("x", "xx"):
        boot = device.boot(may_lack_notes=True)
        assert {"pv_rev=4", "panic=2"} <= set(boot.words), boot.console
        assert f"pv_fails=5:{count}\0".encode() in device.noted()


def test_where_nothing_can_be_noted_a_panic_stops_and_what_does_not_load_leads_to_the_next(
    device: Device,
) -> None:
    for name, kernel in (("0", None), ("3", b"no kernel"), ("4", b"no kernel")):
        device.add_revision(name, kernel=kernel)
    device.set_environment(pv_rev="4", pv_prev="3")
    del device.files["pv-notes.env"]
    device.folders = ["pv-notes.env"]
    device.assemble()
    boot = device.boot(may_lack_notes=True)
    assert {"pv_rev=0", "panic=0", "pv_uncounted=1"} <= set(boot.words), boot.console
    assert "nothing can be noted, so a kernel that panics stops" in boot.console


@pytest.mark.parametrize("kind", ["missing", "directory"])
def test_where_both_copies_are_lost_revision_0_is_booted_and_counted(device: Device, kind: str) -> None:
    device.add_revision("0")
    (device.tree / "boot/uboot.txt").unlink()
    for name in ("uboot.txt", "uboot2.txt") if kind == "directory" else ():
        (device.tree / "boot" / name).mkdir()
    device.set_notes(pv_fails="none:x")
    device.assemble()
    boot = device.boot()
    assert {"pv_rev=0", "panic=2"} <= set(boot.words) and boot.notes["pv_fails"] == "none:xx", boot.console


@pytest.mark.parametrize(
    "generation, revision, counts",
    [
        ("9" * 18, "3", True),
        ("9" * 19, "3", False),
        ("5", "9" * 11, False),
        ("5", "locals/" + "a" * 64, True),
        ("5", "locals/" + "a" * 65, False),
    ],
)
def test_numbers_and_names_that_the_runtime_does_not_read_do_not_count(
    device: Device, generation: str, revision: str, counts: bool
) -> None:
    for name in ("0", revision):
        device.add_revision(name)
    device.set_environment(generation=generation, pv_rev=revision)
    device.set_environment(copy="uboot2.txt", pv_rev="0")
    device.assemble()
    boot = device.boot()
    assert f"pv_rev={revision if counts else 0}" in boot.words, boot.console
    assert boot.notes["pv_fails"] == f"{generation if counts else 5}:x"
