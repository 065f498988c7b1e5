# SPDX-License-Identifier: MIT
"""Everything that lies in what a build makes, unpacked down to the last file; and what of a key would give
it away.
"""

from __future__ import annotations

import io
import lzma
import re
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pantavisor.readers import Findings, OpenFile, gpt
from pantavisor.readers.ext4 import Ext4
from pantavisor.readers.fat import Fat

PRIVATE_KEY = re.compile(rb"PRIVATE KEY-----\s+[A-Za-z0-9+/]{16}")
# Short last lines of a PEM body could appear by chance.
TELLING_BYTES = 40
SQUASHFS, ZSTD, GZIP, XZ = b"hsqs", b"\x28\xb5\x2f\xfd", b"\x1f\x8b", b"\xfd7zXZ\0"


def secrets(folder: Path) -> tuple[bytes, ...]:
    """The lines and the numbers of the private keys in ``folder``."""
    found: list[bytes] = []
    for path in sorted(folder.glob("*key.pem")):
        lines = path.read_bytes().splitlines()
        found += [line for line in lines if len(line) >= TELLING_BYTES and b"-----" not in line]
        found += _numbers(path.read_bytes())
    assert found, f"no keys in {folder} to search for"
    return tuple(found)


def _numbers(pem: bytes) -> list[bytes]:
    key = load_pem_private_key(pem, None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return [key.private_numbers().private_value.to_bytes(-(-key.key_size // 8), "big")]
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()
    return [
        number.to_bytes(-(-number.bit_length() // 8), "big") for number in (numbers.d, numbers.p, numbers.q)
    ]


def pieces(path: Path, scratch: Path) -> Iterator[tuple[str, bytes]]:
    """Where and content: the file as it is, and everything in it; ``scratch`` is for images that are
    unpacked.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    data = path.read_bytes()
    if data[512:520] == b"EFI PART":
        yield path.name, data
        yield from _disk(path, scratch)
    else:
        yield from _unpacked(path.name, data, scratch)


def _unpacked(where: str, data: bytes, scratch: Path) -> Iterator[tuple[str, bytes]]:
    yield where, data
    if data[:2] == GZIP:
        yield from _unpacked(f"{where} unpacked", zlib.decompressobj(31).decompress(data), scratch)
    elif data[:4] == ZSTD:
        plain = subprocess.run(
            ["zstd", "-dc"], input=data, check=True, timeout=600, stdout=subprocess.PIPE
        ).stdout
        yield from _unpacked(f"{where} unpacked", plain, scratch)
    elif data[:6] == XZ:
        yield from _unpacked(f"{where} unpacked", lzma.decompress(data), scratch)
    elif data[257:262] == b"ustar":
        yield from _tar(where, data, scratch)
    elif data[:4] == SQUASHFS:
        yield from _squashfs(where, data, scratch)


def _tar(where: str, data: bytes, scratch: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is not None:
                yield from _unpacked(f"{where}/{member.name}", stream.read(), scratch)


def _squashfs(where: str, data: bytes, scratch: Path) -> Iterator[tuple[str, bytes]]:
    number = len(list(scratch.iterdir()))
    image, folder = scratch / f"{number}.squashfs", scratch / str(number)
    image.write_bytes(data)
    argv = ["unsquashfs", "-quiet", "-no-progress", "-no-xattrs", "-d", folder, image]
    subprocess.run(argv, check=True, timeout=600, capture_output=True)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield f"{where}/{path.relative_to(folder)}", path.read_bytes()


def _disk(path: Path, scratch: Path) -> Iterator[tuple[str, bytes]]:
    with OpenFile(path) as reader:
        boot, storage = gpt.read(reader, Findings())
        fat = Fat(reader.window(boot.start, boot.size), Findings(), "")
        for name, file in fat.files.items():
            yield from _unpacked(f"{path.name}/boot/{name}", fat.content(file), scratch)
        ext4 = Ext4(reader.window(storage.start, storage.size), Findings(), "")
        for entry in ext4.entries.values():
            if entry.kind == "file":
                yield from _unpacked(f"{path.name}/{entry.path}", b"".join(ext4.chunks(entry)), scratch)
