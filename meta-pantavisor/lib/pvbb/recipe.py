# SPDX-License-Identifier: MIT
"""What a recipe has about its image becomes an entry of SRC_URI, and the labels of images are checked,
while they are parsed.

A recipe in error is skipped with a reason, which BitBake prints when the recipe is asked for: one wrong
word must not stop the builds of others.
"""

from __future__ import annotations

import os
import re
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

import bb
import bb.build
import bb.data
from pantavisor import oci
from pantavisor.digest import Digest
from pantavisor.errors import FormatError, PantavisorError
from pantavisor.oci import Platform
from pantavisor.ref import Ref
from pantavisor.registry import RegistryOptions

import pvbb.fetcher
import pvbb.imagelock
import pvbb.tags
from pvbb.downloads import ImageUrl

if TYPE_CHECKING:
    from typing import Any, NoReturn, Optional

LAYOUT_FOLDER = "oci"


def set_platform(d: Any) -> None:
    """Set PVR_PLATFORM, of a container that is not made from an image."""
    try:
        d.setVar("PVR_PLATFORM", str(_platform(d)))
    except PantavisorError as error:
        raise _skipped(d, error) from None


def docker_source(d: Any) -> None:
    """Append the image to SRC_URI; set PVR_PLATFORM and PVR_OCI_DIR (its layout below UNPACKDIR) for the
    tasks.
    """
    pvbb.fetcher.register()
    try:
        pvbb.tags.is_pin_required(d)
        url = ImageUrl(_reference(d), _platform(d), LAYOUT_FOLDER)
        RegistryOptions.from_variables(d.getVar, {})  # raises now what the fetcher would raise late
    except PantavisorError as error:
        raise _skipped(d, error) from None
    d.setVar("PVR_PLATFORM", str(url.platform))
    d.setVar("PVR_OCI_DIR", LAYOUT_FOLDER)
    d.appendVar("SRC_URI", f" {url}")
    if url.ref.digest is not None:
        bb.build.deltask("do_check_tag", d)


def skip(d: Any, what: str, hint: str) -> NoReturn:
    """Skip the recipe."""
    raise bb.parse.SkipRecipe(f"{d.getVar('PN')}: {what} (hint: {hint})")


def _skipped(d: Any, error: PantavisorError) -> Any:
    hint = f" (hint: {error.hint})" if error.hint else ""
    return bb.parse.SkipRecipe(f"{d.getVar('PN')}: {error.message}{hint}")


def platform(d: Any) -> str:
    """The machine's platform, or nothing where none is known."""
    try:
        return str(_platform(d))
    except PantavisorError:
        return ""


def docker_arch(d: Any) -> str:
    """The architecture as the files of prebuilt containers are called by it."""
    architecture = platform(d).partition("/")[2].partition("/")[0]
    return "arm32v6" if architecture == "arm" else architecture


def containers(d: Any) -> list[str]:
    """The recipes whose containers the image has, each once; the word ``none`` is for no recipe."""
    return [name for name in dict.fromkeys(_listed(d)) if name != "none"]


def _listed(d: Any) -> list[str]:
    return [
        name
        for variable in ("PVROOT_CONTAINERS_CORE", "PVROOT_CONTAINERS")
        for name in (d.getVar(variable) or "").split()
    ]


def part_tasks(d: Any) -> str:
    """The tasks that deploy the parts of an image; none where another configuration builds them."""
    return "" if d.getVar("PVROOT_MULTICONFIG") else " ".join(_part_tasks(d))


def part_tasks_elsewhere(d: Any) -> str:
    """The same in PVROOT_MULTICONFIG, as [mcdepends] has them."""
    there = d.getVar("PVROOT_MULTICONFIG")
    here = d.getVar("BB_CURRENT_MC") or ""
    # In [mcdepends] the first configuration has no name.
    here = "" if here == "default" else here
    return " ".join(f"mc:{here}:{there}:{task}" for task in _part_tasks(d)) if there else ""


def _part_tasks(d: Any) -> list[str]:
    return [f"{name}:do_deploy" for name in (*containers(d), d.getVar("PVROOT_BSP"))]


def need_containers(d: Any) -> None:
    """Skip an image whose list of containers was forgotten, came out empty, or may mean something else."""
    if all(d.getVar(name) for name in ("PVROOT_CONTAINERS_CORE", "PVROOT_CONTAINERS")):
        skip(
            d,
            "PVROOT_CONTAINERS next to PVROOT_CONTAINERS_CORE means packages that no device reads",
            "name the containers of the device in one of them",
        )
    if not _listed(d):
        raise bb.parse.SkipRecipe(
            f"{d.getVar('PN')}: PVROOT_CONTAINERS is empty, so the image would run nothing "
            '(hint: name recipes of containers, or set PVROOT_CONTAINERS = "none")'
        )
    for name in containers(d):
        _need_file(d, name)


