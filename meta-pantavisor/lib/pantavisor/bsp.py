# SPDX-License-Identifier: MIT
"""The bsp part: what a board's boot loader and kernel need, with the device's groups and volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from . import atomic, cjson, export, jobs, keys, layers, manifests, pvs, regular, squashfs, trail
from .cache import Cache
from .errors import FormatError, NotFound
from .objects import ObjectPool, ScratchPool
from .state import State, Value

NAME = "bsp"
KERNEL = "kernel.img"
INITRAMFS = "pantavisor"
FDT = "device-tree.dtb"
FIT = "pantavisor.fit"
DTB = ".dtb"
MODULES = "modules.squashfs"
FIRMWARE = "firmware.squashfs"


def export_bsp(job: jobs.ExportBsp, *, pin: Optional[str] = None, cache: Optional[Cache] = None) -> None:
    """Write the export of the bsp, signed if the job names what signs; ``pin`` is a token's, ``cache``
    saves time. Raises FormatError, NotFound.
    """
    signer = keys.job_signer(job.signing, pin=pin) if job.signing else None
    boot = keys.BootSigner.of(keys.job_signer(job.boot, pin=pin)) if job.boot else None
    with atomic.scratch(job.work) as folder:
        pool = ScratchPool(folder / "objects")
        state = State.empty().with_files(_files(job, boot, pool, folder, cache))
        if signer is not None:
            state = keys.sign_state(state, NAME, pvs.part_selection(NAME), signer)
        export.write(job.output, state, pool)


def _files(
    job: jobs.ExportBsp,
    boot: Optional[keys.BootSigner],
    pool: ObjectPool,
    scratch: Path,
    cache: Optional[Cache],
) -> dict[str, Value]:
    files: dict[str, Value] = _booted_files(job, boot, pool)
    for name, path in (job.device_trees or {}).items():
        if f"{NAME}/{name}" in files:
            raise FormatError(f'"{name}" is the name of another file of the bsp', hint="use another name")
        if not name.endswith(DTB):
            raise FormatError(
                f'"{name}" cannot be a device tree of the bsp',
                hint=f"name device trees, which end in {DTB}",
            )
        files[f"{NAME}/{name}"] = pool.put_file(path)
    for name, tarball, prefix in (
        (MODULES, job.modules, "lib/modules"),
        (FIRMWARE, job.firmware, "lib/firmware"),
    ):
        if tarball is not None:
            _squash(tarball, prefix, scratch / name, job, cache)
            files[f"{NAME}/{name}"] = pool.put_file(scratch / name, move=True)
    spec = manifests.BspSpec(
        linux=KERNEL if job.kernel else None,
        initrd=INITRAMFS if job.initramfs else None,
        fdt=FDT if job.fdt else None,
        fit=FIT if job.fit else None,
        modules=MODULES if job.modules else None,
        firmware=FIRMWARE if job.firmware else None,
    )
    return {
        **files,
        f"{NAME}/run.json": manifests.bsp_run_manifest(spec),
        f"{NAME}/src.json": {},
        "device.json": device(job.device),
    }


def _booted_files(
    job: jobs.ExportBsp, boot: Optional[keys.BootSigner], pool: ObjectPool
) -> dict[str, Value]:
    """What the boot loader loads; with a boot key also signatures, under the names that GRUB looks for."""
    sources = {f"{NAME}/{name}": path for name, path in _boot_sources(job).items()}
    files: dict[str, Value] = {name: pool.put_file(path) for name, path in sources.items()}
    if boot is not None:
        for name, path in sources.items():
            files[f"{name}{trail.SIGNATURE}"] = pool.put_bytes(boot.sign(path))
    return files


def _boot_sources(job: jobs.ExportBsp) -> dict[str, Path]:
    """What a boot loader loads, by the names in the bsp: a FIT, or kernel, initramfs and device tree."""
    discrete = {KERNEL: job.kernel, INITRAMFS: job.initramfs, FDT: job.fdt}
    found = {name: path for name, path in discrete.items() if path is not None}
    if job.fit is not None:
        if found or job.device_trees:
            raise FormatError(
                "a FIT holds kernel, initramfs and device trees itself", hint="name it without the others"
            )
        return {FIT: job.fit}
    if job.kernel is None or job.initramfs is None:
        raise FormatError("the bsp has no kernel with an initramfs", hint="name both, or a FIT")
    return found


def device(path: Optional[Path]) -> dict[str, Any]:
    """The device.json at ``path``, checked, or the default one."""
    if path is None:
        return manifests.default_device()
    return dict(
        manifests.DeviceSpec.parse(
            cjson.load_object(regular.read(path, limit=cjson.MAX_BYTES), what=str(path)), what=str(path)
        ).document
    )


def _squash(tarball: Path, prefix: str, target: Path, job: jobs.ExportBsp, cache: Optional[Cache]) -> None:
    """The folder ``prefix`` of a tarball as a squashfs: for modules its one release, since that is mounted
    there.
    """
    tree = layers.from_tar(lambda: open(tarball, "rb"), what=str(tarball))
    top = tree.subtree(prefix) or tree.subtree(f"usr/{prefix}")
    if top is None:
        raise NotFound(f"{tarball} has no directory {prefix}")
    if prefix == "lib/modules":
        top = _only_release(top, tarball)
    profile = squashfs.profile(job.profile, None)
    squashfs.write(top, target, profile=profile, library=job.libsquashfs, mtime=job.epoch, cache=cache)


def _only_release(tree: layers.Tree, tarball: Path) -> layers.Tree:
    releases = [name for name, node in tree.root.entries.items() if isinstance(node, layers.Directory)]
    if len(releases) != 1:
        raise NotFound(f"{tarball} has {len(releases)} kernel releases in lib/modules, and one is expected")
    found = tree.subtree(releases[0].decode())
    assert found is not None
    return found
