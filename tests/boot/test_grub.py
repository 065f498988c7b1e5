# SPDX-License-Identifier: MIT
"""The boot contract, held by the real GRUB image under real EFI firmware: which revision boots, what it is
given, and that nothing unsigned runs.

A disk made here has a tiny PID 1 in place of the runtime: it prints the kernel's command line and powers
off. Needs qemu-system-x86, ovmf, sgdisk, mtools, e2fsprogs, gcc and zstd, and the deployed files of a build
in PVTEST_DEPLOY (default: build/tmp/deploy/images/qemux86-64); PVTEST_BOOT_KEY is the private key that this
GRUB trusts (default: the quickstart's).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from contract import Boot, run
from debpkg import cpio
from pantavisor import keys
from place import KEY_DIR

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = Path(os.environ.get("PVTEST_DEPLOY", ROOT / "build/tmp/deploy/images/qemux86-64"))
BOOT_KEY = Path(os.environ.get("PVTEST_BOOT_KEY", KEY_DIR / "key.pem"))
FIRMWARE = Path("/usr/share/ovmf/OVMF.fd")
TOOLS = ("qemu-system-x86_64", "sgdisk", "mcopy", "mkfs.vfat", "mke2fs", "debugfs", "gcc")
SECTOR = 512
ESP_SECTORS = 32 * 2048
ROOT_SECTORS = 160 * 2048
BOOT_SECONDS = 600
ENVIRONMENT_BYTES = 1024

INIT = r"""
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void) {
    char line[4096];
    mkdir("/proc", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    FILE *file = fopen("/proc/cmdline", "r");
    if (file && fgets(line, sizeof line, file))
        printf("CMDLINE %s\n", line);
    printf("ADDON %d\n", access("/addon", F_OK) == 0);
    fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
    return 0;
}
"""


def _unavailable() -> str | None:
    wanted = [DEPLOY / "pantavisor-grub-bootx64.efi", DEPLOY / "bzImage", FIRMWARE, BOOT_KEY]
    absent = [str(path) for path in wanted if not path.exists()] + [
        tool for tool in TOOLS if not shutil.which(tool)
    ]
    return f"not there: {', '.join(absent)}" if absent else None


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    reason = _unavailable()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("grub")
    (folder / "init.c").write_text(INIT)
    subprocess.run(["gcc", "-Os", "-static", "-o", "init", "init.c"], cwd=folder, check=True)
    init = cpio.file((folder / "init").read_bytes(), 0o755)
    with open(folder / "initrd", "wb") as stream:
        cpio.write(
            stream, {"usr/bin/pantavisor": init, "dev/console": cpio.character_device(5, 1)}, epoch=0
        )
    with open(folder / "addon", "wb") as stream:
        cpio.write(stream, {"addon": cpio.file(b"here")}, epoch=0)
    shutil.copy(DEPLOY / "bzImage", folder / "kernel")
    for name in ("kernel", "initrd", "addon"):
        sign(folder / name)
    return folder


def sign(path: Path) -> None:
    """As the bsp is signed at its build."""
    path.with_name(f"{path.name}.sig").write_bytes(keys.BootSigner.load(BOOT_KEY).sign(path))


def environment_block(values: dict[str, str]) -> bytes:
    text = "# GRUB Environment Block\n" + "".join(f"{name}={value}\n" for name, value in values.items())
    return text.encode().ljust(ENVIRONMENT_BYTES, b"#")


class Device:
    """A disk with revisions; ``boot`` runs it once."""

    def __init__(self, world: Path, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.image, self.tree = folder / "disk.img", folder / "tree"
        self.oem: bytes | None = None
        self.oem_is_signed = True
        self.loader = (DEPLOY / "pantavisor-grub-bootx64.efi").read_bytes()
        (self.tree / "boot").mkdir(parents=True)
        (self.tree / "trails").mkdir()
        self.set_notes()

    def add_revision(self, name: str, *, kernel: bool = True, addon: bool = False) -> None:
        links = self.tree / "trails" / name / ".pv"
        links.mkdir(parents=True)
        files = {"pv-initrd.img": "initrd", **({"pv-kernel.img": "kernel"} if kernel else {})}
        for name, source in {**files, **({"pv-initrd.img.0": "addon"} if addon else {})}.items():
            shutil.copy(self.world / source, links / name)
            shutil.copy(self.world / f"{source}.sig", links / f"{name}.sig")

    def set_environment(self, *, generation: str = "5", **values: str) -> None:
        """What the runtime wrote, as one copy."""
        whole = {"pv_gen": generation, **values, "pv_end": generation} if generation else values
        (self.tree / "boot/grubenv").write_bytes(environment_block(whole))

    def set_notes(self, **values: str) -> None:
        (self.tree / "boot/grubtry").write_bytes(environment_block(values))

    def assemble(self, *, label: str = "root") -> None:
        esp, storage = self.folder / "esp.img", self.folder / "root.img"
        esp.write_bytes(b"")
        os.truncate(esp, ESP_SECTORS * SECTOR)
        run("mkfs.vfat", str(esp))
        run("mmd", "-i", str(esp), "::EFI", "::EFI/BOOT")
        (self.folder / "bootx64.efi").write_bytes(self.loader)
        run("mcopy", "-i", str(esp), str(self.folder / "bootx64.efi"), "::EFI/BOOT/BOOTX64.EFI")
        if self.oem is not None:
            (self.folder / "oem.env").write_bytes(self.oem)
            run("mcopy", "-i", str(esp), str(self.folder / "oem.env"), "::oem.env")
            if self.oem_is_signed:
                sign(self.folder / "oem.env")
                run("mcopy", "-i", str(esp), str(self.folder / "oem.env.sig"), "::oem.env.sig")
        features = "^metadata_csum_seed,^orphan_file"
        run("mke2fs", "-q", "-t", "ext4", "-O", features, "-L", label, "-d", str(self.tree), str(storage),
             f"{ROOT_SECTORS // 2}")  # fmt: skip
        self.image.write_bytes(b"")
        os.truncate(self.image, (2048 + ESP_SECTORS + ROOT_SECTORS + 2048) * SECTOR)
        run("sgdisk", "-n", f"1:2048:{2048 + ESP_SECTORS - 1}", "-t", "1:ef00",
             "-n", f"2:{2048 + ESP_SECTORS}:{2048 + ESP_SECTORS + ROOT_SECTORS - 1}",
             str(self.image))  # fmt: skip
        with open(self.image, "r+b") as disk:
            disk.seek(2048 * SECTOR)
            disk.write(esp.read_bytes())
            disk.write(storage.read_bytes())

    def boot(self, *, beside: Path | None = None, counts_elsewhere: bool = False) -> Boot:
        """Once, to its end. ``beside`` is a second disk, which the firmware and GRUB see first.
        ``counts_elsewhere``: what it boots is counted in a copy of what the runtime writes.
        """
        console = self.folder / "console.log"
        command = [
            "qemu-system-x86_64",
            "-accel",
            "tcg",
            "-m",
            "512",
            "-bios",
            str(FIRMWARE),
            "-nodefaults",
            "-no-reboot",
        ]
        command += ["-display", "none", "-serial", f"file:{console}"]
        for image in (beside, self.image):
            command += ["-drive", f"file={image},format=raw,if=virtio"] if image else []
        subprocess.run(command, check=True, timeout=BOOT_SECONDS, stdin=subprocess.DEVNULL)
        return Boot(console.read_text(errors="replace"), self._notes(counts_elsewhere))

    def _notes(self, counts_elsewhere: bool) -> dict[str, str]:
        """What is in boot/grubtry; what the runtime writes, GRUB has left alone."""
        storage = self.folder / "after.img"
        with open(self.image, "rb") as disk, open(storage, "wb") as target:
            disk.seek((2048 + ESP_SECTORS) * SECTOR)
            target.write(disk.read(ROOT_SECTORS * SECTOR))
        for name in ("grubenv", "grubenv2"):
            if (self.tree / "boot" / name).exists():
                content = (self.tree / "boot" / name).read_bytes()
                if counts_elsewhere:
                    content = (content.rstrip(b"#") + b"pv_fails=5:x\n").ljust(ENVIRONMENT_BYTES, b"#")
                assert _cat(storage, f"/boot/{name}") == content
        text = _cat(storage, "/boot/grubtry").decode()
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _cat(image: Path, path: str) -> bytes:
    return subprocess.run(
        ["debugfs", "-R", f"cat {path}", str(image)], check=True, capture_output=True
    ).stdout


def rename_place(loader: bytes) -> bytes:
    """A GRUB program that has in fw_path what GRUB 2.06 has in cmdpath, as Debian's 2.12 does."""
    start = loader.index(b"# Which revision boots")
    end = loader.index(b"\n\n", start)
    words = b'if [ -n "$cmdpath" ]; then set fw_path="$cmdpath"; set cmdpath=""; fi\n'
    # Only comments stood there.
    return loader[:start] + words.ljust(end - start, b"#") + loader[end:]


def without_key(loader: bytes) -> bytes:
    """The same GRUB program as ``PVS_BOOT_KEY = ""`` makes it: its key becomes an object of no kind that
    GRUB knows.
    """
    start = loader.index(keys.BootSigner.load(BOOT_KEY).public_key()[:100]) - 8
    assert loader[start : start + 4] == b"\4\0\0\0"
    return loader[:start] + b"\x7f" + loader[start + 1 :]


@pytest.fixture
def device(world: Path, tmp_path: Path) -> Device:
    return Device(world, tmp_path)


def test_the_good_revision_boots_with_the_board_s_and_the_oem_s_words(device: Device) -> None:
    device.add_revision("0", addon=True)
    device.set_environment(pv_rev="0")
    device.oem = environment_block({"oemargs": "quiet oem.colour=blue", "pv_rev": "7"})
    device.assemble()
    boot = device.boot()
    for word in (
        "rdinit=/usr/bin/pantavisor",
        "pv_rev=0",
        "pv_try=",
        "panic=2",
        "console=tty0",
        "oem.colour=blue",
        "quiet",
    ):
        assert word in boot.words, boot.console
    assert "ADDON 1" in boot.console
    assert boot.notes == {"pv_fails": "5:x", "pv_last": "0"}


def test_a_try_is_noted_before_it_starts_and_spent_after_one_boot(device: Device) -> None:
    device.add_revision("0")
    device.add_revision("locals/next")
    device.set_environment(pv_rev="0", pv_try="locals/next")
    device.assemble()
    first = device.boot()
    assert {"pv_rev=locals/next", "pv_try=locals/next"} <= set(first.words), first.console
    assert first.notes == {"pv_trying": "5"}
    for _ in range(2):
        # Spent for good, whatever comes between: the generation is the same.
        second = device.boot()
        assert {"pv_rev=0", "pv_try=locals/next"} <= set(second.words), second.console
        assert second.notes["pv_trying"] == "5"
        assert "had its try" in second.console


def test_a_try_without_kernel_is_not_tried(device: Device) -> None:
    device.add_revision("3")
    device.add_revision("4", kernel=False)
    device.set_environment(pv_rev="3", pv_try="4")
    device.assemble()
    boot = device.boot()
    assert {"pv_rev=3", "pv_try=4"} <= set(boot.words), boot.console
    assert "pv_trying" not in boot.notes


def test_a_try_whose_kernel_is_broken_falls_back_at_once(device: Device) -> None:
    device.add_revision("3")
    device.add_revision("4")
    (device.tree / "trails/4/.pv/pv-kernel.img").write_bytes(b"no kernel" * 1000)
    sign(device.tree / "trails/4/.pv/pv-kernel.img")
    device.set_environment(pv_rev="3", pv_try="4")
    device.assemble()
    assert {"pv_rev=3", "pv_try=4"} <= set(device.boot().words)


@pytest.mark.parametrize(
    "notes",
    [
        # Full to the last byte: there is no room for one more variable.
        b"# GRUB Environment Block\nfill=".ljust(ENVIRONMENT_BYTES - 1, b"x") + b"\n",
        b"torn" * 256,
        None,
    ],
    ids=["full", "torn", "missing"],
)
def test_a_try_that_cannot_be_noted_is_not_tried(device: Device, notes: bytes | None) -> None:
    device.add_revision("0")
    device.add_revision("1")
    device.set_environment(pv_rev="0", pv_try="1")
    (device.tree / "boot/grubtry").unlink()
    if notes is not None:
        (device.tree / "boot/grubtry").write_bytes(notes)
    device.assemble()
    boot = device.boot(counts_elsewhere=True)
    assert {"pv_rev=0", "panic=2"} <= set(boot.words), boot.console
    assert "cannot be noted" in boot.console or "had its try" in boot.console


def test_a_later_try_of_the_same_name_has_its_try(device: Device) -> None:
    device.add_revision("0")
    device.add_revision("1")
    device.set_environment(generation="8", pv_rev="0", pv_try="1")
    device.set_notes(pv_trying="6", pv_fails="6:xx")
    device.assemble()
    boot = device.boot()
    assert "pv_rev=1" in boot.words and boot.notes["pv_trying"] == "8", boot.console


def test_an_environment_of_another_tool_tries_by_name(device: Device) -> None:
    device.add_revision("0")
    device.add_revision("1")
    device.set_environment(generation="", pv_rev="0", pv_try="1")
    device.assemble()
    assert "pv_rev=1" in device.boot().words
    assert "pv_rev=0" in device.boot().words


def test_the_second_copy_counts_where_the_first_is_torn(device: Device) -> None:
    device.add_revision("0")
    device.add_revision("3")
    device.set_environment(pv_rev="3")
    whole = (device.tree / "boot/grubenv").read_bytes()
    (device.tree / "boot/grubenv2").write_bytes(whole)
    (device.tree / "boot/grubenv").write_bytes(
        whole.replace(b"pv_end=5", b"pv_end=4").replace(b"pv_rev=3", b"pv_rev=0")
    )
    device.assemble()
    boot = device.boot()
    assert "pv_rev=3" in boot.words, boot.console


def test_the_second_copy_counts_where_the_first_names_no_revision(device: Device) -> None:
    device.add_revision("0")
    device.add_revision("3")
    device.set_environment(pv_rev="3")
    (device.tree / "boot/grubenv").rename(device.tree / "boot/grubenv2")
    device.set_environment(generation="6", pv_rev="a b")
    device.assemble()
    boot = device.boot()
    assert "pv_rev=3" in boot.words and boot.notes["pv_fails"] == "5:x", boot.console


@pytest.mark.parametrize("generation", ["-", "5:6", "1234567890123456789", "05"])
def test_a_generation_that_is_not_a_number_does_not_count(device: Device, generation: str) -> None:
    device.add_revision("0")
    device.add_revision("3")
    device.set_environment(generation=generation, pv_rev="0", pv_try="0")
    device.set_notes(pv_last="3")
    device.assemble()
    boot = device.boot()
    assert {"pv_rev=3", "pv_try="} <= set(boot.words) and boot.notes["pv_fails"] == ":x", boot.console


def test_without_a_whole_copy_the_revision_that_was_booted_last_is_taken(device: Device) -> None:
    device.add_revision("0")
    device.add_revision("3")
    device.set_notes(pv_last="3")
    for name in ("grubenv", "grubenv2"):
        (device.tree / "boot" / name).write_bytes(b"\0" * ENVIRONMENT_BYTES)
    device.assemble()
    assert "pv_rev=3" in device.boot().words


def test_three_failed_boots_lead_to_the_last_good_revision_then_to_0_then_to_the_console(
    device: Device,
) -> None:
    for name in ("0", "3", "4"):
        device.add_revision(name)
    device.set_environment(pv_rev="4", pv_prev="3")
    for fails, revision in (
        ("", "4"),
        ("xx", "4"),
        ("xxx", "3"),
        ("xxxxx", "3"),
        ("xxxxxx", "0"),
        ("xxxxxxxx", "0"),
    ):
        device.set_notes(pv_fails=f"5:{fails}")
        device.assemble()
        boot = device.boot()
        assert f"pv_rev={revision}" in boot.words, boot.console
        assert boot.notes["pv_fails"] == f"5:{fails}x"
    device.set_notes(pv_fails="5:xxxxxxxxx")
    device.assemble()
    boot = device.boot()
    assert boot.words == [] and boot.console.count("neither revision 4 nor an earlier one starts") == 1, (
        boot.console
    )
    # A minute later it gets another chance.
    assert "pv_rev=4" in device.boot().words


def test_boots_of_an_older_generation_do_not_count(device: Device) -> None:
    device.add_revision("0")
    device.add_revision("4")
    device.set_environment(generation="12", pv_rev="4")
    device.set_notes(pv_fails="11:xxxxxxxxx")
    device.assemble()
    boot = device.boot()
    assert "pv_rev=4" in boot.words and boot.notes["pv_fails"] == "12:x", boot.console


def test_a_committed_revision_without_kernel_leads_to_the_one_before(device: Device) -> None:
    device.add_revision("3")
    device.add_revision("4", kernel=False)
    device.set_environment(pv_rev="4", pv_prev="3")
    device.assemble()
    assert "pv_rev=3" in device.boot().words


def test_a_missing_environment_means_revision_0(device: Device) -> None:
    device.add_revision("0")
    device.assemble()
    assert "pv_rev=0" in device.boot().words


@pytest.fixture
def other(world: Path, tmp_path: Path) -> Path:
    """A disk with storage of the right label, a revision 6 and no boot loader."""
    (tmp_path / "other").mkdir()
    device = Device(world, tmp_path / "other")
    device.add_revision("6")
    device.set_environment(pv_rev="6")
    device.assemble()
    with open(device.image, "r+b") as disk:
        disk.seek(2048 * SECTOR)
        disk.write(bytes(ESP_SECTORS * SECTOR))
    return device.image


@pytest.mark.parametrize("change", [None, rename_place], ids=["cmdpath", "fw_path"])
def test_the_storage_of_another_disk_is_left_alone(
    device: Device, other: Path, change: Callable[[bytes], bytes] | None
) -> None:
    if change:
        device.loader = change(device.loader)
    device.add_revision("5")
    device.set_environment(pv_rev="5")
    device.oem = environment_block({"oemargs": "oem.colour=blue"})
    device.assemble()
    boot = device.boot(beside=other)
    assert {"pv_rev=5", "oem.colour=blue"} <= set(boot.words), boot.console


def test_another_disk_s_storage_does_not_stand_in_for_a_lost_one(device: Device, other: Path) -> None:
    device.add_revision("5")
    device.assemble(label="other")
    boot = device.boot(beside=other)
    assert boot.words == [] and boot.console.count("no storage on disk hd") == 1, boot.console


def test_without_a_bootable_revision_one_message_is_printed(device: Device) -> None:
    device.add_revision("0", kernel=False)
    device.set_environment(pv_rev="0")
    device.assemble()
    boot = device.boot()
    assert boot.console.count("revision 0 cannot be booted") == 1, boot.console
    assert boot.words == []


def test_without_storage_one_message_is_printed(device: Device) -> None:
    device.add_revision("0")
    device.assemble(label="other")
    boot = device.boot()
    assert boot.console.count("no storage") == 1, boot.console


@pytest.mark.parametrize("name", ["pv-kernel.img", "pv-initrd.img", "pv-initrd.img.0"])
def test_a_changed_file_of_a_revision_does_not_boot(device: Device, name: str) -> None:
    device.add_revision("0", addon=True)
    path = device.tree / "trails/0/.pv" / name
    content = path.read_bytes()
    # Where nothing but a signature would notice.
    path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    device.set_environment(pv_rev="0")
    device.assemble()
    boot = device.boot()
    assert boot.words == [], boot.console
    assert "bad signature" in boot.console
    assert boot.console.count("revision 0 cannot be booted: a file is damaged") == 1, boot.console


def test_an_unsigned_file_of_a_tried_revision_leads_back_to_the_good_one(device: Device) -> None:
    device.add_revision("0")
    device.add_revision("1", addon=True)
    (device.tree / "trails/1/.pv/pv-initrd.img.0.sig").unlink()
    device.set_environment(pv_rev="0", pv_try="1")
    device.assemble()
    first = device.boot()
    assert first.words == [] and "starting again for 0" in first.console, first.console
    second = device.boot()
    assert {"pv_rev=0", "pv_try=1"} <= set(second.words), second.console
    assert "ADDON 0" in second.console


def test_a_file_signed_by_another_key_does_not_boot(device: Device, tmp_path: Path) -> None:
    keys.generate(tmp_path / "others", common_name="another signer")
    device.add_revision("0")
    initrd = device.tree / "trails/0/.pv/pv-initrd.img"
    other = keys.BootSigner.load(tmp_path / "others/key.pem")
    initrd.with_name("pv-initrd.img.sig").write_bytes(other.sign(initrd))
    device.assemble()
    boot = device.boot()
    assert boot.words == [], boot.console
    assert "public key" in boot.console


# One for pv_rev, another one for pv_try.
HOSTILE = [
    ("x PV_STORAGE_MNTPOINT=/etc/pantavisor/pvs/trust pv_storage.device=/dev/vdb y", "locals/a b"),
    ("locals/../0", 'x" init=/bin/evil rdinit=/bin/evil mitigations=off "y'),
    ("--set=1:root", "("),
    ("\\\npv_x=1", "12345678901"),
]


@pytest.mark.parametrize("revision, tried", HOSTILE)
def test_a_value_that_is_not_a_revision_is_none(device: Device, revision: str, tried: str) -> None:
    device.add_revision("0")
    device.set_environment(pv_rev=revision, pv_try=tried, pv_prev=tried)
    device.set_notes(pv_trying=tried, pv_last=revision, pv_fails=f"5:{tried}")
    device.assemble()
    boot = device.boot()
    assert {"pv_rev=0", "pv_try="} <= set(boot.words), boot.console
    assert [
        word for word in boot.words if word.startswith(("rdinit=", "init=", "PV_", "mitigations="))
    ] == ["rdinit=/usr/bin/pantavisor"]


def test_without_a_key_in_it_grub_asks_for_no_signature(device: Device) -> None:
    device.loader = without_key(device.loader)
    device.add_revision("0", addon=True)
    for signature in (device.tree / "trails/0/.pv").glob("*.sig"):
        signature.unlink()
    device.oem, device.oem_is_signed = environment_block({"oemargs": "quiet oem.colour=blue"}), False
    device.set_environment(pv_rev="0")
    device.assemble()
    boot = device.boot()
    assert {"pv_rev=0", "oem.colour=blue"} <= set(boot.words) and "ADDON 1" in boot.console, boot.console


def test_unsigned_words_of_the_oem_are_left_out(device: Device) -> None:
    device.add_revision("0")
    device.oem, device.oem_is_signed = environment_block({"oemargs": "quiet oem.colour=blue"}), False
    device.assemble()
    boot = device.boot()
    assert "pv_rev=0" in boot.words and "oem.colour=blue" not in boot.words, boot.console


@pytest.mark.parametrize(
    "words",
    [
        "a=b rdinit=/bin/evil",
        'a="x init=/bin/evil"',
        "a=b --",
        "pv_rev=1 sysctl.kernel.modprobe=/storage/evil",
        "sysctl/kernel/modprobe=/storage/evil",
    ],
)
def test_words_of_the_oem_that_are_not_the_oem_s_are_left_out(device: Device, words: str) -> None:
    device.add_revision("0")
    device.oem = environment_block({"oemargs": words})
    device.assemble()
    boot = device.boot()
    assert "pv_rev=0" in boot.words, boot.console
    assert not set(words.split()) & set(boot.words), boot.console
    assert "is not used" in boot.console


def test_the_partition_of_the_storage_is_named(device: Device) -> None:
    device.add_revision("0")
    device.assemble()
    listing = subprocess.run(
        ["sgdisk", "-i", "2", str(device.image)], check=True, capture_output=True, text=True
    ).stdout
    match = re.search(r"unique GUID: (\S+)", listing)
    assert match
    boot = device.boot()
    assert f"pv_storage.device=PARTUUID={match[1].lower()}" in boot.words, boot.console
