# SPDX-License-Identifier: MIT
"""What GRUB and firmware verify, signed in a build: by keys in files, and by those on a token."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from conftest import Build
from pantavisor import export, keys
from pantavisor.objects import ObjectPool
from pantavisor.readers import grub
from sim import leaks, tools
from sim.token import PIN, Token
from sim.token import TOKEN as LABEL

MACHINE, GRUB = "qemux86-64", "pantavisor-grub-bootx64.efi"


def bsp(build: Build, pool: Path, name: str) -> Path:
    """A file of the bsp that was built."""
    made = build.deployed(f"pantavisor-bsp-{MACHINE}.pvrexport.tgz", MACHINE)
    return ObjectPool(pool).path(str(export.read(made, ObjectPool(pool))[f"bsp/{name}"]))


def certificate(folder: Path) -> tuple[Path, Path]:
    """A key for UEFI Secure Boot and its certificate."""
    folder.mkdir()
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=db", "-days", "9"]
    subprocess.run(
        [*command, "-keyout", "db.key", "-out", "db.crt"], cwd=folder, check=True, capture_output=True
    )
    return folder / "db.key", folder / "db.crt"


def test_grub_and_the_kernel_are_signed_for_secure_boot_where_a_key_is_given(
    downloads: Path, tmp_path: Path
) -> None:
    build = Build.of_the_layer(tmp_path / "secure", downloads)
    keys.generate(tmp_path / "keys", common_name="Test")
    key, cert = certificate(tmp_path / "db")
    local = build.directory / "conf/local.conf"
    plain = local.read_text()
    signed = f'{plain}PANTAVISOR_EFI_KEY = "{key}"\nPANTAVISOR_EFI_CERT = "{cert}"\n'
    local.write_text(f'{signed}PVS_BOOT_KEY = ""\n')
    assert "would boot any kernel under Secure Boot" in build.run("pantavisor-grub").failed().output
    # Any file will do for an initramfs.
    local.write_text(
        f'{signed}PVR_BSP_DEPENDS = "virtual/kernel:do_deploy"\nPVR_BSP_INITRAMFS = "bzImage"\n'
    )
    build.run("pantavisor-grub", "pantavisor-bsp").succeeded()
    program = build.deployed(GRUB, MACHINE)
    for image in (program, bsp(build, tmp_path / "pool", "kernel.img")):
        tools.run("sbverify", "--cert", cert, image)
    assert grub.public_keys(program.read_bytes())


TOKEN = """\
PVS_KEY_DIR = "{folder}/public"
PVS_X5C = "{folder}/public/states.crt"
PVS_PKCS11 = "{module}"
PVS_PKCS11_TOKEN = "{token}"
PVS_PKCS11_LABEL = "states"
PVS_PKCS11_PIN_FILE = "{folder}/pin"
PVS_BOOT_LABEL = "boot"
PVS_BOOT_CERT = "{folder}/public/boot.crt"
PANTAVISOR_EFI_LABEL = "db"
PANTAVISOR_EFI_CERT = "{folder}/public/db.crt"
PVS_ENVIRONMENT = "SOFTHSM2_CONF"
ASSUME_PROVIDED += "python3-pkcs11-native"
PVR_BSP_DEPENDS = "virtual/kernel:do_deploy"
PVR_BSP_INITRAMFS = "bzImage"
"""


def test_no_private_key_is_in_a_file_where_a_token_has_them(downloads: Path, tmp_path: Path) -> None:
    root = tmp_path / "vault"  # another machine: only what is public leaves it
    keys.generate(root, common_name="Product")
    token = Token.make(tmp_path / "token")
    (tmp_path / "public").mkdir()
    for number, label in enumerate(("states", "boot", "db"), 1):
        token.make_key(label, f"0{number}", tmp_path / f"{label}.pub")
        made = keys.certify(tmp_path / f"{label}.pub", root, common_name=label)
        (tmp_path / f"public/{label}.crt").write_bytes(keys.as_pem(made))
    shutil.copy(root / "ca.crt", tmp_path / "public")
    shutil.rmtree(root)
    (tmp_path / "pin").write_text(f"{PIN}\n")
    build = Build.of_the_layer(tmp_path / "one", downloads)
    with (build.directory / "conf/local.conf").open("a") as local:
        local.write(TOKEN.format(folder=tmp_path, module=token.module, token=LABEL))
    build.run("pantavisor-grub", "pantavisor-bsp", SOFTHSM2_CONF=str(token.configuration)).succeeded()
    program = build.deployed(GRUB, MACHINE)
    tools.run("sbverify", "--cert", tmp_path / "public/db.crt", program)
    held = grub.public_keys(program.read_bytes())
    assert held is not None
    trusted = keys.BootKeys.parse(held, what="GRUB's key")
    kernel, signature = (bsp(build, tmp_path / "pool", f"kernel.img{end}") for end in ("", ".sig"))
    trusted.verify(signature.read_bytes(), [kernel.read_bytes()], what="kernel.img.sig")
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 100
    assert not [path for path in files if leaks.PRIVATE_KEY.search(path.read_bytes())]
