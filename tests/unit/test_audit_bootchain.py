# SPDX-License-Identifier: MIT
"""What a GRUB with a key inside would not boot, the verifier refuses by name."""

from __future__ import annotations

import re
import shutil
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pantavisor import audit, disk, keys
from pantavisor.audit import bootchain
from pantavisor.board import Board, BootPartition
from pantavisor.readers import Findings, grub
from pantavisor.readers.fat import BootFile, Fat
from pantavisor.readers.folder import Folder
from sim import device as sim

LAYER = Path(__file__).resolve().parents[2] / "meta-pantavisor"

PUBLIC_KEY, MODULE, PREFIX = 4, 0, 3


def program(*objects: tuple[int, bytes], machine: int = 0x8664) -> bytes:
    """An EFI program with the section that grub-mkimage puts such objects into."""
    wide = machine == 0x8664
    width, head = (8, 24) if wide else (4, 12)
    body = b""
    for kind, content in objects:
        body += (struct.pack("<II", kind, 8 + len(content)) + content).ljust(
            -(-(8 + len(content)) // width) * width, b"\0"
        )
    start = struct.pack(
        "<IIQQ" if wide else "<III", 0x676D696D, *((0,) if wide else ()), head, head + len(body)
    )
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


@dataclass(frozen=True)
class Partition:
    """A boot partition, as far as the chain looks at it."""

    contents: dict[str, bytes]

    @property
    def files(self) -> dict[str, BootFile]:
        return {path: BootFile(path, len(content), ()) for path, content in self.contents.items()}

    def content(self, file: BootFile) -> bytes:
        return self.contents[file.path]


Signers = tuple[keys.BootSigner, keys.BootSigner]


def tree(folder: Path, signer: Optional[keys.BootSigner]) -> Path:
    """What the boot loader reads of revision 0."""
    links = folder / "trails/0/.pv"
    links.mkdir(parents=True)
    for name in ("pv-kernel.img", "pv-initrd.img", "pv-initrd.img.0", "progress"):
        (links / name).write_bytes(name.encode() * 1000)
        if signer is not None and name != "progress":
            (links / f"{name}.sig").write_bytes(signer.sign(links / name))
    return folder


def findings(storage: Path, loader: bytes, **words: bytes) -> list[str]:
    """What is wrong; ``words`` are oem_env and oem_env_sig of the boot partition."""
    found, counts = Findings(), Counter[str]()
    files = {name.replace("_", "."): content for name, content in words.items()}
    partition = Partition({"EFI/BOOT/BOOTX64.EFI": loader, **files})
    bootchain.check(cast(Fat, partition), Folder(storage), ["0"], found, counts, "boot partition")
    assert counts["boot files"] + sum("pv-" in str(finding) for finding in found) in (0, 3)
    return [str(finding) for finding in found]


def test_what_is_signed_by_the_key_in_grub_is_good(tmp_path: Path, signers: Signers) -> None:
    loader = program((MODULE, bytes(13)), (PUBLIC_KEY, signers[0].public_key()), (PREFIX, b"/x\0"))
    assert findings(tree(tmp_path, signers[0]), loader) == []


def test_what_is_not_signed_or_by_another_key_or_of_another_file_is_refused(
    tmp_path: Path, signers: Signers
) -> None:
    loader = program((PUBLIC_KEY, signers[0].public_key()))
    unsigned = findings(tree(tmp_path / "none", None), loader)
    assert len(unsigned) == 3 and all("has no signature" in finding for finding in unsigned)
    others = findings(tree(tmp_path / "others", signers[1]), loader)
    assert len(others) == 3 and all("does not trust" in finding for finding in others)
    links = tree(tmp_path / "swapped", signers[0]) / "trails/0/.pv"
    shutil.copy(links / "pv-initrd.img.sig", links / "pv-kernel.img.sig")
    (one,) = findings(tmp_path / "swapped", loader)
    assert "pv-kernel.img.sig does not match the file" in one


def test_words_for_the_command_line_that_grub_would_leave_out_are_refused(
    tmp_path: Path, signers: Signers
) -> None:
    loader = program((PUBLIC_KEY, signers[0].public_key()))
    storage, words = tree(tmp_path, signers[0]), block("oemargs=quiet")
    (tmp_path / "words").write_bytes(words)
    (one,) = findings(storage, loader, oem_env=words)
    assert "oem.env: has no signature" in one
    (one,) = findings(storage, loader, oem_env=words, oem_env_sig=signers[1].sign(tmp_path / "words"))
    assert "does not trust" in one
    assert findings(storage, loader, oem_env=words, oem_env_sig=signers[0].sign(tmp_path / "words")) == []


def test_a_grub_without_a_key_asks_for_nothing(tmp_path: Path) -> None:
    assert findings(tree(tmp_path, None), program((MODULE, b"x")), oem_env=block("oemargs=quiet")) == []


def block(lines: str) -> bytes:
    return (b"# GRUB Environment Block\n" + lines.encode() + b"\n").ljust(1024, b"#")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("oemargs=a=b rdinit=/bin/evil", '"rdinit=" is not the board\'s'),
        ("oemargs=a=b --", '"--" is not the board\'s'),
        ("oemargs=sysctl/kernel/modprobe=/storage/evil", '"sysctl/kernel/modprobe=" is not the board\'s'),
        ("oemargs=Pv_x=1", '"Pv_x=" is not the board\'s'),
        ('oemargs="quiet"', "may not have"), ("oemargs=a\\\\b", "may not have"),
        ("oemargs=\u00e4", "may not have"), ("pv_rev=7\noemargs=quiet", "leaves out pv_rev"),
        ("OEMARGS=quiet", "leaves out OEMARGS"), ("x\noemargs=quiet", "GRUB reads oemargs alone"),
    ],
)  # fmt: skip
def test_words_that_grub_leaves_out_are_named(
    tmp_path: Path, signers: Signers, words: str, said: str
) -> None:
    (tmp_path / "words").write_bytes(block(words))
    loader = program((PUBLIC_KEY, signers[0].public_key()))
    signature = signers[0].sign(tmp_path / "words")
    (one,) = findings(
        tree(tmp_path / "signed", signers[0]), loader, oem_env=block(words), oem_env_sig=signature
    )
    (two,) = findings(tree(tmp_path / "open", None), program((MODULE, b"x")), OEM_env=block(words))
    assert one == two and said in one


