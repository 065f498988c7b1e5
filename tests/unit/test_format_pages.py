# SPDX-License-Identifier: MIT
"""The pages of the boot chain, the disk image, squashfs, rights and updates keep to the code."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime, timezone
from pathlib import Path
from uuid import UUID

import pytest
from pantavisor import bootenv, disk, layers, names, pvs, state, trail
from pantavisor.cli import post
from pantavisor.disk import assembly, ext4, fat, gpt, placement
from pantavisor.errors import FormatError
from pantavisor.keys import openpgp
from pantavisor.oci import Platform
from pantavisor.pvs import signature, signers
from pantavisor.remote import client
from pantavisor.repo import filter as part_filter
from pantavisor.squashfs import BLOCK_BYTES, PROFILES, PackRecord, bcj
from test_docs import DOCS, FORMATS, PROJECT, examples, rows, text, words

MIB, GIB = 1024**2, 1024**3
BSP = {"linux": "k", "initrd": "i", "addons": ["a", "b"], "fdt": "d"}


def flowing(page: str) -> str:
    """The text without its line breaks."""
    return " ".join((FORMATS / page).read_text().split())


# --- boot-chain.md


def test_grub_loads_what_the_page_lists_with_their_signatures() -> None:
    files = {f"bsp/{name}": number * 64 for number, name in enumerate("kiabd", 1)}
    ids = {path: f"{index:064x}" for index, path in enumerate([*files, *(f"{path}.sig" for path in files)])}
    made = trail.boot_files(state.State({"#spec": state.SPEC, "bsp/run.json": BSP, **ids}))
    expected = {}
    for storage, member, *_ in rows("boot-chain.md", "## What GRUB loads"):
        name = words(storage)[0].removeprefix(".pv/")
        member = re.sub(r"bsp/<(\w+).*>", r"\1", words(member)[0])
        for index, file in enumerate(BSP[member]):
            expected[name.replace(".N", f".{index}")] = ids[f"bsp/{file}"]
            expected[name.replace(".N", f".{index}") + ".sig"] = ids[f"bsp/{file}.sig"]
    assert made == expected


def test_what_grub_reads_unsigned_is_what_the_device_writes() -> None:
    page = text("boot-chain.md").partition("## What GRUB reads without")[2]
    assert words(page)[:3] == [*bootenv.GRUB_COPIES, bootenv.GRUB_NOTES]
    assert words(page)[3:6] == ["pv_rev", "pv_try", "pv_prev"] and "[0-9]{1,10}" in words(page)[:8]
    names.check_revision("9" * 10)
    with pytest.raises(FormatError):
        names.check_revision("9" * 11)


def test_boot_keys_have_the_time_of_the_page() -> None:
    made = datetime.fromtimestamp(openpgp.MADE, timezone.utc)
    assert f"all have the time {made:%Y-%m-%d}" in flowing("boot-chain.md")


# --- disk-image.md


def test_the_drawing_of_the_disk_has_the_identifiers_of_the_code() -> None:
    drawing = text("disk-image.md").split("```")[1]
    found = dict(re.findall(r'partition \d "(\w+)".* ([0-9A-F-]{36})$', drawing, re.MULTILINE))
    assert {name: UUID(kind) for name, kind in found.items()} == {
        "boot": gpt.EFI_SYSTEM, "storage": gpt.LINUX_DATA,
    }  # fmt: skip
    assert f"sectors of {gpt.SECTOR} bytes" in drawing and f"{gpt.ENTRIES} entries" in drawing


def test_sizes_and_their_limits_are_those_of_the_code() -> None:
    sizes = {row[0].split("(")[0].strip(): row for row in rows("disk-image.md", "## Sizes")}
    assert sizes["boot partition"][1].startswith(f"{fat.MIN_BYTES // MIB} MiB")
    assert sizes["boot partition"][2] == f"{fat.MAX_BYTES // GIB} GiB"
    assert f"at least {ext4.MIN_BYTES // MIB} MiB" in sizes["storage partition"][1]
    assert sizes["storage partition"][2] == f"{(placement.MAX_BYTES + gpt.ALIGNMENT) // GIB // 1024} TiB"
    least = fat.MIN_BYTES + ext4.MIN_BYTES + 2 * gpt.ALIGNMENT
    assert sizes["whole image"][2].endswith(f"at least {least // MIB} MiB")


def test_the_storage_partition_has_the_features_of_the_page() -> None:
    page = text("disk-image.md").partition("## The storage partition")[2]
    listed = next(found for found in words(page) if " " in found).split()
    assert ["none", *listed] == ext4.FEATURES.split(",")
    for number in (f"{ext4.BLOCK}-byte", f"{ext4.INODE}-byte", f"{ext4.JOURNAL_MIB} MiB",
                   f"{ext4.RESERVED_PERCENT} %", f"{ext4.BYTES_PER_INODE // 1024} KiB"):  # fmt: skip
        assert number in page.partition("\n\n")[2].partition("\n\n")[0]


def test_identifiers_follow_from_the_seed_as_the_page_has_it() -> None:
    page = flowing("disk-image.md")
    assert 'sha256("pantavisor disk 1" NUL purpose NUL seed)' in page
    purposes = words(page.partition("The purposes are ")[2].partition(" - ")[0])
    assert len(purposes) == 6 and "storage name hash" in purposes
    for purpose in purposes:
        found = hashlib.sha256(b"pantavisor disk 1\0" + purpose.encode() + b"\0seed").digest()[:16]
        made = assembly._identifier("seed", purpose)
        assert (made.version, made.variant) == (8, "specified in RFC 4122")
        assert made.bytes[:6] + made.bytes[9:] == found[:6] + found[9:]
    source = Path(assembly.__file__).read_text().replace("{part.name}", "boot")
    source = re.sub(r"\{[\w.]*storage\.name\}", "storage", source)
    used = set(re.findall(r'_identifier\(seed, f?"([^"]+)"\)', source))
    assert used - {"{name} partition"} == set(purposes) - {"boot partition", "storage partition"}
    assert disk.build is assembly.build


# --- squashfs.md


def test_profiles_are_those_of_the_page() -> None:
    listed = {words(row[0])[0]: row[1] for row in rows("squashfs.md", "## Profiles")}
    assert set(listed) == set(PROFILES)
    for name, codec in listed.items():
        assert re.findall(r"\w+", codec)[0] == PROFILES[name].codec
        numbers = [int(number) for number in re.findall(r"\d+", codec)]
        blocks = PROFILES[name].block_bytes // 1024
        assert numbers == [PROFILES[name].level, *([] if blocks == BLOCK_BYTES // 1024 else [blocks])]
    assert f"{BLOCK_BYTES // 1024} KiB blocks" in text("squashfs.md")
    assert all(f"`{name}`" in text("squashfs.md") for name in bcj.FILTERS)
    assert Platform.parse("linux/arm64")


def test_limits_of_archives_are_those_of_the_page() -> None:
    limits, page = layers.Limits(), flowing("squashfs.md").partition("## Limits")[2]
    for phrase in (
        f"{limits.total_bytes // GIB} GiB unpacked", f"{limits.entries:,} entries",
        f"{limits.metadata_bytes // MIB} MiB of names", f"{limits.depth} levels",
        f"{limits.name_bytes} bytes a name", f"{limits.path_bytes} a path",
        f"{limits.xattr_bytes // 1024} KiB an attribute",
        f"{limits.header_bytes // MIB} MiB an extended header", f"{limits.ratio} times its size",
    ):  # fmt: skip
        assert phrase in page


def test_the_record_of_the_page_is_read_and_written_back() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", text("squashfs.md"), re.DOTALL)
    (record,) = json.loads(f"{{{block}}}")["squashfs"].values()
    read = PackRecord.parse(record)
    assert read and read.document() == record


# --- rights.md


def test_the_table_of_signers_is_read_and_lets_each_sign_what_the_page_has() -> None:
    table, header = examples("rights.md")
    table["signers"][1]["sha256"] = "0" * 64
    read = pvs.Signers.parse(json.dumps(table).encode())
    board, web = (pvs.Identity(name, frozenset(["0" * 64])) for name in ("Board team", "Web team"))
    assert read.may(board, "bsp/run.json") and read.may(board, "web/run.json")
    assert read.may(web, "web/run.json") and not read.may(web, "bsp/run.json")
    assert not read.may(web, "device.json") and not read.may(web, "db/run.json")
    chosen = pvs.set_selection()
    assert header == {"include": list(chosen.include), "exclude": list(chosen.exclude), "release": 7}
    unknown = {**table, "more": 1}
    with pytest.raises(FormatError):
        pvs.Signers.parse(json.dumps(unknown).encode())


def test_limits_of_rights_are_those_of_the_page() -> None:
    page = flowing("rights.md")
    most = f"{signers.MAX_BYTES // 1024} KiB, {signers.MAX_ENTRIES} entries, {signers.MAX_PATTERNS}"
    assert f"Limits: {most} patterns each" in page
    assert f"from 1 to {signature.MAX_RELEASE}, in digits" in page


# --- updates.md


def test_doors_of_the_management_container_are_those_of_the_page() -> None:
    source = (
        PROJECT / "meta-pantavisor/recipes-pv/pantavisor/pantavisor/pv-sdk/doors.c"
    ).read_text()
    served = {(method, path) for method, path in re.findall(r'\{PV_HTTP_(\w+), DOOR "([^"]+)"', source)}
    page = (DOCS / "updates.md").read_text()
    table = page.partition("| path behind")[2].partition("\n\n")[0].partition("|---|---|\n")[2]
    listed = set()
    for row in table.splitlines():
        first = row.split("|")[1]
        *others, last = words(first.partition(" with ")[0])
        method, path = last.split()
        path = re.sub(r"<\w+>$", "", path)
        listed |= {(method, path), *((other, path) for other in others)}
    assert listed == served
    assert f"http://DEVICE{part_filter.DEVICE_DOOR}`" in page
    assert f"`--timeout` ({post.TIMEOUT_SECONDS} s)" in page
    for status in (*client.GOOD, *client.FAILED):
        assert f"`{status}`" in page
