# SPDX-License-Identifier: MIT
"""A storage tree as a device finds it: the boot choice, every revision's checkout and links, and nothing
else.

Devices compare files with objects by inode and inline JSON by bytes, and boot by the links below ``.pv/``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Optional

from .. import cjson
from ..digest import is_object_id
from ..errors import PantavisorError
from ..readers import Damaged, Entry, Findings, Storage, read_small
from ..readers.revisions import REVISION_PATH
from ..state import State
from . import unit_record
from .content import KEY_HINT, KeyFinder

MAX_BOOT_TEXT = 64 * 1024
MAX_CONFIG = 64 * 1024
MAX_SEARCHED = 256 * 1024**3  # bytes of files that are not objects; they may be holes
GRUBENV_BYTES = 1024
GRUBENV_HEAD = b"# GRUB Environment Block\n"
NOTES = "boot/grubtry"
NOTE_VARIABLES = frozenset(["pv_trying", "pv_fails", "pv_last"])  # GRUB's own
# GRUB's count, where its own block takes none.
BOOT_VARIABLES = frozenset("pv_gen pv_rev pv_try pv_prev pv_lost pv_end pv_trying pv_fails".split())
BOOT_FILES = ("boot/uboot.txt", "boot/uboot2.txt", "boot/grubenv", "boot/grubenv2")
TOP_FOLDERS = frozenset(
    "boot cache config disks factory factory-pkgs.d logs lost+found objects pv trails".split()
)
# What a device itself keeps with a revision, or left there when it was cut off (strays.c has the same).
_RUNTIME = re.compile(
    r"\.pv/(?:progress|done|commitmsg|logs(?:\.tmp)?(?:/.*)?)|(?:.+/)?[^/]+\.pv-beside", re.DOTALL
)
_RUNTIME_FOLDER = re.compile(r"\.pvr?|\.pv/logs(?:\.tmp)?(?:/.*)?", re.DOTALL)
# Links for people, which a device makes and does not follow.
_CURRENT = re.compile(r"(?:trails|logs)/current(?:\.pv-beside)?")
# What is below a volume is its container's; but an overlay's own folders are the device's.
_IN_VOLUME = re.compile(
    r"disks/(?:perm|rev/(?:[0-9]+|locals/[^/]+))/[^/]+/"
    r"(?:(?!lxc-overlay|dockerovl-)[^/]+/.+|[^/]+/(?:upper|work)/.+)",
    re.DOTALL,
)


def check(storage: Storage, states: Mapping[str, State], findings: Findings, *, in_image: bool) -> None:
    """Everything about the tree but the content of its objects.
    ``in_image``: owners and modes count too.
    """
    _check_kinds(storage, findings, in_image)
    unit_record.check(storage, findings)
    _check_boot(storage, frozenset(states), findings, in_image)
    links: dict[str, str] = {}
    known: set[str] = set()
    for revision, state in sorted(states.items()):
        links.update(_check_revision(storage, revision, state, findings))
        known.update(f"trails/{revision}/{path}" for path in (*state.inline(), ".pvr/json", ".pvr/config"))
    _check_unknown(storage, frozenset(states), known | set(links), findings)
    _check_links(storage, links, findings)
    _check_secrets(storage, findings)


def _check_kinds(storage: Storage, findings: Findings, in_image: bool) -> None:
    for path, entry in storage.entries.items():
        if not (
            entry.kind in ("file", "folder")
            or (entry.kind == "link" and _CURRENT.fullmatch(path))
            or _IN_VOLUME.fullmatch(path)
        ):
            findings.add("kind", path, "is neither a file nor a directory")
        if path.partition("/")[0] not in TOP_FOLDERS | {".pvmounted"}:
            findings.add("unknown", path, "has no place in a storage tree")
        if in_image and (entry.owner != (0, 0) or entry.mode & 0o6022) and not path.startswith("disks/"):
            findings.add(
                "mode", path, f"belongs to {entry.owner[0]}:{entry.owner[1]} with mode {entry.mode:o}"
            )
        if entry.kind == "file" and entry.size == 0 and path.startswith("config/"):
            findings.add(
                "config", path, "is empty, and the published runtime never ends reading it", "remove it"
            )


def _check_boot(storage: Storage, revisions: frozenset[str], findings: Findings, in_image: bool) -> None:
    for path in BOOT_FILES:
        variables = _boot_variables(storage, path, BOOT_VARIABLES, findings)
        if variables is None:
            continue
        if variables.get("pv_gen") != variables.get("pv_end"):
            findings.add("boot", path, "is torn: pv_gen and pv_end differ")
        for name in ("pv_rev", "pv_try", "pv_prev"):
            value = variables.get(name, "")
            if value not in revisions | {""} or (name == "pv_rev" and not value):
                findings.add("boot", path, f'{name} is "{value[:80]}", and that revision does not exist')
    _boot_variables(storage, NOTES, NOTE_VARIABLES, findings)
    if in_image and "boot/grubenv" in storage.entries and NOTES not in storage.entries:
        findings.add("boot", NOTES, "is missing, so GRUB has no block of its own to count boots in")
    if not any(path in storage.entries for path in BOOT_FILES):
        findings.add("boot", "boot", "there is neither boot/uboot.txt nor boot/grubenv")


def _boot_variables(
    storage: Storage, path: str, known: frozenset[str], findings: Findings
) -> Optional[dict[str, str]]:
    """The variables of a file; None where there is none,
    or where they cannot be read, which is a finding.
    """
    entry = storage.entries.get(path)
    if entry is None or entry.kind != "file":
        return None
    parse = _uboot if path.endswith(".txt") else _grubenv
    try:
        return _pairs(parse(read_small(storage, entry, limit=MAX_BOOT_TEXT)), known)
    except Damaged as error:
        findings.add("boot", path, error.message)
        return None


def _uboot(text: bytes) -> list[bytes]:
    pairs, _, rest = text.partition(b"\0\0")
    if rest.strip(b"\0"):
        raise Damaged("something follows the end of the environment")
    return pairs.rstrip(b"\0").split(b"\0")


def _grubenv(text: bytes) -> list[bytes]:
    if len(text) != GRUBENV_BYTES or not text.startswith(GRUBENV_HEAD):
        raise Damaged(f"is not an environment block of {GRUBENV_BYTES} bytes")
    lines = text.rstrip(b"#").split(b"\n")
    if lines.pop():
        raise Damaged("the padding of the environment block is damaged")
    # Newer versions of GRUB write a line of warning below the first one.
    return [line for line in lines if not line.startswith(b"#")]


def _pairs(lines: list[bytes], known: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode("utf-8", "replace").partition("=")
        if name not in known or name in found:
            raise Damaged(f'"{name[:80]}" is not a variable of the boot loader, or is set twice')
        found[name] = value
    return found


def _check_revision(storage: Storage, revision: str, state: State, findings: Findings) -> dict[str, str]:
    """Returns the names that must be links to objects, with the object ids."""
    trail = f"trails/{revision}"
    links = {f"{trail}/{path}": value for path, value in state.objects().items()}
    links.update({f"{trail}/.pv/{name}": value for name, value in _boot_links(state).items()})
    for path, object_id in sorted(links.items()):
        target = storage.entries.get(f"objects/{object_id}")
        entry = storage.entries.get(path)
        if entry is None:
            findings.add("trail", path, "is missing")
        elif target is not None and entry.inode != target.inode:
            findings.add(
                "trail-link",
                path,
                f"is not the same file as objects/{object_id}",
                "make it a hard link to that object",
            )
    for path, value in state.inline().items():
        _check_inline(storage, f"{trail}/{path}", value, findings)
    _check_config(storage, f"{trail}/.pvr/config", findings)
    return links


def _check_inline(storage: Storage, path: str, value: Any, findings: Findings) -> None:
    entry = storage.entries.get(path)
    if entry is None or entry.kind != "file":
        findings.add("trail", path, "is missing")
        return
    wanted = cjson.dumps(value)
    try:
        if entry.size != len(wanted) or read_small(storage, entry) != wanted:
            findings.add("trail-json", path, "differs from the state's own bytes")
    except Damaged as error:
        findings.add("trail-json", path, error.message)


def _check_config(storage: Storage, path: str, findings: Findings) -> None:
    entry = storage.entries.get(path)
    if entry is None:
        findings.add("trail", path, "is missing")
        return
    try:
        config = cjson.load_object(read_small(storage, entry, limit=MAX_CONFIG), what=path)
    except PantavisorError as error:
        findings.add("trail-config", path, error.message)
        return
    folder = config.get("ObjectsDir")
    if folder not in ("../../objects", "../../../objects", "/storage/objects"):
        findings.add("trail-config", path, f"ObjectsDir is {folder!r}", 'write "../../objects"')
    for name in ("AccessTokens", "RefreshTokens"):
        if config.get(name):
            findings.add("secret", path, f"holds {name}")


def _boot_links(state: State) -> dict[str, str]:
    """The names below ``.pv/`` by the device's rule; what bsp/run.json refers to in vain is reported
    elsewhere.
    """
    run = state.get("bsp/run.json")
    if not isinstance(run, Mapping):
        return {}
    addons = run.get("addons")
    wanted = {
        f"pv-initrd.img.{index}": addon
        for index, addon in enumerate(addons if isinstance(addons, list) else [])
    }
    if run.get("fit"):
        wanted["pantavisor.fit"] = run["fit"]
    elif run.get("rpiab"):
        wanted["rpiboot.img.gz" if str(run["rpiab"]).endswith(".gz") else "rpiboot.img"] = run["rpiab"]
    else:
        plain = {"pv-kernel.img": "linux", "pv-initrd.img": "initrd", "pv-fdt.dtb": "fdt"}
        wanted.update({name: run[member] for name, member in plain.items() if run.get(member)})
    found = {name: state.get(f"bsp/{file}") for name, file in wanted.items()}
    found.update({f"{name}.sig": state.get(f"bsp/{file}.sig") for name, file in wanted.items()})
    return {name: value for name, value in found.items() if isinstance(value, str) and is_object_id(value)}


def _check_unknown(
    storage: Storage, revisions: frozenset[str], known: set[str], findings: Findings
) -> None:
    folders = {path[:at] for path in known for at, letter in enumerate(path) if letter == "/"}
    for path, entry in storage.entries.items():
        if (
            not path.startswith("trails/")
            or path in (known, folders)[entry.kind == "folder"]
            or _CURRENT.fullmatch(path)
        ):
            continue
        match = REVISION_PATH.fullmatch(path)
        if match is None or match.group(1) not in revisions:
            if entry.kind != "folder":
                findings.add("trail-unknown", path, "does not belong to a revision with a readable state")
        elif not (_RUNTIME_FOLDER if entry.kind == "folder" else _RUNTIME).fullmatch(match.group(2)):
            findings.add("trail-unknown", path, "is not in the state of its revision")


def _check_links(storage: Storage, links: Mapping[str, str], findings: Findings) -> None:
    uses: dict[int, list[str]] = {}
    for path, entry in storage.entries.items():
        if entry.kind == "file":
            uses.setdefault(entry.inode, []).append(path)
    for path, entry in sorted(storage.entries.items()):
        # An object that has several names was named for that.
        names = uses.pop(entry.inode, []) if path.startswith("objects/") and entry.kind == "file" else []
        if not names:
            continue
        if entry.links != len(names):
            findings.add(
                "object-links", path, f"has {entry.links} links, of which {len(names)} are in the tree"
            )
        for name in names:
            if name != path and name not in links:
                findings.add("object-links", path, f"is also linked as {name}, where it does not belong")


def _check_secrets(storage: Storage, findings: Findings) -> None:
    left = MAX_SEARCHED
    for path, entry in storage.entries.items():
        # Files that are objects, too, were looked at as such.
        if entry.kind != "file" or path.startswith("objects/") or entry.links > 1:
            continue
        left -= entry.size
        if left < 0:
            findings.add(
                "unreadable",
                path,
                f"is not searched for keys: the files have more than {MAX_SEARCHED} bytes",
            )
            return
        try:
            _check_secret(storage, entry, findings)
        except Damaged as error:
            findings.add("unreadable", path, error.message)


def _check_secret(storage: Storage, entry: Entry, findings: Findings) -> None:
    finder = KeyFinder()
    for chunk in storage.chunks(entry):
        finder.feed(chunk)
    if finder.found:
        findings.add("secret", entry.path, "holds a private key", KEY_HINT)
