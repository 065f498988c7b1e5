# SPDX-License-Identifier: MIT
"""The verifier on a whole small device: good as it is, and every damage is refused by name."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pantavisor import audit, cjson, keys, pvs
from pantavisor.audit import storage
from pantavisor.errors import NotFound, PantavisorError
from pantavisor.readers import revisions
from pantavisor.state import State
from sim import device as sim


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> sim.Device:
    return sim.make(tmp_path_factory.mktemp("device") / "device")


@pytest.fixture
def tree(device: sim.Device, tmp_path: Path) -> Path:
    """A copy of the storage tree, links kept, to damage."""
    copy = tmp_path / "storage"
    inodes: dict[int, Path] = {}
    for source in sorted(device.storage.rglob("*")):
        target = copy / source.relative_to(device.storage)
        if source.is_dir():
            target.mkdir(parents=True)
        elif source.stat().st_ino in inodes:
            os.link(inodes[source.stat().st_ino], target)
        else:
            shutil.copy2(source, target)
            inodes[source.stat().st_ino] = target
    return copy


def findings(
    target: Path, device: sim.Device, *, strict: bool = True, trust: bytes | None = None
) -> list[str]:
    report = audit.verify(target, trust=device.trust if trust is None else trust, strict=strict)
    return [f"{finding.code} {finding.where}" for finding in report.findings]


def replace(path: Path, data: bytes) -> None:
    """Write through the inode, so that all its names change."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(mode)


def write_state(tree: Path, state: State) -> None:
    """Put a changed state in place of the tree's: text, inline files, links."""
    trail = tree / "trails/0"
    old = State.parse((trail / ".pvr/json").read_bytes())
    for path in set(old) - set(state):
        (trail / path).unlink(missing_ok=True)
    for path, value in state.inline().items():
        (trail / path).parent.mkdir(parents=True, exist_ok=True)
        (trail / path).write_bytes(cjson.dumps(value))
    (trail / ".pvr/json").write_bytes(state.dumps())


def test_good_device_has_no_findings_in_any_form(device: sim.Device) -> None:
    for target, kind in (
        (device.storage, "storage tree"),
        (device.image(), "disk image"),
        (device.export(), "export"),
    ):
        report = audit.verify(target, trust=device.trust, strict=True).raise_for_findings()
        assert (report.kind, report.checked["objects"], report.checked["signatures"]) == (kind, 11, 3)
        assert report.checked["verity trees"] == 1


def test_report_is_json_and_raises_with_all_sentences(device: sim.Device, tree: Path) -> None:
    (tree / "trails/0/bsp/kernel.img").unlink()
    (tree / "boot/uboot.txt").write_bytes(b"pv_rev=7\0\0\0")
    report = audit.verify(tree, trust=device.trust, strict=True)
    assert json.loads(json.dumps(report.as_json()))["good"] is False
    with pytest.raises(
        audit.AuditError, match=r"(?s)2 problems.*uboot.txt.*kernel.img: is missing"
    ) as caught:
        report.raise_for_findings()
    assert caught.value.exit_status == 2


def test_missing_target_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        audit.verify(tmp_path / "none")


def test_nothing_is_written(device: sim.Device) -> None:
    before = {path: path.stat().st_mtime_ns for path in device.folder.rglob("*")}
    audit.verify(device.image(), trust=device.trust, strict=True)
    audit.verify(device.storage, trust=device.trust, strict=True)
    assert {path: path.stat().st_mtime_ns for path in device.folder.rglob("*")} == before


def test_an_empty_config_file_is_named(device: sim.Device, tree: Path) -> None:
    (tree / "config/pantahub.config").touch()
    assert findings(tree, device) == ["config config/pantahub.config"]


@pytest.mark.hostile
def test_every_damaged_object_is_named(device: sim.Device, tree: Path) -> None:
    for path in sorted((tree / "objects").iterdir()):
        original = path.read_bytes()
        replace(path, bytes([original[0] ^ 1]) + original[1:])
        assert f"object-digest objects/{path.name}" in findings(tree, device, strict=False)
        replace(path, original[:-1])
        assert f"object-digest objects/{path.name}" in findings(tree, device, strict=False)
        replace(path, original)
    assert findings(tree, device) == []


