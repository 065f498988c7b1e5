# SPDX-License-Identifier: MIT
"""What the documents of a state hold and refer to: device.json, bsp/run.json, drivers, verity manifests,
digest files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..digest import is_object_id
from ..manifests.verity import file_of, is_protected, manifest_of
from . import squashfs, verity
from .context import DISK_LISTS, Context, is_in, mapping

GOALS = frozenset(["MOUNTED", "STAGED", "STARTED", "READY"])
POLICIES = frozenset(["system", "container"])
PERSISTENCES = frozenset(["permanent", "revision", "boot"])
_BSP_FILES = ("linux", "initrd", "fdt", "fit", "rpiab", "firmware", "modules", "initrd_config")
_TOP_FOLDERS = frozenset(["_config", "_sigs", "_hostconfig"])


def check(context: Context) -> None:
    """Every document but those of the containers."""
    _check_device(context)
    _check_bsp(context)
    _check_folders(context)
    for path in context.state.objects():
        if path.endswith(".squashfs"):
            _check_squashfs(context, path)
        elif path.endswith((".rootfs-digest", ".docker-digest")):
            _check_digest_file(context, path)
    for path in context.state.inline():
        folder, _, name = path.rpartition("/")
        if folder.endswith("/_dm") and name.endswith(".json"):
            _check_verity(context, path)


def check_verity_reference(context: Context, path: str, folder: str, volume: str) -> str:
    """The file name of a volume; for ``dm:<file>`` its verity manifest must exist."""
    manifest = f"{folder}/{manifest_of(volume)}"
    if is_protected(volume) and manifest not in context.state:
        context.add("verity", path, f"{volume} has no {manifest}")
    return file_of(volume)


def check_storage_entry(context: Context, path: str, name: str, entry: Any) -> None:
    """One volume that a device keeps: its persistence and its disk."""
    if not isinstance(entry, dict) or not is_in(entry.get("persistence"), PERSISTENCES):
        context.add("storage", path, f"storage {name} has no persistence of permanent, revision or boot")
    elif entry.get("disk") and context.whole and not is_in(entry["disk"], context.disk_names):
        context.add(
            "storage",
            path,
            f"storage {name} names the disk {entry['disk']}, which device.json does not have",
        )


def check_kind(
    context: Context, code: str, path: str, document: dict[str, Any], member: str, kind: type
) -> None:
    """See that a member of a document, where it has one, is a list or an object."""
    if document.get(member) and not isinstance(document[member], kind):
        context.add(code, path, f"{member} is not {'a list' if kind is list else 'an object'}")


def _check_device(context: Context) -> None:
    path = "device.json"
    device = context.device
    if context.document(path) is None:
        if context.whole and not context.groups:
            context.add("device", path, "the state has neither device.json nor groups.json, so no groups")
        if not device:
            return
        path = "groups.json"
    if not context.groups or len(context.groups_by_name) != len(context.groups):
        context.add("device", path, "the groups are missing or not unique")
    kinds = {**dict.fromkeys(("groups", *DISK_LISTS), list), **dict.fromkeys(("volumes", "network"), dict)}
    for member, kind in kinds.items():
        check_kind(context, "device", path, device, member, kind)
    for group in context.groups:
        for member, known in (("status_goal", GOALS), ("restart_policy", POLICIES)):
            if not is_in(group.get(member, ""), known | {""}):
                context.add(
                    "device", path, f"group {group.get('name')} has the unknown {member} {group[member]}"
                )
    for name, entry in mapping(device.get("volumes")).items():
        check_storage_entry(context, path, name, entry)


def _check_bsp(context: Context) -> None:
    path = "bsp/run.json"
    run = context.document(path)
    if run is None:
        if context.whole:
            context.add("bsp", path, "the state has no bsp/run.json, so nothing to boot")
        return
    if not (run.get("fit") or run.get("rpiab") or (run.get("linux") and run.get("initrd"))):
        context.add("bsp", path, "names neither fit, nor rpiab, nor linux with initrd")
    files = {member: run[member] for member in run if member in _BSP_FILES or member.startswith("modules_")}
    check_kind(context, "bsp", path, run, "addons", list)
    addons = run.get("addons")
    for index, addon in enumerate(addons if isinstance(addons, list) else []):
        files[f"addons[{index}]"] = addon
    for member, value in files.items():
        if not isinstance(value, str):
            context.add("bsp", path, f"{member} is not a file name")
        elif value:
            name = check_verity_reference(context, path, "bsp", value)
            context.need_object("bsp", path, f"bsp/{name}", member)


def _check_folders(context: Context) -> None:
    parts = set(context.part_names())
    for path in context.state:
        top, _, rest = path.partition("/")
        if top == "_config" and rest.partition("/")[0] not in parts and context.whole:
            context.add("orphan", path, "is for a container that the state does not have")
        if rest and top not in parts | _TOP_FOLDERS and not path.endswith(".config"):
            context.add("orphan", path, "does not belong to a part: its directory has no run.json")


def _check_squashfs(context: Context, path: str) -> None:
    facts = context.object_at(path)
    if facts is None or facts.error:
        return
    context.count("squashfs")
    if problem := squashfs.check(facts.head, facts.size):
        context.add("squashfs", path, problem)


def _check_digest_file(context: Context, path: str) -> None:
    facts = context.object_at(path)
    target = path.rpartition(".")[0]
    text = (facts.text or b"").decode("ascii", "replace") if facts else ""
    if path.endswith(".docker-digest"):
        if facts and not re.fullmatch(r"(?:\S+@)?sha256:[0-9a-f]{64}", text):
            context.add("digest-file", path, "holds no digest")
        return
    if facts and text != f"sha256:{context.state.get(target)}":
        context.add("digest-file", path, f"does not hold the digest of {target}")


def _check_verity(context: Context, path: str) -> None:
    document = context.document(path) or {}
    if (
        document.get("type") != "dm-verity"
        or not is_object_id(document.get("root_hash"))
        or not is_salt(document.get("salt", ""))
    ):
        context.add(
            "verity", path, "is not a verity manifest: type or root_hash is missing, or the salt is not hex"
        )
        return
    folder = path.rpartition("/_dm/")[0]
    data, hashes = (f"{folder}/{document.get(member)}" for member in ("data_device", "hash_device"))
    if all([context.need_object("verity", path, target, "it") for target in (data, hashes)]):
        _check_tree(context, path, document, data, hashes)


def _check_tree(context: Context, path: str, document: Mapping[str, Any], data: str, hashes: str) -> None:
    """Whether ``hashes`` holds the tree that the manifest at ``path`` asks for over ``data``."""
    data_facts, hash_facts = context.object_at(data), context.object_at(hashes)
    if data_facts is None or hash_facts is None or data_facts.error or hash_facts.error:
        return
    context.count("verity trees")
    kept = verity.identity(hash_facts.head)
    if kept is None:
        context.add("verity", hashes, "the hash device has no superblock")
        return
    # Older tools left both to the superblock.
    salt, uuid = (document.get(member, value) for member, value in zip(("salt", "uuid"), kept))
    tree = data_facts.trees.get(str(salt))
    if tree is None:
        context.add("verity", path, "its tree cannot be made: the salt cannot be read")
        return
    if tree.root != document["root_hash"]:
        context.add("verity", path, f"root_hash is not that of {data}")
    problem = verity.check_hash_device(
        tree, hash_facts.head, hash_facts.sha256, salt=str(salt), uuid=str(uuid)
    )
    if problem:
        context.add("verity", hashes, problem)


def is_salt(value: Any) -> bool:
    """Whether a value is a salt in hex, of at most 256 bytes."""
    return isinstance(value, str) and re.fullmatch(r"(?:[0-9a-f]{2}){0,256}", value) is not None
