"""Throw bytes at the tar reader, the codecs and the merger: only PantavisorError may come out, and quickly.

    pip install atheris
    python tests/fuzz/fuzz_layers.py [corpus directory] [libFuzzer options, such as -max_total_time=60]

The first byte of an input decides what the rest is: 0 a tar, packed or not; 1 a tar whose checksums are put right
first; 2 layers, each behind its length, that are laid over each other, their checksums put right too.
"""

from __future__ import annotations

import io
import struct
import sys
import tarfile
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "meta-pantavisor" / "lib"), str(PROJECT / "tests")]

import atheris  # noqa: E402

with atheris.instrument_imports():
    from pantavisor import layers
    from pantavisor.errors import PantavisorError
    from pantavisor.layers import Limits

from pantavisor.oci import OCI_LAYER  # noqa: E402
from sim.layers import blob, member, tar, with_checksums  # noqa: E402

LIMITS = Limits(total_bytes=2**22, entries=2000, metadata_bytes=2**20, segments=500, header_bytes=2**16)
_LENGTH = struct.Struct("<H")


def one_input(content: bytes) -> None:
    """Read one input, contents included."""
    if not content:
        return
    kind, rest = content[0] % 3, content[1:]
    try:
        if kind == 2:
            parts = map(with_checksums, _parts(rest))
            tree = layers.flatten([blob(part, media_type=OCI_LAYER) for part in parts], LIMITS)
        else:
            archive = with_checksums(rest) if kind == 1 else rest
            tree = layers.from_tar(lambda: io.BytesIO(archive), LIMITS)
        for file, spans in tree.contents():
            assert file.size == sum(end - start for _, start, end in spans)
    except PantavisorError:
        pass


def _parts(content: bytes) -> list[bytes]:
    parts = []
    while len(content) > _LENGTH.size and len(parts) < 4:
        end = _LENGTH.size + _LENGTH.unpack_from(content)[0]
        parts.append(content[_LENGTH.size : end])
        content = content[end:]
    return parts


def seeds(folder: Path) -> None:
    """Honest inputs to start from."""
    members = [
        member("d", "dir"),
        member("d/f", content=b"x" * 600, pax={"SCHILY.xattr.user.a": "1", "GNU.sparse.map": "0,600"}),
        member("l", "link", target="../d"),
        member("l/.wh.f"),
        member("h", "hard", target="d/f"),
        member("n" * 100, "chr", device=(1, 2)),
        member("d/.wh..wh..opq"),
    ]
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        archive = tar(members, form=form)
        (folder / f"tar{form}").write_bytes(b"\0" + archive)
        (folder / f"right{form}").write_bytes(b"\1" + archive)
        (folder / f"layers{form}").write_bytes(b"\2" + (_LENGTH.pack(len(archive)) + archive) * 2)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        seeds(Path(name))
        atheris.Setup([*sys.argv, name], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
