# SPDX-License-Identifier: MIT
"""The JSON job of each verb that a build runs: what BitBake writes, what anyone can replay.

A job is one JSON object with exactly the members of its dataclass; paths are absolute or relative to the
reader's working directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Optional, TypeVar, Union, get_args, get_origin, get_type_hints

from . import cjson, names, regular
from .board import Board
from .errors import FormatError


@dataclass(frozen=True)
class Signing:
    """What signs: a private key in a file, which is read where it lies, or the words of a ``command``, or
    the key ``label`` on the ``token`` of a PKCS#11 ``module``; and its certificates, leaf first (``x5c``).
    Only a boot key in a file needs none.
    """

    key: Optional[Path]
    x5c: Optional[Path]
    command: Optional[str] = None
    module: Optional[Path] = None
    token: Optional[str] = None
    label: Optional[str] = None


@dataclass(frozen=True)
class ExportContainer:
    """An OCI layout, or else a root file system, or else the ``part_name`` of an export, a repository or a
    directory (``part``) becomes the export of one signed container. ``before`` is the export of an earlier
    build, ``epoch`` the latest time of any file in the image (SOURCE_DATE_EPOCH), ``config_overlay`` a
    directory of files that are laid over the root file system. Without ``signing`` it is left for others to
    sign, as that of the bsp.
    """

    name: str
    arguments: Mapping[str, Any]
    volumes: tuple[str, ...]
    profile: str
    signing: Optional[Signing]
    work: Path
    output: Path
    platform: Optional[str] = None
    layout: Optional[Path] = None
    reference: Optional[str] = None
    rootfs: Optional[Path] = None
    part: Optional[Path] = None
    part_name: Optional[str] = None
    services: Optional[Any] = None
    config_overlay: Optional[Path] = None
    image_config: Optional[Mapping[str, Any]] = None
    logs: Optional[tuple[Any, ...]] = None
    exports: Optional[tuple[Any, ...]] = None
    libsquashfs: Optional[str] = None
    verity: bool = False
    before: Optional[Path] = None
    epoch: Optional[int] = None


@dataclass(frozen=True)
class ExportBsp:
    """Kernel and initramfs, or a ``fit`` that holds both, modules and device.json become the export of the
    signed bsp. Tarballs may be compressed. ``device_trees`` lie next to ``fdt``, by the names that U-Boot
    asks for. ``epoch`` is the latest time of any file in their images (SOURCE_DATE_EPOCH), ``boot``
    signs what GRUB loads.
    """

    kernel: Optional[Path]
    initramfs: Optional[Path]
    profile: str
    signing: Optional[Signing]
    work: Path
    output: Path
    fdt: Optional[Path] = None
    fit: Optional[Path] = None
    device_trees: Optional[Mapping[str, Path]] = None
    modules: Optional[Path] = None
    firmware: Optional[Path] = None
    device: Optional[Path] = None
    boot: Optional[Signing] = None
    libsquashfs: Optional[str] = None
    epoch: Optional[int] = None


@dataclass(frozen=True)
class BuildRoot:
    """Signed exports become one state, its storage tree and a disk image of ``size`` bytes for ``board``,
    which has ``memory`` bytes for containers. Without a board only the storage partition is made.
    With ``sign_parts`` each that has no signature is signed by ``signing``, with a ``release`` the set of
    their signatures; ``signers`` is the table of who may sign what that devices have. ``sbom`` are the
    formats of bills of materials that are written next to the image; ``built`` has, by the path of an
    export, the documents in SPDX that its build wrote about what is in it.
    """

    exports: tuple[Path, ...]
    board: Optional[Board]
    trust: Path
    epoch: int
    work: Path
    output: Path
    size: Optional[int] = None
    memory: Optional[int] = None
    release: Optional[int] = None
    signing: Optional[Signing] = None
    sign_parts: bool = False
    signers: Optional[Path] = None
    sbom: tuple[str, ...] = ()
    built: Optional[Mapping[str, tuple[Path, ...]]] = None


@dataclass(frozen=True)
class CheckImage:
    """A disk image that another tool laid out is verified, with its ``storage`` in it bit for bit. Then the
    bills of materials are written, as those of BuildRoot, named after ``output``.
    """

    image: Path
    storage: Path
    trust: Path
    epoch: int
    output: Path
    needs_set: bool = False
    signers: Optional[Path] = None
    sbom: tuple[str, ...] = ()
    built: Optional[Mapping[str, tuple[Path, ...]]] = None


Job = TypeVar("Job", ExportContainer, ExportBsp, BuildRoot, CheckImage)


def load(path: Path, kind: type[Job]) -> Job:
    """Read a job; every unknown, missing or mistyped member is an error that names it.
    Raises FormatError.
    """
    text = regular.read(path, limit=cjson.MAX_BYTES)
    value = _build(kind, cjson.load_object(text, what=str(path)), str(path))
    assert isinstance(value, kind)
    return value


def _build(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise FormatError(f"{where} is not a JSON object")
    hints = get_type_hints(kind)
    for name in value:
        if name not in hints:
            raise names.unknown(name, hints, what=f"member of {where}:")
    arguments = {}
    for field in fields(kind):
        if field.name in value:
            arguments[field.name] = _convert(hints[field.name], value[field.name], f"{where}: {field.name}")
        elif field.default is MISSING:
            raise FormatError(f"{where} has no member {field.name}")
    return kind(**arguments)


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin is Union:
        return None if value is None else _convert(get_args(hint)[0], value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(get_args(hint)[0], item, where) for item in value)
    if origin is not None and isinstance(value, dict):
        return {name: _convert(get_args(hint)[1], item, where) for name, item in value.items()}
    if isinstance(hint, type) and is_dataclass(hint):
        return _build(hint, value, where)
    if hint is Any:
        return value
    if hint is Path and isinstance(value, str):
        return Path(value)
    # Python 3.9 takes tuple[str, ...] for a type.
    plain = origin is None and isinstance(hint, type)
    if plain and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise FormatError(f"{where} has the wrong type ({type(value).__name__})")
