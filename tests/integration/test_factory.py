# SPDX-License-Identifier: MIT
"""Images signed again and made units: what pvr verify finds of them, and what other programs read there."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import struct
import subprocess
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pantavisor import atomic, audit, factory, keys
from pantavisor.disk import bmap
from pantavisor.errors import FormatError, NotFound
from pantavisor.factory import ledger
from pantavisor.unit import Unit
from sim import built, loops, tools
from sim.pvr_command import PvrCommand

SECTOR = 512
MACS = "02:00:5e:10:00:01"
PLAN = f"serial,mac.eth0,locale\nA-1,{MACS},de_DE.UTF-8\nA-2,02:00:5e:10:00:02,\nA-3,,\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Jobs' image device.img, and ``leaf``, another key that the same root certifies."""
    folder = tmp_path_factory.mktemp("factory")
    built.device(folder, release=4)
    return folder


@pytest.fixture
def pvr(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> PvrCommand:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(built.EPOCH))
    return PvrCommand(capsys)


@pytest.fixture
def desk(made: Path, tmp_path: Path) -> Path:
    """A folder with plan.csv, its empty ledger, and disk.img with its map."""
    (tmp_path / "plan.csv").write_text(PLAN)
    ledger.new(tmp_path / "plan.csv.ledger")
    for suffix in ("", ".bmap"):
        tools.run(
            "cp", "--sparse=always", f"{made}/made/device.img{suffix}", tmp_path / f"disk.img{suffix}"
        )
    return tmp_path


@pytest.fixture
def personalise(pvr: PvrCommand, made: Path, desk: Path) -> Callable[..., str]:
    def run(target: Path, *more: object, status: int = 0) -> str:
        words = [
            "factory", "personalise", str(target), "--from", f"{desk}/plan.csv",
            "--trust", f"{made}/given/keys/ca.crt", *map(str, more),
        ]  # fmt: skip
        out, said = pvr.both(*words, status=status)
        return said if status else out.strip()

    return run


def signer(folder: Path) -> list[str]:
    return ["--key", f"{folder}/key.pem", "--x5c", f"{folder}/x5c.pem"]


def record(image: Path) -> dict[str, object]:
    start = next(start for start in (disk_start(image),) if start)
    text = tools.run("debugfs", "-R", "cat /factory/unit.json", f"{image}?offset={start}")
    found: dict[str, object] = json.loads(text)
    return found


def disk_start(image: Path) -> int:
    """Where sgdisk has the second partition."""
    return 512 * int(re.search(r"First sector: (\d+)", tools.run("sgdisk", "-i", "2", image))[1])  # type: ignore[index]


def good(image: Path, made: Path) -> None:
    """As a device and as a flashing station see it: verified strictly, and its block map is true."""
    report = audit.verify(
        image, trust=(made / "given/keys/ca.crt").read_bytes(), strict=True, needs_set=True
    )
    assert report.findings == ()
    if image.is_file():
        block_map, data = bmap.read(Path(f"{image}.bmap")), image.read_bytes()
        for found in block_map.ranges:
            assert hashlib.sha256(data[found.start : found.end]).hexdigest() == found.sha256


def test_an_image_gets_the_record_of_the_next_unit(
    personalise: Callable[..., str], desk: Path, made: Path
) -> None:
    before = (desk / "disk.img").read_bytes()
    for number in (1, 2):
        assert personalise(desk / "disk.img", "--out", desk / f"{number}.img") == f"A-{number}"
        good(desk / f"{number}.img", made)
    assert record(desk / "1.img") == {
        "#spec": "pantavisor-unit@1", "locale": "de_DE.UTF-8", "macs": {"eth0": MACS}, "serial": "A-1",
    }  # fmt: skip
    assert (desk / "disk.img").read_bytes() == before
    assert personalise(desk / "disk.img") == "A-3"
    good(desk / "disk.img", made)
    assert record(desk / "disk.img")["serial"] == "A-3"
    events = ledger.read(desk / "plan.csv.ledger").events
    assert events == dict.fromkeys(["A-1", "A-2", "A-3"], "done")
    said = personalise(made / "made/device.img", "--out", desk / "4.img", status=2)
    assert "all 3 units of the plan are in" in said and not (desk / "4.img").exists()


