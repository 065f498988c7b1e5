"""The finished disk image as others see it: partition table, file systems, trust, secrets."""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from place import KEY_DIR, TRUST
from storage import Storage, output

# Any of these lines of a PEM body gives a private key away; short last lines could appear by chance.
TELLING_BYTES = 40
# The line alone stands in every library that reads PEM files, such as the initramfs's.
WITH_LIBRARIES = "pantavisor-initramfs"
A_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{16}")


def test_partition_table_has_no_problems(image: Path) -> None:
    assert "No problems found" in output("sgdisk", "-v", str(image))


def test_storage_file_system_is_clean(image: Path) -> None:
    subprocess.run(["e2fsck", "-fn", Storage.of(image).device], check=True, timeout=300, capture_output=True)


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
    subprocess.run(argv, check=True, timeout=60, capture_output=True)
    done = verify(image, trust=tmp_path / "ca.crt")
    assert done.returncode == 2, done.stdout


def test_no_private_key_is_in_any_deployed_file(image: Path) -> None:
    secrets = list(_key_lines())
    assert secrets, f"no keys in {KEY_DIR} to search for"
    files = [path for path in image.parent.rglob("*") if path.is_file() and not path.is_symlink()]
    assert image in files
    for path in files:
        for content in _contents(path):
            # The distribution's mbedTLS library carries its published test keys; any other key would be a leak.
            assert path.name.startswith(WITH_LIBRARIES) or not A_KEY.search(content), f"{path.name} holds a private key"
            for secret in secrets:
                assert secret not in content, f"{path.name} holds a private key"


def test_trusted_root_is_a_certificate_only(image: Path) -> None:
    assert "PRIVATE" not in TRUST.read_text()


def _key_lines() -> Iterator[bytes]:
    for path in sorted(KEY_DIR.glob("*key.pem")):
        for line in path.read_bytes().splitlines():
            if len(line) >= TELLING_BYTES and b"-----" not in line:
                yield line


def _contents(path: Path) -> Iterator[bytes]:
    """A file as it is, and unpacked."""
    raw = path.read_bytes()
    yield raw
    if raw[:2] == b"\x1f\x8b":
        yield gzip.decompress(raw)
    if raw[:4] == b"\x28\xb5\x2f\xfd":
        yield subprocess.run(["zstd", "-dc", str(path)], check=True, timeout=120, capture_output=True).stdout
