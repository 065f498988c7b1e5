# SPDX-License-Identifier: MIT
"""What a container is made of: the one source that its recipe names becomes an entry of SRC_URI where it is
fetched, while the recipe is parsed.
"""

from __future__ import annotations

import os
import re
from glob import glob
from typing import TYPE_CHECKING
from urllib.parse import unquote

import bb
import bb.build
import bb.fetch2
import bb.utils

import pvbb.recipe

if TYPE_CHECKING:
    from typing import Any

SOURCES = ("PVR_DOCKER_REF", "PVR_ROOTFS", "PVR_SRC_URI", "PVR_SRC_DIR")
# What is read for some of them alone.
OWN = {"PVR_DOCKER_DIGEST": ("PVR_DOCKER_REF",), "PVR_SRC_PART": ("PVR_SRC_URI", "PVR_SRC_DIR")}
# They name files of SRC_URI.
READERS = (
    "PVR_ARGS_JSON", "PVR_CONFIG_JSON", "PVR_CONFIG_OVERLAY", "PVR_EXPORTS_JSON", "PVR_LOGS_JSON",
    "PVR_NETWORK_JSON", "PVR_SERVICES_JSON",
)  # fmt: skip
CHECKSUMS = ("sha256sum", "sha384sum", "sha512sum")
DEVICE = "device.json"
_ARCHIVE = re.compile(r"\.(tar|tgz|tar\.gz|tar\.xz|tar\.zst)$")

_TARBALL = re.compile(r"\.(tar(\.\w+)?|t[bgx]z2?|tzst)$")


def container(d: Any) -> None:
    """Prepare the source of a recipe that inherits pvrexport, or skip the recipe."""
    source = _named(d)
    if source == "PVR_DOCKER_REF":
        pvbb.recipe.docker_source(d)
        return
    bb.build.deltask("do_check_tag", d)
    if source == "PVR_ROOTFS":
        pvbb.recipe.set_platform(d)
        _cut_times(d)
    elif source == "PVR_SRC_URI":
        _fetch_export(d, d.getVar("PVR_SRC_URI").strip())
    else:
        _need_no_skeleton(d)
        d.setVar("PVR_PART", d.getVar("PVR_SRC_DIR"))


def _cut_times(d: Any) -> None:
    """Times in a directory are those of a checkout, or of the task that wrote it; in a tarball, which its
    name shows before it is there, they are the same everywhere.
    """
    if not _TARBALL.search(d.getVar("PVR_ROOTFS")) and not d.getVar("PVR_SOURCE_DATE_EPOCH"):
        d.setVar("PVR_SOURCE_DATE_EPOCH", "${SOURCE_DATE_EPOCH}")


def image(d: Any) -> None:
    """Prepare an image recipe: of its SRC_URI, openembedded-core unpacks nothing; here it is there before
    the root file system is made.
    """
    pvbb.recipe.set_platform(d)
    if not (d.getVar("SRC_URI") or "").strip():
        return
    for task in ("do_fetch", "do_unpack"):
        d.delVarFlag(task, "noexec")
    bb.build.addtask("do_rootfs", None, "do_unpack", d)


def unread(d: Any) -> list[str]:
    """Files of SRC_URI that no variable of a recipe with an image names, nor its own text a second time."""
    with open(d.getVar("FILE", False), encoding="utf-8", errors="replace") as stream:
        text = stream.read()
    values = [value for name in READERS if (value := d.getVar(name))]
    found = []
    for entry in entries(d):
        kind, _, rest = entry.partition("://")
        path = rest.partition(";")[0]
        named = any(f"{path}/".startswith(f"{value}/") or value.startswith(f"{path}/") for value in values)
        if kind == "file" and not named and text.count(os.path.basename(path)) < 2:
            found.append(path)
    return found