def test_a_unit_becomes_no_other_one(personalise: Callable[..., str], desk: Path) -> None:
    personalise(desk / "disk.img", "--serial", "A-2")
    said = personalise(desk / "disk.img", status=2)
    assert "has the record of a unit already: A-2" in said
    assert record(desk / "disk.img")["serial"] == "A-2"
    assert ledger.read(desk / "plan.csv.ledger").events == {"A-2": "done"}
    assert 'has no serial "B"' in personalise(desk / "disk.img", "--serial", "B", status=2)
    assert "--again is for one unit" in personalise(desk / "disk.img", "--again", status=2)


def test_two_stations_never_make_units_of_one_image_in_place(
    personalise: Callable[..., str], desk: Path
) -> None:
    """The second one begins while the first one writes, and finds what that wrote."""
    with open(desk / "disk.img", "rb") as first, ThreadPoolExecutor() as pool:
        with atomic.exclusive(first):
            (desk / "copy.img").write_bytes((desk / "disk.img").read_bytes())
            personalise(desk / "copy.img")
            second = pool.submit(personalise, desk / "disk.img", status=2)
            while ledger.read(desk / "plan.csv.ledger").events.get("A-2") != "begun":
                assert not second.done()
            time.sleep(2)  # it would have its copy of the image by now
            (desk / "copy.img").replace(desk / "disk.img")
        assert "has the record of a unit already: A-1" in second.result()
    assert record(desk / "disk.img")["serial"] == "A-1"
    assert ledger.read(desk / "plan.csv.ledger").events == {"A-1": "done", "A-2": "failed"}


def test_a_disk_that_is_in_use_becomes_no_unit(
    pvr: PvrCommand, personalise: Callable[..., str], desk: Path
) -> None:
    with loops.disk(desk / "one", size=(desk / "disk.img").stat().st_size) as one:
        pvr("factory", "flash", f"{desk}/disk.img", "--to", str(one))
        descriptor = os.open(one, os.O_RDONLY | os.O_EXCL)
        assert "is in use" in personalise(one, status=2)
        os.close(descriptor)
        assert ledger.read(desk / "plan.csv.ledger").events == {}
        assert personalise(one) == "A-1"


def test_the_same_image_and_unit_make_the_same_bytes(personalise: Callable[..., str], desk: Path) -> None:
    for name in ("one", "other"):
        ledger.new(desk / f"{name}.book")
        personalise(desk / "disk.img", "--out", desk / name, "--ledger", desk / f"{name}.book")
    assert (desk / "one").read_bytes() == (desk / "other").read_bytes()
    assert (desk / "one.bmap").read_bytes() == (desk / "other.bmap").read_bytes()


def identifiers(image: Path) -> set[str]:
    """Those that sgdisk, debugfs and mdir find."""
    table = tools.run("sgdisk", "-p", "-i", "1", "-i", "2", image)
    found = set(re.findall(r"(?:GUID|unique GUID): ([0-9A-F-]{36})", table)) - {
        "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
    }  # fmt: skip
    found |= set(re.findall(r"\(GUID\): ([0-9A-F-]{36})", table))
    stats = tools.run("debugfs", "-R", "stats -h", f"{image}?offset={disk_start(image)}")
    found |= set(re.findall(r"UUID: +(\S+)", stats))
    return found | set(re.findall(r"Serial Number is (\S+)", tools.run("mdir", "-i", f"{image}@@1M", "::")))


