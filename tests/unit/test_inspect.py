# SPDX-License-Identifier: MIT
"""Looking into finished things: values, tables, the document for programs, the page."""

from __future__ import annotations

import html.parser
import json
import re
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from pantavisor import inspect
from pantavisor.errors import NotFound
from pantavisor.inspect.tables import human
from pantavisor.inspect.treemap import Box, squarify
from pantavisor.layers import Directory
from pantavisor.packages import Collector
from sim import device as sim
from sim import roots


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> sim.Device:
    return sim.make(tmp_path_factory.mktemp("device") / "device")


def test_every_kind_of_target_shows_the_same_parts(device: sim.Device) -> None:
    for target in (device.image(), device.storage, device.export()):
        found = inspect.inspect(target)
        (revision,) = found.revisions
        assert [part.name for part in revision.parts] == ["bsp", "safe", "web", "device"]
        assert revision.state == device.state
        assert found.problems == ()


def test_partitions_and_boot_files_of_an_image_are_shown(device: sim.Device) -> None:
    found = inspect.inspect(device.image())
    assert [(item.name, item.kind) for item in found.partitions] == [
        ("boot", "EFI system"),
        ("storage", "Linux file system"),
    ]
    line = 64 + len("  EFI/BOOT/BOOTX64.EFI\n")
    assert found.boot_files == (
        ("EFI/BOOT/BOOTX64.EFI", device.loader.stat().st_size),
        ("SHA256SUMS", line),
    )


def test_sizes_origins_and_uses_are_right(device: sim.Device) -> None:
    (revision,) = inspect.inspect(device.export()).revisions
    files = {file.path: file for file in revision.files}
    assert files["bsp/kernel.img"].size == 180_000
    assert files["bsp/modules.squashfs"].uses == files["safe/root.squashfs"].uses == 2
    assert files["web/run.json"].object_id is None
    assert {part.name: part.origin for part in revision.parts}["web"] == "web"
    assert set(files) == set(device.state) - {"#spec"}


def test_signers_are_named_and_false_signatures_reported(device: sim.Device, tmp_path: Path) -> None:
    (revision,) = inspect.inspect(device.export()).revisions
    assert {(item.signer, item.algorithm, item.problem) for item in revision.signatures} == {
        ("CN=Test", "ES256", "")
    }
    sim.export.write(tmp_path / "bent.tgz", device.state.without(["bsp/kernel.img"]), device.pool)
    (revision,) = inspect.inspect(tmp_path / "bent.tgz").revisions
    assert [item.name for item in revision.signatures if "does not match" in item.problem] == [
        "_sigs/bsp.json"
    ]


def test_rights_of_containers_and_sets_are_shown(device: sim.Device, tmp_path: Path) -> None:
    sim.export.write(tmp_path / "set.tgz", sim.keys.sign_set(device.state, device.signer(), 4), device.pool)
    found = inspect.inspect(tmp_path / "set.tgz")
    isolation = {part.name: part.isolation for part in found.revisions[0].parts}
    assert isolation["bsp"] is None and isolation["web"] is not None and not isolation["web"].is_confined
    for text in (inspect.render_text(found), inspect.render_html(found)):
        assert "Rights" in text and "all capabilities" in text and "matches, binds release 4" in text
    (revision,) = inspect.document(found)["revisions"]
    (web,) = [part for part in revision["parts"] if part["name"] == "web"]
    assert web["isolation"]["confined"] is False and "all devices" in web["isolation"]["reaches"]
    assert {item["release"] for item in revision["signatures"]} == {None, 4}


def test_missing_objects_are_shown_as_such(device: sim.Device, tmp_path: Path) -> None:
    (tmp_path / "repo/.pvr/objects").mkdir(parents=True)
    (tmp_path / "repo/.pvr/json").write_bytes(device.state.dumps())
    text = inspect.render_text(inspect.inspect(tmp_path / "repo"))
    assert re.search(r"bsp/kernel.img +missing", text)


