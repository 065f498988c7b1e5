# SPDX-License-Identifier: MIT
"""The board support from the distribution's packages: real recipes, really fetched, built twice.

The second build stands elsewhere and has no network. Downloads are shared by both, and kept where
DL_DIR says.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Build
from pantavisor import keys
from pantavisor.readers import grub
from sim import newc

RECIPES = ("linux-deb", "pantavisor-grub", "pantavisor-initramfs")
MACHINES = ("qemux86-64", "qemuarm64")
KERNEL = {"qemux86-64": "bzImage", "qemuarm64": "Image"}
GRUB = {"qemux86-64": "pantavisor-grub-bootx64.efi", "qemuarm64": "pantavisor-grub-bootaa64.efi"}
DEB_ARCH = {"qemux86-64": "amd64", "qemuarm64": "arm64"}
TOOLS = (
    "apt-get", "dpkg-deb", "depmod", "grub-mkimage", "meson", "zstd", "aarch64-linux-gnu-gcc",
)  # fmt: skip


def make(root: Path, downloads: Path) -> Build:
    missing = [tool for tool in TOOLS if not shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin")]
    assert not missing, f"not installed: {missing}; run scripts/setup"
    return Build.of_the_layer(root, downloads)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("bsp")
    keys.generate(folder / "keys", common_name="Test")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module", params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def built(machine: str, place: Path, downloads: Path) -> Build:
    build = make(place / f"one-{machine}", downloads)
    build.run(*RECIPES, MACHINE=machine).succeeded()
    return build


def digests(build: Build, machine: str) -> dict[str, str]:
    folder = build.deployed("", machine)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def content(build: Build, machine: str) -> dict[str, int]:
    """Path -> mode, kind included, of what is in the initramfs."""
    return {path: fields[1] for path, (fields, _) in newc.read(unpacked(build, machine)).items()}


def unpacked(build: Build, machine: str) -> bytes:
    archive = build.deployed(f"pantavisor-initramfs-{machine}.cpio.zst", machine)
    return subprocess.run(["zstd", "-dcq", str(archive)], check=True, stdout=subprocess.PIPE).stdout


def test_what_the_layer_s_classes_expect_is_deployed(built: Build, machine: str) -> None:
    expected = {
        KERNEL[machine],
        f"modules-{machine}.tgz",
        f"pantavisor-initramfs-{machine}.cpio.zst",
        GRUB[machine],
    }
    expected |= {f"{name}-{machine}.packages" for name in ("linux-deb", "sysroot-deb", "grub-efi")}
    assert set(digests(built, machine)) == expected


def test_another_directory_without_network_gives_the_same_bytes(
    built: Build, machine: str, place: Path, downloads: Path
) -> None:
    other = make(place / f"two-somewhere-else-{machine}", downloads)
    other.run(*RECIPES, MACHINE=machine, BB_NO_NETWORK="1").succeeded()
    assert digests(other, machine) == digests(built, machine)


def test_what_was_fetched_is_used_without_network_in_the_same_directory(
    place: Path, downloads: Path
) -> None:
    build = make(place / "with-and-without", downloads)
    build.run("-c", "fetch", "grub-efi").succeeded()
    done = build.run("-c", "unpack", "grub-efi", BB_NO_NETWORK="1").succeeded()
    assert "ERROR" not in done.output, done.output


def test_the_manifest_names_every_package_with_its_digest(
    built: Build, machine: str, downloads: Path
) -> None:
    head, *lines = built.deployed(f"linux-deb-{machine}.packages", machine).read_text().splitlines()
    assert head.startswith("# ") and lines
    for line in lines:
        name, _, architecture, digest, file = line.split(" ")
        assert name.startswith("linux-image-") and architecture == DEB_ARCH[machine]
        package = downloads / f"deb-{architecture}" / file
        assert hashlib.sha256(package.read_bytes()).hexdigest() == digest


def test_the_initramfs_holds_what_pid_1_needs(built: Build, machine: str) -> None:
    found = content(built, machine)
    assert found["usr/bin/pantavisor"] == stat.S_IFREG | 0o755
    assert stat.S_ISCHR(found["dev/console"])
    for name in (
        "etc/pantavisor.config",
        "etc/pantavisor/modules",
        "etc/pantavisor/pvs/trust/ca-certificates.crt",
    ):
        assert found[name] == stat.S_IFREG | 0o644
    for name in ("proc", "sys", "run", "storage", "volumes", "configs", "exports", "writable"):
        assert stat.S_ISDIR(found[name])
    names = {path.rpartition("/")[2] for path in found}
    assert {"libc.so.6", "liblxc.so.1", "libgcc_s.so.1", "squashfs.ko", "overlay.ko", "loop.ko"} <= names


def test_the_configuration_fails_closed(built: Build, machine: str, place: Path) -> None:
    members = newc.read(unpacked(built, machine))
    lines = members["etc/pantavisor.config"][1].decode().splitlines()
    assert {
        "PV_SECUREBOOT_MODE=strict", "PV_BOOTLOADER_TYPE=grub", "PV_STORAGE_DEVICE=LABEL=root",
    } <= set(lines)  # fmt: skip
    assert (
        members["etc/pantavisor/pvs/trust/ca-certificates.crt"][1] == (place / "keys/ca.crt").read_bytes()
    )


def test_grub_has_the_boot_key_inside(built: Build, machine: str, place: Path) -> None:
    held = grub.public_keys(built.deployed(GRUB[machine], machine).read_bytes())
    assert (
        held is not None and held.rstrip(b"\0") == keys.BootSigner.load(place / "keys/key.pem").public_key()
    )


def test_modules_are_listed_after_what_they_need(built: Build, machine: str) -> None:
    members = newc.read(unpacked(built, machine))
    listed = members["etc/pantavisor/modules"][1].decode().split()
    assert {f"usr{path}" for path in listed} == {path for path in members if path.endswith(".ko")}
    names = [path.rpartition("/")[2] for path in listed]
    # Which of virtio's are modules, and which are inside the kernel, differs; this pair is the same
    # everywhere.
    assert names.index("net_failover.ko") < names.index("virtio_net.ko")
    assert names.index("dm-mod.ko") < names.index("dm-verity.ko")


def test_no_file_of_the_build_bears_its_path(built: Build, machine: str, place: Path) -> None:
    assert str(place).encode() not in unpacked(built, machine)


@pytest.fixture
def few(place: Path, downloads: Path, tmp_path: Path) -> Path:
    """Downloads with grub-efi, the smallest recipe of its kind, and nothing else."""
    if not list(downloads.glob("deb-amd64/grub-efi-*.list")):
        make(place / "few", downloads).run("-c", "fetch", "grub-efi").succeeded()
    others = shutil.ignore_patterns("linux*", "lib*", "lxc*", "sysroot*")
    shutil.copytree(downloads / "deb-amd64", tmp_path / "deb-amd64", ignore=others)
    return tmp_path


def package(folder: Path) -> Path:
    (found,) = folder.glob("deb-amd64/grub-efi-amd64-bin_*.deb")
    return found


def test_no_package_and_no_network_is_reported_in_one_sentence(place: Path, tmp_path: Path) -> None:
    result = make(place / "nothing", tmp_path).run("-c", "unpack", "grub-efi", BB_NO_NETWORK="1").failed()
    assert "BB_NO_NETWORK forbids to fetch it" in result.output
    assert "Traceback" not in result.output


def test_a_package_with_other_bytes_is_refused(place: Path, few: Path) -> None:
    package(few).write_bytes(package(few).read_bytes() + b"\n")
    result = make(place / "refused", few).run("-c", "unpack", "grub-efi").failed()
    assert "has sha256" in result.output and "remove the file" in result.output


def test_a_lost_package_is_fetched_again(place: Path, few: Path) -> None:
    package(few).unlink()
    make(place / "again", few).run("-c", "unpack", "grub-efi").succeeded()
    assert package(few).exists()


def test_an_unknown_package_is_named(place: Path, few: Path) -> None:
    build = make(place / "unknown", few)
    with open(build.directory / "conf/local.conf", "a", encoding="utf-8") as stream:
        stream.write('DEB_PACKAGES:pn-grub-efi = "no-such-package|nor-this-one"\n')
    result = build.run("-c", "fetch", "grub-efi").failed()
    assert 'no package "no-such-package|nor-this-one" for amd64' in result.output
    assert "Traceback" not in result.output