def test_identifiers_become_the_units_own(personalise: Callable[..., str], desk: Path, made: Path) -> None:
    for name in ("one", "other"):
        ledger.new(desk / f"{name}.book")
        personalise(desk / "disk.img", "--out", desk / name, "--identities")
        good(desk / name, made)
        assert "No problems found" in tools.run("sgdisk", "-v", desk / name)
        tools.run("e2fsck", "-fn", f"{desk / name}?offset={disk_start(desk / name)}")
        start, size = 1024 * 1024, disk_start(desk / name) - 1024 * 1024
        cut = desk / "fat"
        with open(desk / name, "rb") as stream:
            stream.seek(start)
            cut.write_bytes(stream.read(size))
        tools.run("fsck.vfat", "-n", cut)
    sets = [identifiers(path) for path in (desk / "disk.img", desk / "one", desk / "other")]
    assert {len(found) for found in sets} == {5}
    assert not sets[0] & sets[1] and not sets[1] & sets[2] and not sets[0] & sets[2]


@pytest.mark.parametrize("number", range(4))
def test_identifiers_that_a_boot_file_names_stay(
    pvr: PvrCommand, personalise: Callable[..., str], desk: Path, made: Path, number: int
) -> None:
    """Disk, both partitions and the ext4."""
    words = sorted(word for word in identifiers(desk / "disk.img") if len(word) == 36)
    (desk / "extlinux.conf").write_text(f"append root=PARTUUID={words[number].lower()}\n")
    given = made / "given"
    # The identifiers follow from the state, and boot files are not in it.
    pvr("image", *(str(made / "made" / f"{name}.tgz") for name in ("web", "safe", "bsp")),
        "--out", f"{desk}/named.img", "--boot", f"EFI/BOOT/BOOTX64.EFI={given}/loader.efi",
        "--boot", f"extlinux.conf={desk}/extlinux.conf", "--trust", f"{given}/keys/ca.crt",
        "--release", "4", *signer(given / "keys"))  # fmt: skip
    if words[number] not in identifiers(desk / "named.img"):
        pytest.fail("the image has other identifiers than the one before")
    said = personalise(desk / "named.img", "--identities", status=2)
    assert "extlinux.conf names" in said and "leave out --identities" in said


@pytest.mark.parametrize("at", [SECTOR + 32, -SECTOR + 72])
@pytest.mark.parametrize("number", [2**64 - 1, 2**40])
def test_identifiers_of_a_table_without_a_whole_copy_stay(
    personalise: Callable[..., str], desk: Path, at: int, number: int
) -> None:
    """Nothing is changed of a disk whose table leads behind its end: to the copy, or to its entries."""
    (desk / "disk.img.bmap").unlink()
    with open(desk / "disk.img", "r+b") as stream:
        stream.seek(at - at % SECTOR, os.SEEK_SET if at > 0 else os.SEEK_END)
        header = bytearray(stream.read(SECTOR))
        struct.pack_into("<Q", header, at % SECTOR, number)
        struct.pack_into("<I", header, 16, 0)
        struct.pack_into("<I", header, 16, zlib.crc32(header[:92]))
        stream.seek(-SECTOR, os.SEEK_CUR)
        stream.write(header)
    with loops.disk(desk / "disk.img", size=(desk / "disk.img").stat().st_size) as disk:
        before = disk.read_bytes()
        said = personalise(disk, "--identities", status=2)
        assert "the partition table has no whole copy" in said and disk.read_bytes() == before


