# SPDX-License-Identifier: MIT
"""zstd by the distribution's libzstd, against what another implementation packed."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from pantavisor import codecs, libzstd

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LIBRARY = Path(codecs.__file__).parents[1]
CONTENT = b"".join(b"%d\n" % (number * number) for number in range(40_000)) + bytes(300_000)
PACKED = zstd.compress(CONTENT)
# As an interpreter without both packages takes it.
UNPACK = """\
import io, sys
from pantavisor import codecs
codecs._optional = lambda name: None
sys.stdout.buffer.write(b"".join(codecs.unpack(sys.stdin.buffer, what="it")))
"""


def unpack(packed: bytes, *, piece: int, most: int) -> tuple[bytes, bytes]:
    """The content of one frame and what comes behind it."""
    member, stream, content = libzstd.ZstdDecompressor(), io.BytesIO(packed), b""
    while not member.eof:
        more = stream.read(piece) if member.needs_input else b""
        assert more or not member.needs_input, "it asks for more than there is"
        chunk = member.decompress(more, most)
        assert len(chunk) <= most
        content += chunk
    return content, member.unused_data + stream.read()


@pytest.mark.parametrize(
    ("piece", "most"), [(1 << 20, 1 << 20), (65536, 4096), (1000, 131072), (7, 1 << 20)]
)
def test_a_frame_comes_out_whole_whatever_the_sizes_of_the_pieces(piece: int, most: int) -> None:
    assert unpack(PACKED, piece=piece, most=most) == (CONTENT, b"")


def test_what_comes_behind_a_frame_is_kept() -> None:
    assert unpack(PACKED + b"behind", piece=1 << 20, most=1000) == (CONTENT, b"behind")
    with pytest.raises(EOFError):
        ended = libzstd.ZstdDecompressor()
        ended.decompress(PACKED, 1 << 24)
        ended.decompress(b"more", 1)


def test_broken_bytes_are_refused_and_never_taken_for_others() -> None:
    source = random.Random(1)
    packed = zstd.compress(CONTENT, options={zstd.CompressionParameter.checksum_flag: 1})
    for _ in range(20):
        broken = bytearray(packed)
        broken[source.randrange(4, len(broken))] ^= 1 << source.randrange(8)
        with pytest.raises((libzstd.ZstdError, AssertionError)):
            assert unpack(bytes(broken), piece=1 << 20, most=1 << 20) == (CONTENT, b"")


def test_a_window_that_would_fill_the_memory_is_refused() -> None:
    greedy = b"\x28\xb5\x2f\xfd\x00" + bytes([21 << 3]) + b"\x01\x00\x00"  # 2 GiB
    with pytest.raises(libzstd.ZstdError):
        unpack(greedy, piece=100, most=100)


def test_a_python_without_zstd_unpacks_frames_and_skippable_ones() -> None:
    skippable = b"\x50\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
    environment = {"PYTHONPATH": str(LIBRARY), "PATH": os.environ["PATH"]}
    packed = skippable + PACKED + PACKED + bytes(512)
    done = subprocess.run(
        [sys.executable, "-c", UNPACK], input=packed, env=environment, capture_output=True
    )
    assert done.returncode == 0 and done.stdout == CONTENT * 2, done.stderr
