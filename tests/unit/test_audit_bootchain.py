"""What a GRUB with a key inside would not boot, the verifier refuses by name."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pantavisor import audit, disk, keys, trail
from pantavisor.audit import grub
from sim import device as sim

PUBLIC_KEY, MODULE, PREFIX = 4, 0, 3


def program(*objects: tuple[int, bytes], machine: int = 0x8664) -> bytes:
    """An EFI program with the section that grub-mkimage puts such objects into."""
    wide = machine == 0x8664
    width, head = (8, 24) if wide else (4, 12)
    body = b""
    for kind, content in objects:
        body += (struct.pack("<II", kind, 8 + len(content)) + content).ljust(-(-(8 + len(content)) // width) * width, b"\0")
    start = struct.pack("<IIQQ" if wide else "<III", 0x676D696D, *((0,) if wide else ()), head, head + len(body))
    section = struct.pack("<8sIIII16s", b"mods", 0, 0, head + len(body), 512, b"")
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, 0, 0)
    return (b"MZ" + bytes(58) + struct.pack("<I", 64) + coff + section).ljust(512, b"\0") + start + body


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> tuple[keys.BootSigner, keys.BootSigner]:
    made = []
    for name in ("ours", "theirs"):
        path = tmp_path_factory.mktemp("boot") / name
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        made.append(keys.BootSigner.load(path))
    return made[0], made[1]


def image(folder: Path, loader: bytes, signatures: dict[str, bytes]) -> Path:
    """A device whose bsp has these signatures, on a disk that this loader boots."""
    device = sim.make(folder / "device")
    files = {f"bsp/{name}.sig": device.pool.put_bytes(content) for name, content in signatures.items()}
    storage = folder / "storage"
    trail.write(storage, sim.sign(device, device.state.with_files(files)), device.pool, "0")
    (folder / "loader").write_bytes(loader)
    made = disk.build(
        folder / "disk.img", storage, esp_files={"EFI/BOOT/BOOTX64.EFI": folder / "loader"}, epoch=sim.EPOCH, seed="x"
    )
    return made.path


def signatures(folder: Path, signer: keys.BootSigner) -> dict[str, bytes]:
    (folder / "k").write_bytes(b"kernel" * 30_000)
    (folder / "i").write_bytes(b"initrd" * 10_000)
    return {"kernel.img": signer.sign(folder / "k"), "pantavisor": signer.sign(folder / "i")}


def findings(path: Path) -> list[str]:
    return [str(finding) for finding in audit.verify(path).findings if finding.code.startswith("boot-")]


def test_what_is_signed_by_the_key_in_grub_is_good(
    tmp_path: Path, signers: tuple[keys.BootSigner, keys.BootSigner]
) -> None:
    loader = program((MODULE, bytes(13)), (PUBLIC_KEY, signers[0].public_key()), (PREFIX, b"/x\0"))
    path = image(tmp_path, loader, signatures(tmp_path, signers[0]))
    assert findings(path) == []
    assert audit.verify(path).checked["boot files"] == 2


def test_what_is_not_signed_or_by_another_key_or_of_another_file_is_refused(
    tmp_path: Path, signers: tuple[keys.BootSigner, keys.BootSigner]
) -> None:
    loader = program((PUBLIC_KEY, signers[0].public_key()))
    for name in ("none", "other", "swapped"):
        (tmp_path / name).mkdir()
    (missing, unsigned) = findings(image(tmp_path / "none", loader, {}))
    assert "pv-initrd.img: has no signature" in missing and "pv-kernel.img: has no signature" in unsigned
    (first, second) = findings(image(tmp_path / "other", loader, signatures(tmp_path, signers[1])))
    assert "does not trust" in first and "does not trust" in second
    swapped = signatures(tmp_path, signers[0])
    swapped["kernel.img"] = swapped["pantavisor"]
    (one,) = findings(image(tmp_path / "swapped", loader, swapped))
    assert "pv-kernel.img.sig does not match the file" in one


def test_a_grub_without_a_key_asks_for_nothing(tmp_path: Path) -> None:
    assert findings(image(tmp_path, program((MODULE, b"x")), {})) == []


def test_keys_are_found_in_programs_of_32_bits_too() -> None:
    objects = ((MODULE, b"abc"), (PUBLIC_KEY, b"key"), (PUBLIC_KEY, b"other"))
    assert grub.public_keys(program(*objects)) == b"keyother"
    assert grub.public_keys(program(*objects, machine=0x14C)) == b"keyother"


def test_no_damage_to_a_program_ends_in_a_traceback(signers: tuple[keys.BootSigner, keys.BootSigner]) -> None:
    whole = program((MODULE, b"x"), (PUBLIC_KEY, b"key"))
    for at in range(0, len(whole)):
        for value in (0, 0xFF):
            try:
                grub.public_keys(whole[:at] + bytes([value]) + whole[at + 1 :])
                grub.public_keys(whole[:at])
            except struct.error:
                pass
    assert grub.public_keys(b"#!/bin/sh") is None