def test_a_birth_certificate_proves_what_was_made(
    pvr: PvrCommand, personalise: Callable[..., str], desk: Path, made: Path
) -> None:
    keys.generate(desk / "station", common_name="Station", algorithm="ES256")
    (desk / "births").mkdir()
    births = ["--certificates", desk / "births", "--station", "bench 7", *signer(desk / "station")]
    image = hashlib.sha256((desk / "disk.img").read_bytes()).hexdigest()
    personalise(desk / "disk.img", "--out", desk / "unit.img", *births)
    path = desk / "births/A-1.birth.json"
    words = ["factory", "certificate", str(path), "--trust", f"{desk}/station/ca.crt"]
    found = json.loads(pvr(*words))
    report = json.loads(pvr("inspect", f"{desk}/unit.img", "--json"))
    assert found["image"] == image and found["serial"] == "A-1" and found["result"] == "passed"
    assert found["station"] == "bench 7" and found["time"] == "2023-11-14T22:13:20Z"
    assert found["state"] in json.dumps(report)
    text = path.read_bytes()
    for at in range(0, len(text) - 1, 61):
        path.write_bytes(text[:at] + bytes([text[at] ^ 2]) + text[at + 1 :])
        assert pvr.both(*words, status=2)[1]
    for name in ("payload", "protected", "signature"):
        path.write_text(json.dumps({**json.loads(text), name: "\ud800"}))
        assert "is not base64url" in pvr.both(*words, status=2)[1]
    path.write_bytes(text)
    assert "no trusted root" in pvr.both(*words[:-1], f"{made}/given/keys/ca.crt", status=2)[1]


def test_a_unit_that_does_not_pass_gets_no_certificate(
    personalise: Callable[..., str], desk: Path, made: Path
) -> None:
    (desk / "births").mkdir()
    keys.generate(desk / "others", common_name="Others", algorithm="ES256")
    births = ["--certificates", desk / "births", *signer(made / "given/keys")]
    before = (desk / "disk.img").read_bytes()
    said = personalise(desk / "disk.img", *births, "--trust", desk / "others/ca.crt", status=2)
    assert "no trusted root" in said
    assert not list((desk / "births").iterdir()) and (desk / "disk.img").read_bytes() == before
    assert ledger.read(desk / "plan.csv.ledger").events == {"A-1": "failed"}
    assert "was begun and not done" in personalise(desk / "disk.img", "--serial", "A-1", status=2)
    assert personalise(desk / "disk.img", "--serial", "A-1", "--again", *births) == "A-1"


@pytest.mark.parametrize(
    ("out", "sentence"),
    [("no/unit.img", "No such file"), ("births", "is a directory"), ("/dev/null", "not a regular file")],
)
def test_a_wrong_output_takes_no_serial_number(
    personalise: Callable[..., str], desk: Path, out: str, sentence: str
) -> None:
    (desk / "births").mkdir()
    assert sentence in personalise(desk / "disk.img", "--out", desk / out, status=2)
    assert ledger.read(desk / "plan.csv.ledger").events == {}


def test_a_failure_is_told_though_the_ledger_is_full(
    personalise: Callable[..., str], desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*words: object, **more: object) -> None:
        monkeypatch.setattr(ledger, "MAX_LINE", 10)
        raise FormatError("the image is damaged")

    monkeypatch.setattr(audit, "verify", damaged)
    assert "the image is damaged" in personalise(desk / "disk.img", status=2)
    assert ledger.read(desk / "plan.csv.ledger").events == {"A-1": "begun"}


def test_an_image_that_cannot_take_its_name_gets_no_certificate(
    personalise: Callable[..., str], desk: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk / "births").mkdir()
    births = ["--certificates", desk / "births", *signer(made / "given/keys")]

    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(atomic, "sync_file", full)
    said = personalise(desk / "disk.img", "--out", desk / "unit.img", *births, status=2)
    assert "No space left" in said and not (desk / "unit.img").exists()
    assert not list((desk / "births").iterdir())
    assert ledger.read(desk / "plan.csv.ledger").events == {"A-1": "failed"}


def test_a_key_that_does_not_sign_takes_no_serial_number(
    personalise: Callable[..., str], desk: Path, made: Path
) -> None:
    """As with a wrong PIN."""
    (desk / "births").mkdir()
    chain = ["--x5c", made / "given/keys/x5c.pem", "--certificates", desk / "births"]
    said = personalise(
        desk / "disk.img", "--out", desk / "unit.img", "--command", "false", *chain, status=2
    )
    assert "false" in said and not (desk / "unit.img").exists()
    assert ledger.read(desk / "plan.csv.ledger").events == {}