def files_of(d: Any, name: str) -> list[str]:
    """The files of the recipe ``name``, as far as their names show it, that BBFILES has."""
    folders = [os.path.dirname(pattern) for pattern in (d.getVar("BBFILES") or "").split()]
    return [file for folder in dict.fromkeys(folders) for file in _named(folder, name)]


def _named(folder: str, name: str) -> list[str]:
    return [file for end in (".bb", "_*.bb") for file in sorted(glob(f"{folder}/{name}{end}"))]


def _need_file(d: Any, name: str) -> None:
    """Skip an image of a container whose recipe is in a layer, and not where its BBFILES look."""
    if files_of(d, name):
        return
    for layer in (d.getVar("BBLAYERS") or "").split():
        for depth in ("", "/*", "/*/*", "/*/*/*"):
            for file in _named(layer + depth, name):
                what = f"PVROOT_CONTAINERS has {name}, and no pattern of BBFILES finds {file}"
                pattern = os.path.join("${LAYERDIR}", os.path.relpath(os.path.dirname(file), layer), "*.bb")
                skip(d, what, f'write BBFILES += "{pattern}" into {layer}/conf/layer.conf')


def need_no_image(d: Any) -> None:
    """Skip an image whose storage the library writes and that openembedded-core would fill as well."""
    if bb.data.inherits_class("image", d):
        what = 'it inherits "image", whose root file system no device of pvroot-image would have'
        skip(d, what, "remove image from the line inherit")


def machine_platform(target_arch: str, tune: str) -> Platform:
    """The platform of a machine, from TARGET_ARCH and, for 32-bit arm, the words of TUNE_FEATURES and
    TUNE_PKGARCH.
    """
    if target_arch == "arm":
        return Platform("linux", "arm", _arm_variant(tune))
    found = oci.machine(target_arch)
    if found is None:
        raise FormatError(
            f'no image platform is known for TARGET_ARCH "{target_arch}"',
            hint='set PVR_DOCKER_PLATFORM = "linux/<architecture>"',
        )
    return found


def _reference(d: Any) -> Ref:
    text = (d.getVar("PVR_DOCKER_REF") or "").strip()
    if not text:
        raise FormatError(
            "PVR_DOCKER_REF is not set",
            hint='set one such as PVR_DOCKER_REF = "docker.io/library/nginx:1.27"',
        )
    ref = Ref.parse(text)
    pin = (d.getVar("PVR_DOCKER_DIGEST") or "").strip()
    digest: Optional[Digest] = Digest.parse(pin) if pin else _locked(d, ref)
    if digest is not None and ref.digest not in (None, digest):
        raise FormatError(
            f"PVR_DOCKER_REF and PVR_DOCKER_DIGEST name two digests: {ref.digest} and {digest}"
        )
    return ref.with_digest(digest) if digest is not None else ref


def _locked(d: Any, ref: Ref) -> Optional[Digest]:
    """What the lock file has for a reference without digest."""
    path = d.getVar("PVR_DOCKER_LOCK")
    if not path or ref.digest is not None:
        return None
    if not os.path.isabs(path):
        raise FormatError(
            f'PVR_DOCKER_LOCK is "{path}", which is not an absolute path',
            hint='in layer.conf, set PVR_DOCKER_LOCK = "${LAYERDIR}/images.lock.json"',
        )
    bb.parse.mark_dependency(d, path)
    return pvbb.imagelock.read(Path(path)).get(str(ref))


def _platform(d: Any) -> Platform:
    text = (d.getVar("PVR_DOCKER_PLATFORM") or "").strip()
    if text:
        return Platform.parse(text)
    # Tunes named after a processor (cortexa7) have the version in the list of what they can run only.
    words = ("TUNE_FEATURES", "TUNE_PKGARCH", "TUNE_ARCH", "PACKAGE_EXTRA_ARCHS")
    tune = " ".join(d.getVar(name) or "" for name in words)
    return machine_platform(d.getVar("TARGET_ARCH") or "", tune)


def _arm_variant(tune: str) -> str:
    # armv8 in 32-bit state runs what is built for v7, and images are only ever built for that.
    levels = [int(level) for level in re.findall(r"\barmv([4-9])", tune)]
    if not levels:
        raise FormatError(
            "TUNE_FEATURES does not name the version of arm",
            hint='set PVR_DOCKER_PLATFORM = "linux/arm/v7", or v6, or v5',
        )
    level = min(max(levels), 7)
    if level < 5:
        raise FormatError(
            "no images are made for arm before v5", hint="set PVR_DOCKER_PLATFORM where an image runs there"
        )
    return f"v{level}"
