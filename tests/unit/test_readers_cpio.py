# SPDX-License-Identifier: MIT
"""Files of an initramfs: found as the kernel unpacks them, and None for what is not an archive."""

import subprocess
from pathlib import Path
from typing import Optional

import pytest
from pantavisor.readers import cpio
from sim import newc, tools

FILES = {"init": b"x" * 4097, "etc/odd": b"abc", "etc/ca.crt": b"root\n"}


def _through(command: list[str], data: bytes) -> bytes:
    return subprocess.run(command, input=data, capture_output=True, check=True, timeout=600).stdout


def _file(folder: Path, name: str) -> Optional[bytes]:
    return cpio.files_of(folder / "initramfs", [name]).get(name)


PACKERS = [(), ("gzip", "gzip"), ("zstd", "zstd"), ("xz", "xz-utils"), ("bzip2", "bzip2")]


@pytest.mark.parametrize("packer", PACKERS)
def test_a_file_is_found_however_the_archive_is_packed(tmp_path: Path, packer: tuple[str, ...]) -> None:
    data = newc.write(FILES)
    if packer:
        data = _through([tools.need(packer[0], package=packer[1]), "-c"], data)
    (tmp_path / "initramfs").write_bytes(data)
    assert _file(tmp_path, "etc/ca.crt") == b"root\n"
    assert _file(tmp_path, "etc/none") is None


def test_what_the_program_cpio_writes_is_read(tmp_path: Path) -> None:
    program = tools.need("cpio", package="cpio")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/ca.crt").write_bytes(b"root\n")
    (tmp_path / "etc/link").symlink_to("ca.crt")
    (tmp_path / "etc/name").hardlink_to(tmp_path / "etc/ca.crt")
    names = b"./etc\n./etc/link\n./etc/name\n./etc/ca.crt\n"
    data = _through([program, "-o", "-H", "newc", "--quiet", "-D", str(tmp_path)], names)
    (tmp_path / "initramfs").write_bytes(data)
    assert _file(tmp_path, "etc/ca.crt") == b"root\n"
    for elsewhere in ("etc", "etc/link", "etc/name"):
        assert _file(tmp_path, elsewhere) is None


def test_every_cut_and_every_other_byte_is_none_or_the_file(tmp_path: Path) -> None:
    data = newc.write({"a": b"12345", "etc/ca.crt": b"root\n"})
    broken = [data[:length] for length in range(len(data))]
    broken += [data[:at] + b"\xff" + data[at + 1 :] for at in range(len(data))]
    broken.append(data.replace(b"%08X" % 5, b"FFFFFFFF"))
    for content in broken:
        (tmp_path / "initramfs").write_bytes(content)
        found = _file(tmp_path, "etc/ca.crt")
        assert found is None or len(found) == 5


def test_an_archive_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpio, "MAX_BYTES", 1000)
    (tmp_path / "initramfs").write_bytes(newc.write(FILES))
    assert _file(tmp_path, "etc/ca.crt") is None


def test_several_files_are_found_at_once_and_each_is_the_first_of_its_name(tmp_path: Path) -> None:
    data = newc.write(FILES)
    (tmp_path / "initramfs").write_bytes(data[: data.rindex(b"070701")] + newc.write({"etc/odd": b"later"}))
    assert cpio.files_of(tmp_path / "initramfs", ["etc/odd", "etc/ca.crt", "etc/none"]) == {
        "etc/odd": b"abc",
        "etc/ca.crt": b"root\n",
    }