def test_a_certificate_is_not_lost_to_a_unit_of_another_ledger(
    personalise: Callable[..., str], desk: Path, made: Path
) -> None:
    (desk / "births").mkdir()
    births = ["--certificates", desk / "births", *signer(made / "given/keys")]
    personalise(desk / "disk.img", "--out", desk / "unit.img", *births)
    text = (desk / "births/A-1.birth.json").read_bytes()
    words = ["--out", desk / "other.img", "--ledger", desk / "wrong", *births]
    ledger.new(desk / "wrong")
    assert "certifies a unit of this serial number already" in personalise(
        desk / "disk.img", *words, status=2
    )
    assert (desk / "births/A-1.birth.json").read_bytes() == text and not (desk / "other.img").exists()
    assert ledger.read(desk / "wrong").events == {"A-1": "failed"}


def test_a_misspelt_ledger_begins_none(
    pvr: PvrCommand, personalise: Callable[..., str], desk: Path
) -> None:
    said = personalise(desk / "disk.img", "--ledger", desk / "plan.csv.leger", status=2)
    assert "plan.csv.leger does not exist" in said and "--new" in said
    assert not (desk / "plan.csv.leger").exists()
    said = pvr.both("factory", "ledger", f"{desk}/plan.csv.ledger", "--new", status=2)[1]
    assert "exists already" in said
    pvr("factory", "ledger", f"{desk}/plan.csv.leger", "--new")
    assert personalise(desk / "disk.img", "--ledger", desk / "plan.csv.leger") == "A-1"


def keep(book: Path, lines: list[bytes]) -> None:
    """So many lines of a ledger, and the head that it had then."""
    book.write_bytes(b"".join(lines))
    head = book.with_name(f"{book.name}.head")
    head.unlink(missing_ok=True)
    if lines:
        head.write_text(json.dumps({"line": len(lines), "sha256": hashlib.sha256(lines[-1]).hexdigest()}))


def test_a_ledger_that_was_cut_lacks_the_line_of_a_certificate(
    pvr: PvrCommand, personalise: Callable[..., str], desk: Path, made: Path
) -> None:
    (desk / "births").mkdir()
    births = ["--certificates", desk / "births", *signer(made / "given/keys")]
    for number in (1, 2):
        personalise(desk / "disk.img", "--out", desk / f"{number}.img", *births)
    book = desk / "plan.csv.ledger"
    words = ["factory", "ledger", str(book), "--certificates", f"{desk}/births"]
    words += ["--trust", f"{made}/given/keys/ca.crt"]
    assert pvr(*words).startswith("2 units: 0 begun, 2 done, 0 failed; 4 lines, sha256 ")
    assert json.loads(pvr(*words, "--json"))["done"] == 2
    lines = book.read_bytes().splitlines(keepends=True)
    book.write_bytes(b"".join(lines[:2]))
    said = personalise(desk / "disk.img", "--out", desk / "3.img", status=2)
    assert "plan.csv.ledger lacks line 4, which" in said and "hint: use the newest copy" in said
    # An older copy of both.
    for cut, serial in ((lines[:2], "A-2"), ([], "A-1")):
        keep(book, cut)
        said = pvr.both(*words, status=2)[1]
        assert f"certifies {serial}, and" in said and "does not have the line" in said
    # No head is made for one that the certificates contradict.
    head = book.with_name(f"{book.name}.head")
    book.write_bytes(b"".join(lines[:2]))
    assert "certifies A-2, and" in pvr.both(*words, "--whole", status=2)[1] and not head.exists()
    book.write_bytes(b"".join(lines))
    assert pvr(*words, "--whole").startswith("2 units: ") and head.exists()
    # One that goes on from there gives other lines.
    keep(book, lines[:2])
    personalise(desk / "disk.img", "--out", desk / "3.img", "--serial", "A-3")
    assert "certifies A-2, and" in pvr.both(*words, status=2)[1]