def _named(d: Any) -> str:
    named = [name for name in SOURCES if d.getVar(name)]
    archives = [] if named else _archives(d)
    if len(archives) == 1:
        # As the published class takes it.
        d.setVar("PVR_SRC_URI", archives[0])
        d.setVar("SRC_URI", " ".join(entry for entry in entries(d) if entry != archives[0]))
        named = ["PVR_SRC_URI"]
    if len(named) == 1:
        _need_no_word_of_others(d, named[0])
        return named[0]
    if named:
        pvbb.recipe.skip(d, f"{' and '.join(named)} name {len(named)} sources", "remove all but one")
    _need_no_skeleton(d)
    if len(archives) > 1:
        hint = "name the one with the container in PVR_SRC_URI"
        pvbb.recipe.skip(d, "SRC_URI has several archives", hint)
    pvbb.recipe.skip(
        d,
        "PVR_DOCKER_REF is not set",
        'set one such as PVR_DOCKER_REF = "docker.io/library/nginx:1.27"; or name an export in '
        "PVR_SRC_URI, a directory in PVR_SRC_DIR",
    )


def _need_no_word_of_others(d: Any, source: str) -> None:
    """Skip a recipe with a variable that only a source of another kind has a meaning for."""
    for variable, sources in OWN.items():
        if d.getVar(variable) and source not in sources:
            what = f"{variable} is set, which has no meaning for {source}"
            pvbb.recipe.skip(d, what, f"remove it, or name {' or '.join(sources)}")


def _need_no_skeleton(d: Any) -> None:
    """Skip a recipe of the published layer's kind whose files are the device's own, and not a container."""
    for entry in entries(d):
        kind, _, path = entry.partition(";")[0].partition("://")
        place = bb.utils.which(d.getVar("FILESPATH") or "", path.strip("/")) if kind == "file" else ""
        holds = os.path.isfile(os.path.join(place, DEVICE)) and not glob(os.path.join(place, "*/run.json"))
        if kind == "file" and (os.path.basename(path) == DEVICE or place and holds):
            hint = f'write PVR_DEVICE_JSON = "{DEVICE}" and its SRC_URI into the recipe of the bsp'
            pvbb.recipe.skip(d, f"{path} of SRC_URI is the device's own, and not a container", hint)


def _fetch_export(d: Any, uri: str) -> None:
    if len(uri.split()) > 1:
        pvbb.recipe.skip(d, f"PVR_SRC_URI names several files: {uri}", "keep the one with the container")
    kind, _, path, _, _, parameters = bb.fetch2.decodeurl(d.expand(uri))
    if not _ARCHIVE.search(path):
        hint = "make a file of it (pvr clone, then pvr export FILE.tgz), and name that"
        pvbb.recipe.skip(d, f"PVR_SRC_URI is not an export's file: {uri}", hint)
    if kind in ("http", "https", "ftp") and not _has_checksum(d, parameters):
        name = f"{parameters['name']}.sha256sum" if "name" in parameters else "sha256sum"
        pvbb.recipe.skip(d, f"{uri} has no checksum", f'write SRC_URI[{name}] = "..."')
    d.setVar("PVR_PART", unpacked(d.expand(uri)))
    d.appendVar("SRC_URI", f" {uri}{'' if 'unpack' in parameters else ';unpack=0'}")


def _has_checksum(d: Any, parameters: dict[str, str]) -> bool:
    flags = [f"{parameters['name']}.{kind}" for kind in CHECKSUMS if "name" in parameters]
    if not flags or parameters["name"] == "default":
        flags += CHECKSUMS
    return any(kind in parameters for kind in CHECKSUMS) or any(
        d.getVarFlag("SRC_URI", flag) for flag in flags
    )


def _archives(d: Any) -> list[str]:
    return [entry for entry in entries(d) if _ARCHIVE.search(entry.partition(";")[0])]


def entries(d: Any) -> list[str]:
    """Those of SRC_URI."""
    return list((d.getVar("SRC_URI") or "").split())


def unpacked(entry: str) -> str:
    """Where the file of an entry is, once it was unpacked: one next to the recipe with its directories."""
    address, *words = entry.split(";")
    kind, _, path = address.partition("://")
    parameters = dict(word.partition("=")[::2] for word in words)
    path = unquote(path)  # as BitBake does
    where = path.lstrip("/") if kind == "file" else os.path.basename(path)
    return os.path.join(parameters.get("subdir", ""), parameters.get("downloadfilename") or where)
