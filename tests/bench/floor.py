# SPDX-License-Identifier: MIT
"""The floor of a recipe: what no program can leave out, each part alone and from memory.

inflate   the layers unpacked, once
hash      SHA-256 of the layers as they are stored, of what they unpack to, and of the image; each once
codec     libsquashfs's own compressor over the blocks of the image, each different one once
copies    the plain bytes once into blocks; the layers once into and out of a file, as a download leaves
          them; the image once into and out of a file, since an export names it by its digest, and once
          into the export
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from ctypes import byref
from pathlib import Path

from pantavisor import codecs, layers, layout, squashfs
from pantavisor.squashfs.library import Library, load
from pantavisor.squashfs.structures import Compressor, CompressorConfig

STEP_BYTES = codecs.CHUNK_BYTES  # stays in a processor's cache, as what is measured does


def inflated(packed: bytes) -> Iterator[bytes]:
    """The chunks of a layer."""
    unpacker = codecs.decompressor(codecs.detect(packed[: codecs.MAGIC_BYTES]))
    for at in range(0, len(packed), codecs.PACKED_CHUNK):
        piece = packed[at : at + codecs.PACKED_CHUNK]
        while piece or not (unpacker.needs_input or unpacker.eof):
            yield unpacker.decompress(piece, codecs.CHUNK_BYTES)
            piece = b""


def steps(data: bytes) -> Iterator[memoryview]:
    return (memoryview(data)[at : at + STEP_BYTES] for at in range(0, len(data), STEP_BYTES))


def seconds(work: Callable[[], object]) -> float:
    """Of CPU, user's and the kernel's."""
    began = time.process_time()
    work()
    return time.process_time() - began


def hash_seconds(data: bytes) -> float:
    hasher = hashlib.sha256()
    return seconds(lambda: [hasher.update(step) for step in steps(data)])


def layer_seconds(packed: bytes) -> tuple[float, float]:
    """Of inflating a layer, and of hashing what comes out while it is in the cache."""
    hasher, hashing = hashlib.sha256(), 0.0
    began = time.process_time()
    for chunk in inflated(packed):
        start = time.process_time()
        hasher.update(chunk)
        hashing += time.process_time() - start
    return time.process_time() - began - hashing, hashing


def file_seconds(data: bytes, folder: Path, *, writes: int, reads: int) -> float:
    """Of copies into and out of a file that the kernel keeps in memory."""
    buffer = bytearray(STEP_BYTES)
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:

        def write() -> None:
            file.seek(0)
            file.truncate()
            for step in steps(data):
                file.write(step)

        def read() -> None:
            file.seek(0)
            while file.readinto(buffer):
                pass

        return sum(seconds(write) for _ in range(writes)) + sum(seconds(read) for _ in range(reads))


class Codec:
    """The compressor of a profile, and what its work and the copies into its blocks take."""

    def __init__(self, library: Library, profile: squashfs.Profile, block_bytes: int) -> None:
        config, made = CompressorConfig(), ctypes.c_void_p()
        library.compressor_config_init(byref(config), profile.compressor, block_bytes, profile.flags)
        config.level = profile.level or 0
        library.compressor_create(byref(config), byref(made))
        self._object = made
        self._call = ctypes.cast(made, ctypes.POINTER(Compressor)).contents.do_block
        self._own = library.block_call(profile, block_bytes)
        self._block = ctypes.create_string_buffer(block_bytes)
        self._out = ctypes.create_string_buffer(block_bytes)
        self.seconds = self.copying = 0.0
        self.bytes = 0

    def __call__(self, block: bytes) -> None:
        copied = time.process_time()
        ctypes.memmove(self._block, block, len(block))
        began = time.process_time()
        done = (self._own or self._call)(self._object, self._block, len(block), self._out, len(block))
        self.seconds += time.process_time() - began
        self.copying += began - copied
        self.bytes += done or len(block)


def blocks(tree: layers.Tree, size: int) -> Iterator[bytes]:
    """What a squashfs compresses of the files of ``tree``: each different block once, ends of files put
    together.
    """
    ends, seen = bytearray(), set()
    for _, spans in tree.contents():
        content = b"".join(chunk[start:end] for chunk, start, end in spans)
        for at in range(0, len(content), size):
            block = content[at : at + size]
            digest = hashlib.sha1(block).digest()
            if digest in seen or not any(block):
                continue
            seen.add(digest)
            if len(block) == size:
                yield block
            elif len(ends) + len(block) > size:
                yield bytes(ends)
                ends = bytearray(block)
            else:
                ends += block
    yield bytes(ends)


def measure(source: Path, image: bytes, profile: squashfs.Profile, folder: Path) -> dict[str, float]:
    """Seconds of CPU of each part."""
    codec = Codec(load(), profile, profile.block_bytes)
    found = {"inflate": 0.0, "hash": hash_seconds(image), "copies": 0.0}
    found["copies"] += file_seconds(image, folder, writes=2, reads=1)
    with layout.open_image(source, None) as opened:
        for layer in opened.layers:
            with layer.open() as stream:
                packed = stream.read()
            inflating, hashing = layer_seconds(packed)
            found["inflate"] += inflating
            found["hash"] += hashing + hash_seconds(packed)
            found["copies"] += file_seconds(packed, folder, writes=1, reads=1)
        for block in blocks(layers.flatten(opened.layers), profile.block_bytes):
            codec(block)
    return {**found, "copies": found["copies"] + codec.copying, "codec": codec.seconds}


if __name__ == "__main__":
    where, image_file, name = sys.argv[1:]
    wanted = squashfs.profile(name, None)
    with tempfile.TemporaryDirectory(dir=Path(image_file).parent) as scratch:
        print(json.dumps(measure(Path(where), Path(image_file).read_bytes(), wanted, Path(scratch))))