@pytest.mark.parametrize("place", ["nowhere", "plan.csv"])
def test_a_misspelt_directory_of_certificates_shows_nothing_of_a_ledger(
    pvr: PvrCommand, desk: Path, made: Path, place: str
) -> None:
    words = ["factory", "ledger", f"{desk}/plan.csv.ledger", "--certificates", f"{desk}/{place}"]
    said = pvr.both(*words, "--trust", f"{made}/given/keys/ca.crt", status=2)[1]
    assert f"{desk}/{place} is not a directory" in said and "hint: name the directory" in said


def test_no_certificates_show_nothing_of_a_ledger(
    desk: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = keys.TrustStore.parse((made / "given/keys/ca.crt").read_bytes(), what="roots")
    book, births = desk / "book", desk / "births"
    births.mkdir()
    ledger.new(book)
    factory.check_ledger(book, births, trust)
    ledger.begin(book, [Unit(serial="A-1")], station="one", time="now")
    with pytest.raises(NotFound, match="births holds no birth certificate"):
        factory.check_ledger(book, births, trust)

    def refused(place: Path) -> list[str]:
        raise PermissionError(errno.EACCES, "Permission denied", str(place))

    monkeypatch.setattr(os, "listdir", refused)
    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(PermissionError):
        factory.check_ledger(book, births, trust)


def test_a_flashed_disk_becomes_a_unit(
    pvr: PvrCommand, personalise: Callable[..., str], desk: Path, made: Path
) -> None:
    (desk / "births").mkdir()
    births = ["--certificates", desk / "births", *signer(made / "given/keys")]
    size = (desk / "disk.img").stat().st_size + 7 * 1024 * 1024
    with loops.disk(desk / "one", size=size) as one, loops.disk(desk / "other", size=size) as other:
        pvr("factory", "flash", f"{desk}/disk.img", "--to", str(one), "--to", str(other))
        with open(other, "r+b") as stream:
            stream.seek(1024 * 1024 + 100)
            stream.write(b"x")
        assert "does not hold" in personalise(other, "--image", desk / "disk.img", status=2)
        pvr("factory", "flash", f"{desk}/disk.img", "--to", str(other))
        assert personalise(one, "--image", desk / "disk.img", "--identities", *births) == "A-1"
        assert personalise(other, "--image", desk / "disk.img", *births) == "A-2"
        assert "has the record of a unit already: A-2" in personalise(other, status=2)
        assert "a disk is changed in place" in personalise(one, "--out", desk / "copy", status=2)
        words = ["factory", "certificate", f"{desk}/births/A-2.birth.json"]
        found = json.loads(pvr(*words, "--trust", f"{made}/given/keys/ca.crt"))
        assert found["image"] == hashlib.sha256((desk / "disk.img").read_bytes()).hexdigest()
        assert "read-only" not in tools.run("e2fsck", "-fn", f"{one}?offset={disk_start(one)}")
        assert record(one)["serial"] == "A-1" and record(other)["serial"] == "A-2"
    assert ledger.read(desk / "plan.csv.ledger").events == {"A-1": "done", "A-2": "done"}


def leaf_of(made: Path, folder: Path) -> Path:
    """Another key with a certificate of the same root, made by openssl as a team with a CA does."""
    folder.mkdir()
    root = made / "given/keys"
    (folder / "extensions").write_text(
        "keyUsage = critical, digitalSignature\nextendedKeyUsage = codeSigning\n"
    )
    for words in (
        ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "leaf.csr",
         "-subj", "/CN=Production"],
        ["x509", "-req", "-in", "leaf.csr", "-CA", root / "ca.crt", "-CAkey", root / "ca.key.pem",
         "-days", "30", "-extfile", "extensions", "-out", "x5c.pem", "-set_serial", "77"],
    ):  # fmt: skip
        subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, capture_output=True)
    return folder


