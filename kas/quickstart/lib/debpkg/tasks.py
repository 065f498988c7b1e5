# SPDX-License-Identifier: MIT
"""What the classes call: resolve and download, unpack, and pack modules and an initramfs from it.

A failure that the user can correct ends the task with its sentence; a bug keeps its traceback.
"""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path
from typing import Any, Callable

import bb

from . import apt, host, initramfs, kmod, program, record, sources, tarball
from .errors import DebError

# Both names of these folders are one in a merged file system; packages still use either.
MERGED = ("bin", "sbin", "lib", "lib64")


def _task(body: Callable[[Any], None]) -> Callable[[Any], None]:
    @functools.wraps(body)
    def run(d: Any) -> None:
        try:
            body(d)
        except DebError as error:
            bb.fatal(f"{d.getVar('PN')}: {error}")

    return run


@_task
def fetch(d: Any) -> None:
    """The packages of DEB_PACKAGES are in DL_DIR: those of the record, or what the archive answers now."""
    request, folder = _request(d), _folder(d)
    path = folder / request.file_name(d.getVar("DEB_LABEL"))
    if path.exists() and not record.missing(record.load(path, request=request), folder):
        bb.note(f"{path} is complete")
        return
    if bb.utils.to_boolean(d.getVar("BB_NO_NETWORK")):
        raise DebError(
            f"{path.name} or a package of it is not in {folder}, and BB_NO_NETWORK forbids to fetch it",
            hint="run once with network, or bring the whole directory along",
        )
    folder.mkdir(parents=True, exist_ok=True)
    client = _client(d)
    packages = _resolve(client, request, folder)
    record.save(path, record.dumps(request, packages))


def _resolve(client: apt.Apt, request: record.Request, folder: Path) -> list[record.Package]:
    fresh = not client.is_updated()
    if fresh:
        client.update()
    try:
        return _download(client, request, folder)
    except DebError as error:
        if fresh:
            raise
        # The archive drops a version soon after the next appears, so old lists may name what is gone.
        bb.note(f"with the lists at hand: {error}; they are fetched again")
        client.update()
        return _download(client, request, folder)


def _download(client: apt.Apt, request: record.Request, folder: Path) -> list[record.Package]:
    with tempfile.TemporaryDirectory(prefix=".fetch.", dir=folder) as scratch:
        packages = client.download(client.closure(request), Path(scratch))
        apt.move_into(packages, Path(scratch), folder)
    return packages


def _client(d: Any) -> apt.Apt:
    architecture = d.getVar("DEB_ARCH")
    original = d.getVar("BB_ORIGENV", False)
    environment = (
        {name: original.getVar(name) for name in original.keys()} if original else dict(os.environ)
    )
    return apt.Apt(
        folder=Path(d.getVar("DEB_STATE")),
        architecture=architecture,
        sources=sources.render(_sources(d, architecture), architecture=architecture),
        proxies=apt.environment_proxies(environment),
    )


def _sources(d: Any, architecture: str) -> list[sources.Source]:
    named = d.getVar("DEB_SOURCES")
    distribution = host.current()
    listed = sources.parse_file(named) if named else sources.read_host()
    found = sources.own_archive(listed, distribution=distribution, architecture=architecture)
    if not found:
        raise DebError(
            f"{named or 'the host'} has no source of the archive of {distribution}",
            hint="set DEB_SOURCES to a sources file to read instead of the host's",
        )
    return sources.for_architecture(
        found,
        distribution=distribution,
        architecture=architecture,
        native=host.native_architecture(),
        foreign_uri=d.getVar("DEB_FOREIGN_URI") or "",
    )


def _request(d: Any) -> record.Request:
    names = tuple(sorted(set(d.getVar("DEB_PACKAGES").split())))
    if not names:
        raise DebError("DEB_PACKAGES is empty")
    keep = tuple(sorted(set(d.getVar("DEB_KEEP").split())))
    return record.Request(d.getVar("DEB_DISTRIBUTION"), d.getVar("DEB_ARCH"), names, keep)


