# SPDX-License-Identifier: MIT
"""The finished disk image as others see it: partition table, file systems, trust, secrets."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from place import KEY_DIR, TRUST
from sim import leaks
from storage import Storage, output

WITH_LIBRARIES = (b"\x7fELF", b"070701")  # a program or library, an initramfs


def test_partition_table_has_no_problems(image: Path) -> None:
    assert "No problems found" in output("sgdisk", "-v", str(image))


def test_storage_file_system_is_clean(image: Path) -> None:
    subprocess.run(
        ["e2fsck", "-fn", Storage.of(image).device], check=True, timeout=600, capture_output=True
    )


def test_storage_has_the_label_that_the_boot_loader_looks_for(image: Path) -> None:
    assert "Filesystem volume name:   root" in Storage.of(image).debugfs("show_super_stats -h")


def test_verifier_accepts_the_image_strictly(
    image: Path, verify: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = verify(image)
    assert done.returncode == 0, done.stderr


def test_verifier_refuses_the_image_for_other_roots(
    image: Path, verify: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    argv += ["-days", "30", "-subj", "/CN=someone else"]
    argv += ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "ca.crt")]
    subprocess.run(argv, check=True, timeout=600, capture_output=True)
    done = verify(image, trust=tmp_path / "ca.crt")
    assert done.returncode == 2, done.stdout


def test_no_private_key_is_in_anything_deployed(image: Path, tmp_path: Path) -> None:
    secrets = leaks.secrets(KEY_DIR)
    seen = set()
    for path in sorted(image.parent.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        for where, content in leaks.pieces(path, tmp_path / path.name):
            seen.add(where)
            assert not [secret for secret in secrets if secret in content], f"{where} holds our private key"
            # TLS libraries, the initramfs's among them, carry their published test keys; any other would be
            # a leak.
            assert content.startswith(WITH_LIBRARIES) or not leaks.PRIVATE_KEY.search(content), (
                f"{where} holds a private key"
            )
        shutil.rmtree(tmp_path / path.name)
    # Down to the files in the containers and the modules, in the exports and in the image.
    modules = (".ko", ".ko.gz", ".ko.xz", ".ko.zst")
    for end in (
        "/usr/sbin/nginx",
        "/etc/inittab",
        modules,
        "/boot/EFI/BOOT/BOOTX64.EFI",
        "/trails/0/.pvr/json",
    ):
        assert [where for where in seen if where.endswith(end)], end


def test_trusted_root_is_a_certificate_only(image: Path) -> None:
    assert "PRIVATE" not in TRUST.read_text()