def test_an_image_is_signed_again_without_a_build(pvr: PvrCommand, desk: Path, made: Path) -> None:
    leaf = leaf_of(made, desk / "leaf")
    words = ["--trust", f"{made}/given/keys/ca.crt", *signer(leaf)]
    said = pvr.both("factory", "sign", f"{desk}/disk.img", "--out", f"{desk}/signed.img", *words)[1]
    assert "warning" not in said, "no boot loader checks it"
    good(desk / "signed.img", made)
    listed = pvr("inspect", f"{desk}/signed.img")
    assert "Production" in listed and "Test" not in re.sub(
        "Test CA|Test root", "", listed.split("signatures")[-1]
    )
    start = disk_start(desk / "disk.img")
    with open(desk / "disk.img", "rb") as old, open(desk / "signed.img", "rb") as new:
        assert old.read(start) == new.read(start)
        old.seek(-1024 * 1024, os.SEEK_END), new.seek(-1024 * 1024, os.SEEK_END)
        assert old.read() == new.read()


def test_the_same_key_makes_the_same_image_again(pvr: PvrCommand, desk: Path, made: Path) -> None:
    words = ["--trust", f"{made}/given/keys/ca.crt", *signer(made / "given/keys")]
    pvr("factory", "sign", f"{desk}/disk.img", "--out", f"{desk}/signed.img", *words)
    assert (desk / "signed.img").read_bytes() == (desk / "disk.img").read_bytes()
    assert (desk / "signed.img.bmap").read_bytes() == (desk / "disk.img.bmap").read_bytes()


def test_an_image_with_the_map_of_another_is_refused(
    pvr: PvrCommand, personalise: Callable[..., str], desk: Path, made: Path
) -> None:
    """By a map made of it, a device would be flashed without the blocks that only the new image has."""
    given = made / "given"
    (desk / "more").write_bytes(os.urandom(3_000_000))
    pvr("image", *(str(made / "made" / f"{name}.tgz") for name in ("web", "safe", "bsp")),
        "--out", f"{desk}/new.img", "--boot", f"EFI/BOOT/BOOTX64.EFI={given}/loader.efi",
        "--boot", f"more={desk}/more", "--trust", f"{given}/keys/ca.crt",
        "--release", "4", *signer(given / "keys"))  # fmt: skip
    (desk / "disk.img.bmap").replace(desk / "new.img.bmap")
    assert "are not those of its block map" in personalise(
        desk / "new.img", "--out", desk / "unit.img", status=2
    )
    words = ["--out", f"{desk}/unit.img", "--trust", f"{given}/keys/ca.crt", *signer(given / "keys")]
    said = pvr.both("factory", "sign", f"{desk}/new.img", *words, status=2)[1]
    assert "are not those of its block map" in said
    assert ledger.read(desk / "plan.csv.ledger").events == {} and not list(desk.glob("unit.img*"))


def test_what_a_new_storage_would_not_have_is_not_lost(pvr: PvrCommand, desk: Path, made: Path) -> None:
    (desk / "data").write_text("{}")
    at = f"{desk}/disk.img?offset={disk_start(desk / 'disk.img')}"
    (desk / "script").write_text(f"cd /config\nwrite {desk}/data own.json\n")
    tools.run("debugfs", "-w", "-f", f"{desk}/script", at)
    Path(f"{desk}/disk.img.bmap").write_bytes(
        bmap.make(desk / "disk.img", [(0, (desk / "disk.img").stat().st_size)]).text
    )
    words = ["factory", "sign", f"{desk}/disk.img", "--out", f"{desk}/signed.img"]
    words += ["--trust", f"{made}/given/keys/ca.crt", *signer(made / "given/keys")]
    said = pvr.both(*words, status=2)[1]
    assert "was used: it holds config/own.json" in said and not (desk / "signed.img").exists()