def test_every_missing_object_is_named(device: sim.Device, tree: Path) -> None:
    for path in sorted((tree / "objects").iterdir()):
        path.rename(tree / "away")
        found = findings(tree, device, strict=False)
        assert f"object-missing objects/{path.name}" in found
        (tree / "away").rename(path)


def test_one_file_under_many_objects_names_is_read_once(device: sim.Device, tree: Path) -> None:
    # Else a folder of links to one large file would be hashed once for each.
    victim = min((tree / "objects").iterdir())
    false = [victim.with_name(f"{number:064x}") for number in range(3)]
    for path in false:
        os.link(victim, path)
    found = findings(tree, device)
    assert [item for item in found if item.startswith("object-name")] == [
        f"object-name objects/{path.name}" for path in (*false[1:], victim)
    ]
    assert {f"object-digest objects/{false[0].name}", f"object-missing objects/{victim.name}"} <= set(found)


def test_states_of_too_many_revisions_are_not_all_read(
    device: sim.Device, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "MAX_TEXTS", 3 * len(device.state.dumps()))
    for number in range(1, 6):
        (tree / f"trails/{number}/.pvr").mkdir(parents=True)
        os.link(tree / "trails/0/.pvr/json", tree / f"trails/{number}/.pvr/json")
    report = audit.verify(tree, trust=device.trust)
    assert report.checked["revisions"] == 3
    unread = {finding.where for finding in report.findings if finding.code == "state"}
    assert unread == {f"trails/{number}/.pvr/json" for number in (3, 4, 5)}


