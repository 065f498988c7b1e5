# SPDX-License-Identifier: MIT
"""The whole chain under real firmware with Secure Boot on: it starts GRUB signed by its key, and no other.

GRUB 2.12 has the firmware start the kernel, which checks it as well; so the kernel is signed by the same
key.

The firmware's keys are those that the package ovmf brings for tests; it has the private half, too.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from devtools import guest as qemu
from made import EXPORTS, Desk
from pantavisor import keys
from place import BOOT_SECONDS, KEY_DIR, TRUST

CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")
VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd")
KEY, CERTIFICATE = (
    Path("/usr/share/ovmf/PkKek-1-snakeoil.key"),
    Path("/usr/share/ovmf/PkKek-1-snakeoil.pem"),
)
PASSPHRASE = "snakeoil"
BOOT_PARTITION = 1024 * 1024  # where it begins
LOADER = "::EFI/BOOT/BOOTX64.EFI"


@pytest.fixture
def secure(machine: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The machine, with Secure Boot on."""
    if machine != "qemux86-64":
        pytest.skip(f"the package of firmware for {machine} brings no keys for tests")
    absent = [str(path) for path in (CODE, VARIABLES, KEY, CERTIFICATE) if not path.exists()]
    assert not absent, f"not there: {absent}; run scripts/setup"
    flash = ("-global", "driver=cfi.pflash01,property=secure,value=on")
    board = ("-machine", "q35,smm=on", "-accel", "tcg", *flash)
    name = "secure-x86-64"
    made = qemu.Machine("qemu-system-x86_64", board, ((str(CODE), str(VARIABLES)),), "ovmf")
    monkeypatch.setattr(qemu, "MACHINES", {**qemu.MACHINES, name: made})
    return name


@pytest.fixture(scope="module")
def made(machine: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration with a kernel that is signed for the firmware."""
    desk = Desk(tmp_path_factory.mktemp("secure"), machine)
    kernel = Path(shutil.copy(desk.kernel, desk.folder))
    sign(kernel, desk.folder)
    containers = [desk.export("demo-system"), desk.export("demo-nginx")]
    return desk.image([desk.bsp({}, kernel=kernel), *containers])


@pytest.fixture
def image(made: Path) -> Path:
    """Of which each test has a copy."""
    return made


def sign(loader: Path, scratch: Path) -> None:
    """As the recipe of GRUB does."""
    key = scratch / "key.pem"
    plain = ["openssl", "rsa", "-in", str(KEY), "-passin", f"pass:{PASSPHRASE}", "-out", str(key)]
    subprocess.run(plain, check=True, capture_output=True)
    signer = keys.PemSigner.load(key, CERTIFICATE)
    loader.write_bytes(keys.sign_efi(loader.read_bytes(), signer, what=loader.name))


def swap(image: Path, loader: Path, *, back: bool) -> None:
    places = [str(loader), LOADER] if back else [LOADER, str(loader)]
    subprocess.run(
        ["mcopy", "-o", "-i", f"{image}@@{BOOT_PARTITION}", *places], check=True, capture_output=True
    )


@pytest.mark.parametrize("state", ["signed", "changed", "unsigned"])
def test_firmware_starts_grub_only_as_it_was_signed(
    state: str, secure: str, copy: Path, tmp_path: Path
) -> None:
    loader = tmp_path / "loader.efi"
    swap(copy, loader, back=False)
    if state != "unsigned":
        sign(loader, tmp_path)
    if state == "changed":
        content = loader.read_bytes()
        loader.write_bytes(content.replace(b"pv_trying", b"pv_trYing", 1))
        assert loader.read_bytes() != content
    swap(copy, loader, back=True)
    with qemu.Guest(qemu.Setup(copy, secure, qemu.free_ports(80))) as running:
        if state == "signed":
            running.wait_for(r"revision 0 verified", timeout=BOOT_SECONDS)
            return
        # The firmware's shell, its last resort, is not signed either.
        running.wait_for(r"No bootable option or device was found", timeout=BOOT_SECONDS)
        assert "GRUB" not in running.console and "booting revision" not in running.console


def test_an_image_that_was_signed_again_boots(secure: str, machine: str, tmp_path: Path) -> None:
    """Its state by the key of the release; GRUB and kernel by the keys of the build."""
    desk = Desk(tmp_path, machine)
    kernel = Path(shutil.copy(desk.kernel, tmp_path))
    loader = Path(shutil.copy(EXPORTS / machine / "pantavisor-grub-bootx64.efi", tmp_path))
    for program in (kernel, loader):
        sign(program, tmp_path)
    board = {"boot": [{"files": {"EFI/BOOT/BOOTX64.EFI": str(loader)}}]}
    parts = [desk.bsp({}, kernel=kernel), desk.export("demo-system"), desk.export("demo-nginx")]
    desk.image(parts, board=board)
    release = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "release.pem"]
    subprocess.run(release, cwd=tmp_path, check=True, capture_output=True)
    public = ["openssl", "pkey", "-in", "release.pem", "-pubout", "-out", "release.pub"]
    subprocess.run(public, cwd=tmp_path, check=True, capture_output=True)
    certify = ("release.pub", "release.crt", "--authority", str(KEY_DIR), "--common-name", "Release")
    desk.pvr("keys", "certify", *certify)
    key = ("--key", "release.pem", "--x5c", "release.crt", "--trust", str(TRUST))
    done = desk.run("factory", "sign", "made.img", "--out", "released.img", *key)
    assert "warning: released.img has the boot key and the EFI key of its build" in done.stderr
    assert "Release" in desk.pvr("inspect", "released.img")
    with qemu.Guest(qemu.Setup(tmp_path / "released.img", secure, qemu.free_ports(80))) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