def _folder(d: Any) -> Path:
    return Path(d.getVar("DL_DIR")) / f"deb-{d.getVar('DEB_ARCH')}"


@_task
def unpack(d: Any) -> None:
    """The recorded packages, checked once more, unpacked together into DEB_ROOT, and their manifest."""
    request, folder = _request(d), _folder(d)
    packages = record.load(folder / request.file_name(d.getVar("DEB_LABEL")), request=request)
    absent = record.missing(packages, folder)
    if absent:
        raise DebError(
            f"{absent[0].file} is gone from {folder}", hint=f"run: bitbake -c cleanall {d.getVar('PN')}"
        )
    root = Path(d.getVar("DEB_ROOT"))
    bb.utils.remove(str(root), recurse=True)
    for name in MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for package in packages:
        _extract(folder / package.file, root)
    Path(d.getVar("DEB_MANIFEST")).write_text(record.dumps(request, packages), encoding="ascii")


def _extract(package: Path, root: Path) -> None:
    # Not dpkg-deb --extract: it puts a directory in the place of a merged folder's link.
    options = ["--keep-directory-symlink", "--no-same-owner", "--no-same-permissions"]
    program.pipe(["dpkg-deb", "--fsys-tarfile", str(package)], ["tar", "-x", "-C", str(root), *options])


@_task
def pack_kernel(d: Any) -> None:
    """boot/vmlinuz-<release> of DEB_ROOT under the name KERNEL_IMAGETYPE, not compressed as a whole."""
    root = Path(d.getVar("DEB_ROOT"))
    image = kmod.kernel_image(root, kmod.release(root))
    (Path(d.getVar("B")) / d.getVar("KERNEL_IMAGETYPE")).write_bytes(image)


@_task
def pack_modules(d: Any) -> None:
    """lib/modules/<release> of DEB_ROOT, with what depmod makes of it, as a tarball."""
    release = kmod.release(Path(d.getVar("DEB_ROOT")))
    tree = Path(d.getVar("B")) / "tree"
    kmod.select(Path(d.getVar("DEB_ROOT")), tree, release)
    program.run(["depmod", "--basedir", str(tree), release])
    tarball.write(Path(d.getVar("B")) / d.getVar("MODULES_TARBALL"), tree, epoch=_epoch(d))


@_task
def pack_initramfs(d: Any) -> None:
    """The initramfs of the device, from the target's sysroot and the kernel's modules."""
    initramfs.build(
        Path(d.getVar("B")) / d.getVar("PANTAVISOR_INITRAMFS_FILE"),
        initramfs.Content(
            sysroot=Path(d.getVar("RECIPE_SYSROOT")),
            programs=tuple(d.getVar("PANTAVISOR_INITRAMFS_PROGRAMS").split()),
            strip=tuple(d.getVar("STRIP").split()),
            modules=Path(d.getVar("DEPLOY_DIR_IMAGE")) / d.getVar("MODULES_TARBALL"),
            module_names=tuple(d.getVar("PANTAVISOR_INITRAMFS_MODULES").split()),
            optional_module_names=tuple(d.getVar("PANTAVISOR_INITRAMFS_MODULES_OPTIONAL").split()),
            files={target: Path(source) for target, source in _pairs(d, "PANTAVISOR_INITRAMFS_FILES")},
            folders=tuple(d.getVar("PANTAVISOR_INITRAMFS_DIRECTORIES").split()),
            links=dict(_pairs(d, "PANTAVISOR_INITRAMFS_LINKS")),
        ),
        level=int(d.getVar("INITRAMFS_ZSTD_LEVEL")),
        epoch=_epoch(d),
    )


def _pairs(d: Any, variable: str) -> list[tuple[str, str]]:
    """Words of the form ``path=value``."""
    pairs = [word.partition("=") for word in d.getVar(variable).split()]
    return [(name, value) for name, _, value in pairs]


def _epoch(d: Any) -> int:
    return int(d.getVar("SOURCE_DATE_EPOCH") or 0)