def test_what_devices_do_not_trust_is_not_signed(
    pvr: PvrCommand, personalise: Callable[..., str], desk: Path, made: Path
) -> None:
    keys.generate(desk / "others", common_name="Others", algorithm="ES256")
    trust = ["--trust", f"{made}/given/keys/ca.crt"]
    out = ["--out", f"{desk}/signed.img"]
    words = ["factory", "sign", f"{desk}/disk.img", *out, *trust]
    assert "no trusted root" in pvr.both(*words, *signer(desk / "others"), status=2)[1]
    # --trust has the wish of the caller, the initramfs what devices have.
    wished = ["factory", "sign", f"{desk}/disk.img", *out, "--trust", f"{desk}/others/ca.crt"]
    said = pvr.both(*wished, *signer(desk / "others"), status=2)[1]
    assert "no device would run it by what the initramfs of" in said and "PVS_CA" in said
    personalise(desk / "disk.img")
    assert "has the record of a unit" in pvr.both(*words, *signer(made / "given/keys"), status=2)[1]
    assert not (desk / "signed.img").exists() and not (desk / "signed.img.bmap").exists()


@pytest.mark.parametrize(
    ("config", "is_signed"),
    [("PV_SECUREBOOT_MODE=strict\n secureboot.mode=audit \n", True), ("PV_SECUREBOOT_MODE=disabled", True),
     ("PV_SECUREBOOT_MODE=audit\nPV_SECUREBOOT_MODE=lenient\nPV_SECUREBOOT_MODE=\n", False)],
)  # fmt: skip
def test_devices_that_run_what_they_do_not_trust_get_it_signed(
    pvr: PvrCommand, tmp_path: Path, config: str, is_signed: bool
) -> None:
    built.device(tmp_path, release=4, config=config)
    keys.generate(tmp_path / "others", common_name="Others", algorithm="ES256")
    words = ["factory", "sign", f"{tmp_path}/made/device.img", "--out", f"{tmp_path}/signed.img"]
    words += ["--trust", f"{tmp_path}/others/ca.crt", *signer(tmp_path / "others")]
    pvr.both(*words, status=0 if is_signed else 2)
    assert (tmp_path / "signed.img").exists() == is_signed


def test_no_output_takes_the_place_of_what_is_read(
    pvr: PvrCommand, personalise: Callable[..., str], desk: Path, made: Path
) -> None:
    given = made / "given"
    for lost in ("disk.img.bmap", "plan.csv", "plan.csv.ledger"):
        before = (desk / lost).read_bytes()
        said = personalise(desk / "disk.img", "--out", desk / lost, status=2)
        assert f"{desk}/{lost} is also given to be read, and would be lost" in said
        assert (desk / lost).read_bytes() == before
    trust = ["--trust", f"{given}/keys/ca.crt", *signer(given / "keys")]
    for lost in (f"{desk}/disk.img.bmap", f"{given}/keys/key.pem", f"{given}/keys/ca.crt"):
        said = pvr.both("factory", "sign", f"{desk}/disk.img", "--out", lost, *trust, status=2)[1]
        assert "would be lost" in said
    exports = [str(made / "made" / f"{name}.tgz") for name in ("web", "bsp")]
    boot = ["--boot", f"EFI/BOOT/BOOTX64.EFI={given}/loader.efi", "--release", "4", *trust]
    for lost in (exports[0], f"{given}/loader.efi"):
        assert "would be lost" in pvr.both("image", *exports, "--out", lost, *boot, status=2)[1]
    assert "would be lost" in pvr.both("sbom", exports[0], "--out", exports[0], status=2)[1]


def test_a_mistake_is_said_in_the_words_of_the_user(pvr: PvrCommand, desk: Path, made: Path) -> None:
    trust = ["--trust", f"{made}/given/keys/ca.crt"]
    out = ["--out", f"{desk}/signed.img", *trust, *signer(made / "given/keys")]
    said = pvr.both("factory", "sign", f"{desk}/nowhere.img", *out, status=2)[1]
    assert f"{desk}/nowhere.img does not exist" in said and "bmap" not in said
    said = pvr.both("factory", "ledger", f"{desk}/plan.csv", status=2)[1]
    assert "line 1 is not an event of pantavisor-ledger@1" in said and "hint: name the ledger" in said