def test_changes_count_what_an_update_must_carry(device: sim.Device, tmp_path: Path) -> None:
    object_id = device.pool.put_bytes(b"n" * 5000)
    files = {
        "web/lxc.container.conf": object_id,
        "web/copy": object_id,
        "web/same": device.state["bsp/kernel.img"],
    }
    newer = device.state.with_files(files).without(["device.json"])
    sim.export.write(tmp_path / "newer.tgz", newer, device.pool)
    device.pool.path(object_id).unlink()
    changes = inspect.inspect(tmp_path / "newer.tgz", against=device.image()).changes
    assert changes is not None
    assert [file.path for file in changes.added] == ["web/copy", "web/same"]
    assert [file.path for file in changes.removed] == ["device.json"]
    assert [new.path for _, new in changes.changed] == ["web/lxc.container.conf"]
    assert changes.update_bytes == 5000
    text = inspect.render_text(inspect.inspect(tmp_path / "newer.tgz", against=device.image()))
    assert "an update carries 5.0 kB" in text


def test_same_against_itself_changes_nothing(device: sim.Device) -> None:
    changes = inspect.inspect(device.image(), against=device.export()).changes
    assert changes is not None
    assert (changes.added, changes.removed, changes.changed, changes.update_bytes) == ((), (), (), 0)


def test_document_is_json_with_whole_digests(device: sim.Device) -> None:
    found = inspect.document(inspect.inspect(device.image(), against=device.export()))
    assert json.loads(json.dumps(found)) == found
    (revision,) = found["revisions"]
    assert revision["state"] == device.state.digest()
    assert {
        item["sha256"] for part in revision["parts"] for item in part["files"]
    } >= device.state.object_ids()