@pytest.mark.parametrize("content", [b"oemargs=quiet", b"", b"# GRUB environment block\noemargs=quiet\n"])
def test_what_is_not_a_block_of_grub_is_named(tmp_path: Path, content: bytes) -> None:
    (one,) = findings(tree(tmp_path, None), program((MODULE, b"x")), oem_env=content)
    assert "is not an environment block of GRUB" in one


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ("a=1\na=2", {b"a": b"2"}),
        ("a=\\\\1\\\nb=x", {b"a": b"\\1\nb=x"}), ("#x=1\na=1", {b"a": b"1"}), ("a", {}),
        ("=x", {b"": b"x"}),
    ],
)  # fmt: skip
def test_a_block_is_read_as_grub_reads_it(lines: str, wanted: dict[bytes, bytes]) -> None:
    assert grub.environment(block(lines)) == wanted
    assert grub.environment(b"# GRUB Environment Block\na=1") == {}


def test_harmless_words_are_those_of_the_boot_loader() -> None:
    configuration = LAYER / "recipes-bsp/pantavisor-grub/files/grub.cfg"
    function = configuration.read_text().partition("function is_harmless")[2]
    harmless, foreign = re.findall(r"regexp '(.*)' \"x\$1 ?\"; then", function)[:2]
    assert harmless == f"^x{bootchain._HARMLESS.pattern}$"
    assert foreign == bootchain._FOREIGN.pattern.replace("(?:", "(").replace("(^| )", "(^x| )")


def test_words_that_oem_env_may_not_hold_are_those_of_the_page() -> None:
    page = " ".join((LAYER / "docs/formats/boot-chain.md").read_text().split())
    (listed,) = re.findall(r"those of the boot loader \((.*?)\)", page)
    words = re.findall(r"`([^`]+)`", listed)
    assert len(words) == 8
    for word in words:
        assert bootchain._FOREIGN.search(word.replace("*", "x") + " "), word
    assert not bootchain._FOREIGN.search("console=ttyS0 quiet ")
    assert not bootchain._HARMLESS.fullmatch('"quoted"')


def test_the_verifier_of_an_image_asks_its_grub(tmp_path: Path, signers: Signers) -> None:
    device = sim.make(tmp_path / "device")
    (tmp_path / "loader").write_bytes(program((PUBLIC_KEY, signers[0].public_key())))
    boot_files = {"EFI/BOOT/BOOTX64.EFI": tmp_path / "loader"}
    made = disk.build(
        tmp_path / "disk.img", Board.efi(boot_files), device.storage, epoch=sim.EPOCH, seed="x"
    )
    assert sorted(
        finding.where for finding in audit.verify(made.path).findings if finding.code == "boot-signature"
    ) == [
        "trails/0/.pv/pv-initrd.img", "trails/0/.pv/pv-kernel.img",
    ]  # fmt: skip


def test_keys_are_found_in_programs_of_32_bits_too() -> None:
    objects = ((MODULE, b"abc"), (PUBLIC_KEY, b"key"), (PUBLIC_KEY, b"other"))
    assert grub.public_keys(program(*objects)) == b"keyother"
    assert grub.public_keys(program(*objects, machine=0x14C)) == b"keyother"


def test_no_damage_to_a_program_ends_in_a_traceback(signers: Signers) -> None:
    whole = program((MODULE, b"x"), (PUBLIC_KEY, b"key"))
    for at in range(0, len(whole)):
        for value in (0, 0xFF):
            try:
                grub.public_keys(whole[:at] + bytes([value]) + whole[at + 1 :])
                grub.public_keys(whole[:at])
            except struct.error:
                pass
    assert grub.public_keys(b"#!/bin/sh") is None


def test_each_boot_partition_is_examined(tmp_path: Path) -> None:
    device = sim.make(tmp_path / "device")
    (tmp_path / "loader").write_bytes(b"MZ")
    (tmp_path / "key").write_bytes(b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n")
    (tmp_path / "other").write_bytes(b"no key")
    boot = tuple(
        BootPartition(
            {"EFI/BOOT/BOOTX64.EFI": tmp_path / "loader", "notes": tmp_path / name}, name=name
        )
        for name in ("key", "other")
    )
    made = disk.build(tmp_path / "disk.img", Board(boot), device.storage, epoch=sim.EPOCH, seed="x")
    found = audit.verify(made.path, trust=device.trust).findings
    assert [finding.where for finding in found if finding.code == "secret"] == ["boot partition 1, notes"]
    assert {finding.where for finding in found if finding.code == "boot-loader"} == {
        f"boot partition {number}, EFI/BOOT/BOOTX64.EFI" for number in (1, 2)
    }
