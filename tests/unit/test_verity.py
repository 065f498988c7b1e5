# SPDX-License-Identifier: MIT
"""dm-verity hash files, against those of the published tool and against veritysetup."""

from __future__ import annotations

import random
import uuid
from pathlib import Path

import pytest
from pantavisor import cjson, verity
from pantavisor.digest import file_sha256
from pantavisor.errors import DigestError, FormatError
from sim import tools

VECTORS = Path(__file__).parents[1] / "vectors" / "verity"
BLOCK = verity.BLOCK_BYTES
SALT = bytes(range(32))
UUID = uuid.UUID("dd0ddd83-7032-4f65-bbf9-9488f88ded9b")


def data(path: Path, blocks: int) -> Path:
    path.write_bytes(random.Random(blocks).randbytes(blocks * BLOCK))
    return path


def test_the_published_tools_file_comes_out_byte_for_byte(tmp_path: Path) -> None:
    expected = cjson.load_object((VECTORS / "root.squashfs.json").read_bytes())
    made = verity.format(
        VECTORS / "root.squashfs",
        tmp_path / "hash",
        salt=bytes.fromhex(expected["salt"]),
        uuid=uuid.UUID(expected["uuid"]),
    )
    assert (tmp_path / "hash").read_bytes() == (VECTORS / "root.squashfs.hash").read_bytes()
    assert made.manifest(data_device="root.squashfs", hash_device="root.squashfs.hash") == expected


# One block has no tree, 128 fill one block of hashes, 129 need a second level, 16385 a third.
@pytest.mark.hostile
@pytest.mark.parametrize("blocks", [1, 2, 127, 128, 129, 1000, 16384, 16385])
def test_veritysetup_makes_the_same_bytes(tmp_path: Path, blocks: int) -> None:
    program = tools.need("veritysetup", package="cryptsetup-bin")
    source = data(tmp_path / "data", blocks)
    made = verity.format(source, tmp_path / "ours", salt=SALT, uuid=UUID)
    said = tools.run(
        program, "format", f"--salt={SALT.hex()}", f"--uuid={UUID}", source, tmp_path / "theirs"
    )
    assert f"Root hash:      \t{made.root_hash}" in said
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    tools.run(program, "verify", source, tmp_path / "ours", made.root_hash)


def test_salt_and_uuid_follow_from_the_data(tmp_path: Path) -> None:
    source = data(tmp_path / "data", 3)
    first = verity.format(source, tmp_path / "one")
    again = verity.format(source, tmp_path / "two", data_sha256=file_sha256(source))
    other = verity.format(data(tmp_path / "other", 4), tmp_path / "three")
    assert first == again
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert {first.salt, first.uuid}.isdisjoint({other.salt, other.uuid})
    assert len(first.salt) == 32 and first.uuid.version == 5


def test_verify_takes_what_format_made(tmp_path: Path) -> None:
    source = data(tmp_path / "data", 300)
    made = verity.format(source, tmp_path / "hash")
    assert verity.verify(source, tmp_path / "hash", made) is made


@pytest.mark.parametrize("place", [0, 299 * BLOCK + BLOCK - 1])
def test_one_bit_of_the_data_is_noticed(tmp_path: Path, place: int) -> None:
    source = data(tmp_path / "data", 300)
    made = verity.format(source, tmp_path / "hash")
    content = bytearray(source.read_bytes())
    content[place] ^= 1
    source.write_bytes(content)
    with pytest.raises(DigestError, match="root hash"):
        verity.verify(source, tmp_path / "hash", made)


@pytest.mark.parametrize("change", ["superblock", "tree", "longer", "shorter"])
def test_one_bit_of_the_hash_file_is_noticed(tmp_path: Path, change: str) -> None:
    source = data(tmp_path / "data", 300)
    made = verity.format(source, tmp_path / "hash")
    content = bytearray((tmp_path / "hash").read_bytes())
    if change in ("superblock", "tree"):
        content[70 if change == "superblock" else BLOCK + 5] ^= 1
    (tmp_path / "hash").write_bytes(
        content + b"\0" if change == "longer" else content[: -(change == "shorter") or None]
    )
    with pytest.raises(DigestError, match="hash tree"):
        verity.verify(source, tmp_path / "hash", made)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK + 1, 300 * BLOCK + 17])
def test_data_that_is_not_whole_blocks_is_refused_and_leaves_nothing(tmp_path: Path, size: int) -> None:
    (tmp_path / "data").write_bytes(bytes(size))
    with pytest.raises(FormatError):
        verity.format(tmp_path / "data", tmp_path / "hash")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_salt_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="256"):
        verity.format(data(tmp_path / "data", 1), tmp_path / "hash", salt=bytes(257), uuid=UUID)