class Page(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_page_is_self_contained_and_draws_every_large_file(device: sim.Device) -> None:
    text = inspect.render_html(inspect.inspect(device.image()))
    tags = Page(text).tags
    assert not {"script", "link", "img", "iframe", "a"} & {tag for tag, _ in tags}
    assert not [attributes for _, attributes in tags if {"src", "href", "onload"} & set(attributes)]
    svg = text[text.index("<svg") : text.index("</svg>") + 6]
    titles = {element.text for element in ET.fromstring(svg).iter("title")}
    assert {"bsp: 245.3 kB", "bsp/kernel.img: 180.0 kB", "bsp/modules.squashfs: 4.1 kB, 2 uses"} <= titles


def test_page_and_text_disarm_hostile_names(device: sim.Device, tmp_path: Path) -> None:
    evil = '<script>alert("x")</script>\x1b[2J'
    state = device.state.with_files(
        {
            "web/src.json": {"#spec": "service-manifest-src@1", "docker_name": evil},
            "web/<b>&": device.state["bsp/kernel.img"],
        }
    )
    sim.export.write(tmp_path / "evil.tgz", state, device.pool)
    found = inspect.inspect(tmp_path / "evil.tgz")
    page = inspect.render_html(found)
    assert "<script" not in page and "<b>" not in page and "&lt;script&gt;" in page
    assert "\x1b" not in inspect.render_text(found)


def test_damaged_targets_show_what_is_left(device: sim.Device, tmp_path: Path) -> None:
    (tmp_path / "x.img").write_bytes(device.image().read_bytes()[: 1024 * 1024])
    found = inspect.inspect(tmp_path / "x.img")
    assert found.revisions == ()
    assert found.problems
    assert "Problems" in inspect.render_text(found)
    assert "<svg" not in inspect.render_html(found)
    assert inspect.inspect(tmp_path / "x.img", against=device.image()).changes is None
    with pytest.raises(NotFound, match="x.img holds no state to compare with"):
        inspect.inspect(device.image(), against=tmp_path / "x.img")


def test_missing_target_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        inspect.inspect(tmp_path / "none")


def test_same_target_draws_the_same_page(device: sim.Device) -> None:
    assert inspect.render_html(inspect.inspect(device.image())) == inspect.render_html(
        inspect.inspect(device.image())
    )


@pytest.mark.parametrize("sizes", [[1.0], [5, 5, 5, 5], [100, 50, 20, 3, 1], [1e9, 1], [7.0] * 100])
def test_treemap_fills_its_box_in_proportion(sizes: list[float]) -> None:
    box = Box(3, 4, 120, 56)
    boxes = squarify(sizes, box)
    assert len(boxes) == len(sizes)
    for size, place in zip(sizes, boxes):
        assert place.width * place.height == pytest.approx(120 * 56 * size / sum(sizes), rel=1e-6)
        assert box.x - 1e-6 <= place.x and place.x + place.width <= box.x + box.width + 1e-4
        assert box.y - 1e-6 <= place.y and place.y + place.height <= box.y + box.height + 1e-4


def test_treemap_of_nothing_is_empty() -> None:
    assert squarify([], Box(0, 0, 1, 1)) == []


@pytest.mark.parametrize(
    "size, text",
    [
        (None, "missing"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_999, "1.0 MB"),
        (5 * 10**14, "500.0 TB"),
    ],
)
def test_sizes_are_spelled_in_units_that_fit(size: int | None, text: str) -> None:
    assert human(size) == text


def test_packages_of_containers_are_shown_in_text_page_and_document(
    device: sim.Device, tmp_path: Path
) -> None:
    files = {
        "var/lib/dpkg/status": roots.status("bash 5.2", "curl 8"),
        "etc/os-release": b"ID=debian\nVERSION_ID=12\n",
    }
    found = inspect.inspect(roots.exported(device, tmp_path / "a.tgz", roots.put(device, files)))
    assert re.search(r"web +debian 12 +2 deb", inspect.render_text(found))
    assert "curl" not in inspect.render_text(found)
    page = inspect.render_html(found)
    assert "Packages in web" in page and "<td>curl</td><td>8</td>" in page
    (web,) = [part for part in inspect.document(found)["revisions"][0]["parts"] if part["name"] == "web"]
    assert web["inventory"]["distribution"] == {"id": "debian", "version": "12"}
    assert [package["purl"] for package in web["inventory"]["packages"]] == [
        "pkg:deb/debian/bash@5.2?arch=all&distro=debian-12",
        "pkg:deb/debian/curl@8?arch=all&distro=debian-12",
    ]


def test_packages_and_files_that_changed_inside_are_shown(device: sim.Device, tmp_path: Path) -> None:
    place = "var/lib/dpkg/status"
    before = {place: roots.status("bash 5.1", "gone 1"), "etc/a": b"1", "etc/same": b"s", "etc/old": b"o"}
    now = {place: roots.status("bash 5.2", "new 3"), "etc/a": b"2", "etc/same": b"s", "srv/new": b"n"}
    older = roots.exported(device, tmp_path / "older.tgz", roots.put(device, before))
    newer = roots.exported(device, tmp_path / "newer.tgz", roots.put(device, now))
    found = inspect.inspect(newer, against=older)
    assert found.changes is not None and found.changes.notes == ()
    assert [(item.name, item.before, item.now) for item in found.changes.packages] == [
        ("bash", ("5.1",), ("5.2",)),
        ("gone", ("1",), ()),
        ("new", (), ("3",)),
    ]
    assert [(item.volume, item.change, item.path) for item in found.changes.inner] == [
        ("web/root.squashfs", "changed", "etc/a"),
        ("web/root.squashfs", "removed", "etc/old"),
        ("web/root.squashfs", "added", "srv"),
        ("web/root.squashfs", "added", "srv/new"),
        ("web/root.squashfs", "changed", place),
    ]
    for text in (inspect.render_text(found), inspect.render_html(found)):
        assert "Packages that changed" in text and "Files inside that changed" in text
    document = inspect.document(found)["changes"]
    assert {"part": "web", "kind": "deb", "name": "gone", "before": ["1"], "now": []} in document[
        "packages"
    ]
    assert {"volume": "web/root.squashfs", "change": "added", "path": "srv/new"} in document["inside"]


def test_a_patch_is_read_together_with_what_it_is_laid_over(device: sim.Device, tmp_path: Path) -> None:
    files = {"lib/apk/db/installed": b"P:a\nV:1\n\n", "x.dist-info/METADATA": b"Name: x\nVersion: 9\n"}
    base = roots.put(device, files)
    patch = roots.put(device, {"lib/apk/db/installed": b"P:a\nV:2\n\n"})
    target = roots.exported(device, tmp_path / "a.tgz", base, **{"web/root.ovl.squashfs": patch})
    (web,) = [part for part in inspect.inspect(target).revisions[0].parts if part.name == "web"]
    assert web.inventory is not None and web.inventory.notes == ()
    assert [(item.name, item.version) for item in web.inventory.packages] == [("a", "2"), ("x", "9")]


def test_a_file_system_that_cannot_be_read_is_a_note(device: sim.Device, tmp_path: Path) -> None:
    target = roots.exported(device, tmp_path / "a.tgz", device.pool.put_bytes(b"no squashfs" * 100))
    found = inspect.inspect(target, against=device.export())
    (web,) = [part for part in found.revisions[0].parts if part.name == "web"]
    assert web.inventory is not None and "web/root.squashfs is not read" in web.inventory.notes[0]
    assert found.changes is not None and "web/root.squashfs is not compared" in found.changes.notes[0]


def test_long_lists_of_what_changed_inside_are_cut_at_a_terminal(
    device: sim.Device, tmp_path: Path
) -> None:
    many = {f"srv/{number:04}": b"x" for number in range(300)}
    older = roots.exported(device, tmp_path / "older.tgz", roots.put(device, {"srv/0000": b"x"}))
    newer = roots.exported(device, tmp_path / "newer.tgz", roots.put(device, many))
    found = inspect.inspect(newer, against=older)
    assert "and 99 more: use --json or --html" in inspect.render_text(found)
    assert "0299" in inspect.render_html(found)


def test_a_program_of_go_is_found_in_an_image(device: sim.Device, tmp_path: Path) -> None:
    info = b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16) + b"\x08go1.22.1" + b"\x00"
    head = (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    )
    at = 600_000
    data = (
        (head + struct.pack("<IIQQQQQQ", 1, 6, at, at, at, 200, 200, 16)).ljust(at, b"\1")
        + info
        + bytes(900_000)
    )
    target = roots.exported(device, tmp_path / "a.tgz", roots.put(device, {"bin/app": data}, mode=0o755))
    (web,) = [part for part in inspect.inspect(target).revisions[0].parts if part.name == "web"]
    assert web.inventory is not None
    assert [(item.kind, item.name, item.version) for item in web.inventory.packages] == [
        ("golang", "stdlib", "1.22.1")
    ]


def test_a_program_of_many_names_is_looked_into_once_and_too_many_are_a_note(
    device: sim.Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    monkeypatch.setattr(Collector, "add_program", lambda self, path, read: looked.append(path))
    monkeypatch.setattr("pantavisor.inspect.roots.MAX_PROGRAMS", 1)
    content = b"\x7fELF" + bytes(600_000)
    made = roots.tree({"bin/one": content}, mode=0o755)
    folder = made.find("bin")
    assert isinstance(folder, Directory)
    folder.entries[b"two"] = folder.entries[b"one"]
    inspect.inspect(roots.exported(device, tmp_path / "a.tgz", roots.pack(device, made)))
    assert looked == ["bin/one"]
    more = roots.put(device, {"bin/one": content, "bin/three": content + b"x"}, mode=0o755)
    found = inspect.inspect(roots.exported(device, tmp_path / "b.tgz", more))
    assert "more than the 1 large programs" in inspect.render_text(found)