def test_search_for_keys_ends(device: sim.Device, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MAX_SEARCHED", 2**30)
    (tree / "logs").mkdir(exist_ok=True)
    for number in range(3):
        (tree / f"logs/{number}").touch()
        os.truncate(tree / f"logs/{number}", 2**30)
    assert [item for item in findings(tree, device) if item.startswith("unreadable logs/")]


@pytest.mark.hostile
def test_every_copy_in_place_of_a_link_is_named(device: sim.Device, tree: Path) -> None:
    links = [path for path in (tree / "trails").rglob("*") if path.is_file() and path.stat().st_nlink > 1]
    assert len(links) == len(device.state.objects()) + 2
    for path in links:
        inode = tree / "objects" / audit_name(path)
        path.unlink()
        shutil.copy2(inode, path)
        assert f"trail-link {path.relative_to(tree)}" in findings(tree, device, strict=False)
        path.unlink()
        assert f"trail {path.relative_to(tree)}" in findings(tree, device, strict=False)
        os.link(inode, path)
    assert findings(tree, device) == []


def audit_name(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.hostile
def test_every_inline_file_that_differs_is_named(device: sim.Device, tree: Path) -> None:
    for name in device.state.inline():
        path = tree / "trails/0" / name
        original = path.read_bytes()
        path.write_bytes(original + b"\n")
        assert findings(tree, device) == [f"trail-json trails/0/{name}"]
        path.unlink()
        assert findings(tree, device) == [f"trail trails/0/{name}"]
        path.write_bytes(original)


def test_what_does_not_belong_is_named(device: sim.Device, tree: Path) -> None:
    for name, code in (
        ("trails/0/web/extra", "trail-unknown"),
        ("trails/0/.pv/extra", "trail-unknown"),
        ("trails/0/.pvr/new", "trail-unknown"),
        ("trails/7/file", "trail-unknown"),
        ("objects/name", "object-name"),
        ("objects/" + "a" * 64, "object-unused"),
        ("objects/" + "a" * 64, "object-digest"),
        ("somewhere", "unknown"),
    ):
        path = tree / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        assert f"{code} {name}" in findings(tree, device)
        path.unlink()
    os.link(tree / "trails/0/bsp/kernel.img", tree / "config/kernel")
    assert any(found.startswith("object-links objects/") for found in findings(tree, device))


def test_what_a_running_device_adds_is_not_a_problem(device: sim.Device, tree: Path) -> None:
    (tree / "trails/0/.pv/progress").write_bytes(b"{}")
    (tree / "trails/0/.pv/done").write_bytes(b"")
    (tree / "trails/0/.pv/logs/0").mkdir(parents=True)
    (tree / "trails/0/.pv/logs/0/log").write_bytes(b"")
    (tree / "trails/0/web/run.json.pv-beside").write_bytes(b"{")
    (tree / "trails/current").symlink_to("0")
    (tree / "logs").mkdir(exist_ok=True)
    (tree / "logs/current").symlink_to("0")
    (tree / ".pvmounted").write_bytes(b"")
    volumes = tree / "disks/perm/web"
    (volumes / "docker--data").mkdir(parents=True)
    (volumes / "docker--data/link").symlink_to("/")
    (volumes / "lxc-overlay/upper").mkdir(parents=True)
    (volumes / "lxc-overlay/upper/link").symlink_to("/")
    os.mkfifo(tree / "disks/perm/web/docker--data/fifo")
    assert findings(tree, device) == []


@pytest.mark.parametrize(
    "name",
    [
        "disks/perm", "disks/perm/web", "disks/perm/web/docker--data", "disks/rev/0/web/x",
        "disks/rev/locals/x/web/y", "disks/perm/web/lxc-overlay/upper",
        "disks/perm/web/dockerovl--data/work", "logs/0", "logs/0/web", "objects", "trails/0",
        "trails/locals",
    ],
)  # fmt: skip
def test_links_that_would_lead_a_device_elsewhere_are_named(
    device: sim.Device, tree: Path, name: str
) -> None:
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.move(path, tree / "cache")
    path.symlink_to("/")
    assert f"kind {name}" in findings(tree, device)


@pytest.mark.parametrize("name", ["empty", "web/empty", "_config/web/sbin", ".pvr/objects", ".pv/logs2"])
def test_folders_that_no_path_needs_are_named(device: sim.Device, tree: Path, name: str) -> None:
    (tree / "trails/0" / name).mkdir(parents=True)
    assert findings(tree, device) == [f"trail-unknown trails/0/{name}"]


@pytest.mark.parametrize(
    "name, data, words",
    [
        ("boot/uboot.txt", b"pv_rev=1\0\0\0", "boot boot/uboot.txt"),
        ("boot/uboot.txt", b"pv_rev=\0\0\0", "boot boot/uboot.txt"),
        ("boot/uboot.txt", b"pv_rev=0\0pv_try=locals/x\0\0\0", "boot boot/uboot.txt"),
        ("boot/grubenv", b"# GRUB Environment Block\npv_rev=1\n".ljust(1024, b"#"), "boot boot/grubenv"),
        ("boot/grubenv", b"# GRUB Environment Block\npv_rev=0\n", "boot boot/grubenv"),
        ("boot/grubenv", b"pv_rev=0\n".ljust(1024, b"#"), "boot boot/grubenv"),
        (
            "boot/grubenv2",
            b"# GRUB Environment Block\npv_gen=2\npv_rev=0\n".ljust(1024, b"#"),
            "boot boot/grubenv2",
        ),
        (
            "boot/grubenv",
            b"# GRUB Environment Block\npv_rev=0\npv_prev=9\n".ljust(1024, b"#"),
            "boot boot/grubenv",
        ),
        ("boot/grubtry", b"# GRUB Environment Block\npv_rev=0\n".ljust(1024, b"#"), "boot boot/grubtry"),
        ("trails/0/.pvr/config", b'{"ObjectsDir":"/home/me/objects"}', "trail-config trails/0/.pvr/config"),
        ("trails/0/.pvr/config", b"{", "trail-config trails/0/.pvr/config"),
        (
            "trails/0/.pvr/config",
            b'{"AccessTokens":{"a":"b"},"ObjectsDir":"../../objects"}',
            "secret trails/0/.pvr/config",
        ),
        ("trails/0/.pvr/json", b"{", "state revision 0"),
        ("trails/0/.pvr/json", b"{}", "state revision 0"),
        (
            "config/key.pem",
            b"-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY\n",
            "secret config/key.pem",
        ),
    ],
)
def test_damaged_files_around_the_objects_are_named(
    device: sim.Device, tree: Path, name: str, data: bytes, words: str
) -> None:
    (tree / name).write_bytes(data)
    assert words in findings(tree, device)


def test_boot_choice_that_is_missing_is_named(device: sim.Device, tree: Path) -> None:
    for name in ("uboot.txt", "uboot2.txt"):
        (tree / "boot" / name).unlink()
    assert findings(tree, device) == []
    for name in ("grubenv", "grubenv2", "grubtry"):
        (tree / "boot" / name).unlink()
    assert findings(tree, device) == ["boot boot"]


def test_variables_that_a_device_adds_to_its_boot_environment_are_known(
    device: sim.Device, tree: Path
) -> None:
    for name in ("grubenv", "grubenv2"):
        path = tree / "boot" / name
        lines = path.read_bytes().rstrip(b"#").replace(b"pv_end", b"pv_lost=2:60\npv_end")
        path.write_bytes((lines + b"pv_fails=1:xx\n").ljust(1024, b"#"))
    assert findings(tree, device) == []


def test_state_that_is_not_canonical_is_named(device: sim.Device, tree: Path) -> None:
    path = tree / "trails/0/.pvr/json"
    path.write_bytes(path.read_bytes() + b"\n")
    assert findings(tree, device) == ["state revision 0"]


def mutations(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every string, list and member of a document changed or taken away, one at a time."""
    if isinstance(value, dict):
        for name in value:
            yield f"{at}.{name} gone", {key: item for key, item in value.items() if key != name}
            for where, item in mutations(value[name], f"{at}.{name}"):
                yield where, {**value, name: item}
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield f"{at}[{index}] gone", value[:index] + value[index + 1 :]
            for where, item in mutations(entry, f"{at}[{index}]"):
                yield where, [*value[:index], item, *value[index + 1 :]]
    elif isinstance(value, str):
        yield f"{at} changed", value + "x"


@pytest.mark.hostile
def test_every_change_of_a_signed_document_is_refused(device: sim.Device, tree: Path) -> None:
    count = 0
    for path, value in device.state.inline().items():
        if path.startswith("_sigs/") or path.endswith("src.json"):
            continue
        name = "bsp" if path == "device.json" else path.partition("/")[0]
        for where, changed in mutations(value):
            write_state(tree, device.state.with_files({path: changed}))
            assert f"signature revision 0, _sigs/{name}.json" in findings(tree, device), (path, where)
            count += 1
    assert count > 80


@pytest.mark.hostile
def test_every_change_of_a_signature_is_refused(device: sim.Device, tree: Path) -> None:
    for name in ("bsp", "safe", "web"):
        path = f"_sigs/{name}.json"
        value = device.state[path]
        assert isinstance(value, dict)
        for where, changed in mutations(value):
            write_state(tree, device.state.with_files({path: changed}))
            assert any(found.endswith(f", {path}") for found in findings(tree, device)), (path, where)
        for member in ("protected", "signature"):
            for at in (0, len(value[member]) // 2):
                text = value[member]
                bent = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
                write_state(tree, device.state.with_files({path: {**value, member: bent}}))
                assert f"signature revision 0, {path}" in findings(tree, device), (member, at)
        write_state(tree, device.state.without([path]))
        assert any(found.startswith("signature-coverage revision 0") for found in findings(tree, device))
        write_state(tree, device.state)


@pytest.mark.hostile
def test_every_removed_path_is_refused(device: sim.Device, tree: Path) -> None:
    for path in device.state:
        if path == "#spec" or path.endswith("src.json") or path.startswith("_sigs/"):
            continue
        write_state(tree, device.state.without([path]))
        found = findings(tree, device)
        assert any(item.startswith("signature revision 0") for item in found), path
        for name, value in device.state.objects().items():
            target = tree / "trails/0" / name
            if not target.exists():
                os.link(tree / "objects" / value, target)


def test_added_paths_are_not_covered(device: sim.Device, tree: Path) -> None:
    write_state(tree, device.state.with_files({"note.json": {}}))
    assert "signature-coverage revision 0, note.json" in findings(tree, device)
    assert "signature-coverage revision 0, note.json" not in findings(tree, device, strict=False)


def test_signatures_of_others_are_refused(device: sim.Device, tmp_path: Path) -> None:
    keys.generate(tmp_path / "other", common_name="Other", algorithm="ES256", days=3)
    other = (tmp_path / "other/ca.crt").read_bytes()
    assert (
        len(
            [
                item
                for item in findings(device.storage, device, trust=other)
                if item.startswith("signature ")
            ]
        )
        == 3
    )


def test_strict_without_trust_is_no_trust(device: sim.Device) -> None:
    report = audit.verify(device.storage, strict=True)
    assert [finding.code for finding in report.findings] == ["signature-trust"]
    assert audit.verify(device.storage).good


def test_trust_demands_a_signature_of_every_part(device: sim.Device, tree: Path) -> None:
    whole = device.state.with_files({"note.json": {}, "_hostconfig/pvr/docker.json": {}})
    bare = whole.without(path for path in whole if path.startswith("_sigs/"))
    half = whole.without(["_sigs/web.json"])
    for state, wanted in ((whole, []), (half, ["web"]), (bare, ["bsp", "device.json", "safe", "web"])):
        write_state(tree, state)
        found = audit.verify(tree, trust=device.trust).findings
        missed = {
            finding.where.partition(", ")[2] for finding in found if finding.code == "signature-coverage"
        }
        assert sorted({path.partition("/")[0] for path in missed} - {"_config"}) == wanted
        assert not any(path.endswith("/src.json") for path in missed)
        lax = audit.verify(tree, trust=device.trust, allow_unsigned=True)
        assert not [finding for finding in lax.findings if finding.code.startswith("signature")]
        assert "what is signed" in str(lax) and lax.as_json()["unsigned_allowed"]


def test_signature_that_excludes_what_matters_is_refused(device: sim.Device, tree: Path) -> None:
    selection = pvs.Selection(
        ("web/**", "_config/web/**"), ("web/run.json", "web/src.json", "_sigs/web.json")
    )
    write_state(tree, keys.sign_state(device.state, "web", selection, device.signer()))
    assert findings(tree, device) == ["signature-coverage revision 0, web/run.json"]


def run(**changes: Any) -> Callable[[State], State]:
    return lambda state: state.with_files(
        {"web/run.json": {**state["web/run.json"], **changes}}  # type: ignore[dict-item]
    )


def bsp(**changes: Any) -> Callable[[State], State]:
    return lambda state: state.with_files(
        {"bsp/run.json": {**state["bsp/run.json"], **changes}}  # type: ignore[dict-item]
    )


def old_verity(state: State) -> State:
    """As tools of 2022 wrote the manifest."""
    path = "safe/_dm/root.squashfs.json"
    document: Any = state[path]
    return state.with_files(
        {path: {name: document[name] for name in document if name not in ("salt", "uuid")}}
    )


def test_salt_and_uuid_of_an_old_verity_manifest_are_in_the_super_block(
    device: sim.Device, tree: Path
) -> None:
    write_state(tree, old_verity(device.state))
    report = audit.verify(tree)
    assert not [finding for finding in report.findings if finding.code == "verity"]
    assert report.checked["verity trees"] == 1
    changed = dm(root_hash="0" * 64)(old_verity(device.state))
    write_state(tree, changed)
    assert [finding.code for finding in audit.verify(tree).findings if "root_hash" in finding.sentence] == [
        "verity"
    ]


def as_before_device_json(state: State) -> State:
    device: Any = state["device.json"]
    old = {f"{name}.json": device[name] for name in ("groups", "disks_v2") if name in device}
    return state.without(["device.json"]).with_files(old)


def test_groups_and_disks_of_an_old_state_are_those_of_its_own_files(
    device: sim.Device, tree: Path
) -> None:
    old = as_before_device_json(device.state)
    write_state(tree, old)
    assert not [
        finding
        for finding in audit.verify(tree).findings
        if finding.code in ("device", "container", "storage")
    ]
    write_state(tree, run(group="none")(old))
    assert "container revision 0, web/run.json" in findings(tree, device, strict=False)
    write_state(tree, old.with_files({"groups.json": [{"name": "app", "status_goal": "x"}]}))
    assert "device revision 0, groups.json" in findings(tree, device, strict=False)
    write_state(tree, old.without(["groups.json"]))
    assert "device revision 0, device.json" in findings(tree, device, strict=False)


def board(**changes: Any) -> Callable[[State], State]:
    return lambda state: state.with_files(
        {"device.json": {**state["device.json"], **changes}}  # type: ignore[dict-item]
    )


def dm(**changes: Any) -> Callable[[State], State]:
    path = "safe/_dm/root.squashfs.json"
    return lambda state: state.with_files({path: {**state[path], **changes}})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "change, words",
    [
        (run(name="other"), "container revision 0, web/run.json"),
        (run(config="none.conf"), "container revision 0, web/run.json"),
        (run(**{"root-volume": "none.squashfs"}), "container revision 0, web/run.json"),
        (run(**{"root-volume": "dm:root.squashfs"}), "verity revision 0, web/run.json"),
        # Devices know this one prefix.
        (run(**{"root-volume": "xy:root.squashfs"}), "container revision 0, web/run.json"),
        (run(volumes=["none.squashfs"]), "container revision 0, web/run.json"),
        (run(group="none"), "container revision 0, web/run.json"),
        (run(status_goal="GO"), "container revision 0, web/run.json"),
        (run(restart_policy="never"), "container revision 0, web/run.json"),
        (run(roles=["admin"]), "container revision 0, web/run.json"),
        (run(type="docker"), "container revision 0, web/run.json"),
        (run(**{"#spec": "x"}), "container revision 0, web/run.json"),
        (run(auto_recovery_x=1), "container revision 0, web/run.json"),
        (run(drivers={"required": ["gpu"]}), "container revision 0, web/run.json"),
        (run(network={"pool": "none"}), "container revision 0, web/run.json"),
        (run(storage={"lxc-overlay": {"persistence": "ever"}}), "storage revision 0, web/run.json"),
        (run(storage={"x": {"persistence": "boot", "disk": "none"}}), "storage revision 0, web/run.json"),
        (run(storage={}), "lxc revision 0, web/lxc.container.conf"),
        (bsp(linux="none"), "bsp revision 0, bsp/run.json"),
        (bsp(initrd=""), "bsp revision 0, bsp/run.json"),
        (bsp(addons=["none"]), "bsp revision 0, bsp/run.json"),
        (bsp(modules="dm:modules.squashfs"), "verity revision 0, bsp/run.json"),
        (bsp(firmware=7), "bsp revision 0, bsp/run.json"),
        (bsp(addons=5), "bsp revision 0, bsp/run.json"),
        (bsp(addons=[5]), "bsp revision 0, bsp/run.json"),
        *[(run(**{member: value}), "container revision 0, web/run.json")
          for member in ("type", "status_goal", "runlevel", "network", "storage", "drivers", "group")
          for value in (5, "x", ["x"], [["x"]])],
        (run(network={"pool": ["x"]}), "container revision 0, web/run.json"),
        (run(storage={"x": {"persistence": ["boot"]}}), "storage revision 0, web/run.json"),
        (run(storage={"x": {"persistence": "boot", "disk": ["x"]}}), "storage revision 0, web/run.json"),
        *[(board(**{member: value}), "device revision 0, device.json")
          for member in ("groups", "disks", "disks_v3", "volumes", "network") for value in (5, "x", True)],
        (board(groups=[{"name": "app", "status_goal": ["x"]}]), "device revision 0, device.json"),
        (dm(salt=None), "verity revision 0, safe/_dm/root.squashfs.json"),
        (dm(root_hash="0" * 64), "verity revision 0, safe/_dm/root.squashfs.json"),
        (dm(salt="00"), "verity revision 0, safe/_dm/root.squashfs.json"),
        (dm(salt="x"), "verity revision 0, safe/_dm/root.squashfs.json"),
        (dm(uuid="x"), "verity revision 0, safe/root.squashfs.hash"),
        (dm(type="dm-crypt"), "verity revision 0, safe/_dm/root.squashfs.json"),
        (dm(data_device="none"), "verity revision 0, safe/_dm/root.squashfs.json"),
        (dm(hash_device="root.squashfs"), "verity revision 0, safe/root.squashfs"),
        (lambda state: state.without(["device.json"]), "device revision 0, device.json"),
        (lambda state: state.without(["web/run.json"]), "orphan revision 0, web/root.squashfs"),
        (lambda state: state.with_files({"device.json": {"groups": []}}), "device revision 0, device.json"),
        (
            lambda state: state.with_files(
                {"web/root.squashfs.rootfs-digest": state["safe/root.squashfs.rootfs-digest"]}
            ),
            "digest-file revision 0, web/root.squashfs.rootfs-digest",
        ),
        (
            lambda state: state.with_files({"web/root.squashfs": state["bsp/kernel.img"]}),
            "squashfs revision 0, web/root.squashfs",
        ),
    ],
)  # fmt: skip
def test_manifest_that_contradicts_itself_is_refused_though_signed(
    device: sim.Device, tree: Path, change: Callable[[State], State], words: str
) -> None:
    write_state(tree, sim.sign(device, change(device.state)))
    assert words in findings(tree, device)


@pytest.mark.parametrize(
    "line, accepted",
    [
        ("# a note", True),
        ("", True),
        ("lxc.environment = A=b c", True),
        ("lxc.mount.entry = tmpfs run tmpfs rw,create=dir 0 0", True),
        ("lxc.mount.entry = /volumes/config/web etc none bind,optional", True),
        ("lxc.environment = A=b\xc2\x85c\x0cd\xe2\x80\xa8e", True),  # line ends of Unicode, not of LXC
        ("nonsense", False),
        ("lxc.environment = A=b\rlxc.rootfs.path = /etc", False),
        ("lxc.foo = 1", False),
        ("lxc.mount.entry = /volumes/web/none data none bind", False),
        ("lxc.mount.entry = /a ../../b none bind", False),
        ("lxc.mount.entry = /a", False),
        ("lxc.rootfs.path = overlayfs:/volumes/safe/root.squashfs:/volumes/safe/lxc-overlay", False),
        ("lxc.rootfs.path = /etc", False),
        ("lxc.cap.drop = \xff", False),
    ],
)
def test_lxc_configuration_is_read_line_by_line(
    device: sim.Device, line: str, accepted: bool, tmp_path: Path
) -> None:
    text = sim.LXC.format(name="web").encode() + line.encode("latin-1") + b"\n"
    object_id = device.pool.put_bytes(text)
    state = sim.sign(device, device.state.with_files({"web/lxc.container.conf": object_id}))
    sim.export.write(tmp_path / "one.tgz", state, device.pool)
    device.pool.path(object_id).unlink()
    report = audit.verify(tmp_path / "one.tgz", trust=device.trust, strict=True)
    assert {finding.where for finding in report.findings} == (
        set() if accepted else {"web/lxc.container.conf"}
    )


def test_private_key_in_an_object_is_named(device: sim.Device, tmp_path: Path) -> None:
    key = (device.folder / "keys/key.pem").read_bytes()
    for text in (key, bytes(1024 * 1024 - 20) + key, b"x" * 3_000_000 + key):
        object_id = device.pool.put_bytes(text)
        state = device.state.with_files({"web/secret": object_id})
        sim.export.write(tmp_path / "one.tgz", state, device.pool)
        device.pool.path(object_id).unlink()
        assert f"secret objects/{object_id}" in findings(tmp_path / "one.tgz", device, strict=False)


def test_words_of_a_library_are_no_private_key(device: sim.Device, tmp_path: Path) -> None:
    text = (
        b"-----BEGIN RSA PRIVATE KEY-----\0-----END RSA PRIVATE KEY-----\0-----BEGIN PRIVATE KEY-----\nok"
    )
    object_id = device.pool.put_bytes(text)
    sim.export.write(tmp_path / "one.tgz", device.state.with_files({"web/lib": object_id}), device.pool)
    device.pool.path(object_id).unlink()
    assert not [
        item for item in findings(tmp_path / "one.tgz", device, strict=False) if item.startswith("secret")
    ]


def members(path: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(path) as tar:
        return [(member.name, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]


def write_tar(path: Path, entries: list[tuple[str, bytes]], *, kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in entries:
            member = tarfile.TarInfo(name)
            member.size, member.type = len(data), kind if name != "json" else tarfile.REGTYPE
            tar.addfile(member, io.BytesIO(data))
    return path


def test_exports_bent_in_any_way_are_refused(device: sim.Device, tmp_path: Path) -> None:
    good = members(device.export())
    path = tmp_path / "one.tar"
    assert findings(write_tar(path, good), device) == []
    (name, data), json_text = good[1], good[0]
    assert f"object-missing {name}" in findings(write_tar(path, good[:1] + good[2:]), device)
    assert f"object-digest {name}" in findings(
        write_tar(path, [*good[:1], (name, data + b"x"), *good[2:]]), device
    )
    assert f"export-member {good[2][0]}" in findings(write_tar(path, [*good, good[2]]), device)
    assert "export-member other" in findings(write_tar(path, [*good, ("other", b"")]), device)
    assert "object-unused objects/" + "0" * 64 in findings(
        write_tar(path, [*good, ("objects/" + "0" * 64, b"")]), device
    )
    assert "unreadable tar" in findings(write_tar(path, [*good[1:], json_text]), device)
    assert f"export-member {name}" in findings(write_tar(path, good, kind=tarfile.SYMTYPE), device)


def test_export_may_repeat_an_object_that_two_paths_share(device: sim.Device, tmp_path: Path) -> None:
    # As the published tool writes it: an entry for each path.
    good = members(device.export())
    (name, data), path = good[1], tmp_path / "one.tar"
    assert sorted(device.state.objects().values()).count(name.rpartition("/")[2]) == 2
    assert findings(write_tar(path, [*good, (name, data)]), device) == []
    for more in (
        [(name, data)] * 2,
        [(name, data[:-1])],
        [(name, data + b"x")],
        [(name, b"y" * len(data))],
    ):
        assert findings(write_tar(path, [*good, *more]), device) == [f"export-member {name}"]


def test_target_that_could_block_for_ever_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(NotFound, match="is neither a file nor a directory"):
            audit.verify(path)


def test_cut_or_damaged_exports_are_refused(device: sim.Device, tmp_path: Path) -> None:
    packed = device.export().read_bytes()
    plain = gzip.decompress(packed)
    path = tmp_path / "one.tgz"
    for data in (packed[:-9], packed[: len(packed) // 2], plain[:-1024], plain[:10_000]):
        path.write_bytes(data)
        assert "unreadable tar" in findings(path, device)
    path.write_bytes(plain + b"\0" * 512 + b"x")
    assert findings(path, device) == ["export-end tar"]
    path.write_bytes(plain[:100] + b"\xff" + plain[101:])
    assert "unreadable tar" in findings(path, device)


def test_repository_is_checked_with_its_pool(device: sim.Device, tmp_path: Path) -> None:
    (tmp_path / "repo/.pvr").mkdir(parents=True)
    (tmp_path / "repo/.pvr/json").write_text(json.dumps(json.loads(device.state.dumps()), indent=1))
    (tmp_path / "repo/.pvr/config").write_text(json.dumps({"ObjectsDir": str(device.storage / "objects")}))
    report = audit.verify(tmp_path / "repo", trust=device.trust, strict=True).raise_for_findings()
    assert (report.kind, report.checked["objects"]) == ("repository", 11)
    (tmp_path / "repo/.pvr/config").write_text("{}")
    assert "object-missing .pvr/config" in findings(tmp_path / "repo", device)


@pytest.mark.parametrize("folder", [5, ["x"], "a\0", "\ud800", "none"])
def test_repository_whose_pool_is_nowhere_is_refused(tmp_path: Path, folder: Any) -> None:
    (tmp_path / ".pvr").mkdir()
    (tmp_path / ".pvr/json").write_bytes(State.empty().dumps())
    (tmp_path / ".pvr/config").write_bytes(cjson.dumps({"ObjectsDir": folder}))
    assert [finding.code for finding in audit.verify(tmp_path).findings] == ["object-missing"]


def test_export_of_one_container_is_whole_by_itself(device: sim.Device, tmp_path: Path) -> None:
    part = State({"#spec": device.state["#spec"], **pvs.part_files(device.state, "web")})
    sim.export.write(tmp_path / "web.tgz", part, device.pool)
    audit.verify(tmp_path / "web.tgz", trust=device.trust, strict=True).raise_for_findings()


@pytest.mark.parametrize("data", [b"", b"x", bytes(100_000), b"\x1f\x8b" + bytes(100)])
def test_files_that_are_nothing_are_refused(device: sim.Device, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    assert findings(tmp_path / "x", device)


def test_errors_of_this_package_are_the_users(device: sim.Device, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(PantavisorError):
        audit.verify(tmp_path / "x").raise_for_findings()
