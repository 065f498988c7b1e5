# SPDX-License-Identifier: MIT
"""Which demonstration images there are, of what they are made, and whether they must be built again.

An image's digest depends on the day's packages. So it is built once: while its sources (a hash over
``kas/quickstart/demo/<image>`` and the rules below) stay the same and the registry still has it, its
digest stays.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import engine as engines
from . import packages
from .failure import Failure
from .registry import Manifest, Registry

ARCHITECTURES = ("amd64", "arm64")
# Made where a machine needs them.
FURTHER = ("arm",)
# What the packages of an architecture are called where images have another name for it.
DEB_ARCHITECTURES = {"arm": "armhf"}
SOURCES = Path(__file__).resolve().parents[3] / "kas" / "quickstart" / "demo"
# Raise it when the rules in this package change what an image holds.
RULES = 1


@dataclass(frozen=True)
class Image:
    """One image: its directory, and the recipe that takes it."""

    name: str
    recipe: str
    tag: str = "1"

    @property
    def repository(self) -> str:
        return f"demo/{self.name}"


IMAGES = (Image("nginx", "demo-nginx"), Image("system", "demo-system"))


@dataclass(frozen=True)
class ImageBuilder:
    """Where images are made: ``work`` for contexts and logs, ``registry`` (running) for the results;
    ``further`` architectures next to the usual ones.
    """

    work: Path
    registry: Registry
    report: Callable[[str], None]
    further: Sequence[str] = ()

    def ensure(self, *, only_engine: str = "") -> dict[str, str]:
        """Build what is missing or changed; the digest of each recipe's image."""
        known = self._read_stamps()
        stale = [image for image in IMAGES if not self._is_current(image, known)]
        if stale:
            distribution = packages.Distribution.of_this_machine()
            for name in [only_engine] if only_engine else engines.NAMES:
                try:
                    self._build(stale, name, known, distribution)
                    break
                except engines.EngineUnusable as problem:
                    if name == only_engine:
                        hint = f"{problem.hint}; or leave out --engine, and another way is tried"
                        raise Failure(str(problem), hint) from None
                    if name == engines.NAMES[-1]:
                        raise
                    self.report(f"{problem}; the next way is tried")
        return {image.recipe: known[image.name]["digest"] for image in IMAGES}

    def _build(
        self,
        images: Sequence[Image],
        engine_name: str,
        known: dict[str, dict[str, str]],
        distribution: packages.Distribution,
    ) -> None:
        with engines.start(engine_name, self.work, self.registry) as engine:
            for image in images:
                self.report(f"demo image {image.repository}:{image.tag}: building with {engine.name}")
                # What it was made for once stays, or two machines would take the image from each other.
                further = sorted({*_further(known.get(image.name, {})), *self.further})
                digest = self._make(image, [*ARCHITECTURES, *further], engine, distribution)
                stamp = {"sources": source_hash(image), "digest": digest, "further": " ".join(further)}
                known[image.name] = stamp
                self._write_stamps(known)

    def _make(
        self,
        image: Image,
        architectures: Sequence[str],
        engine: engines.Engine,
        distribution: packages.Distribution,
    ) -> str:
        members = []
        for architecture in architectures:
            shutil.rmtree(self._contexts, ignore_errors=True)
            try:
                members.append((self._make_member(image, architecture, engine, distribution), architecture))
            finally:
                shutil.rmtree(self._contexts, ignore_errors=True)
        return self.registry.put_index(image.repository, image.tag, members).digest

    def _make_member(
        self, image: Image, architecture: str, engine: engines.Engine, distribution: packages.Distribution
    ) -> Manifest:
        """The image for one architecture."""
        context = self._contexts / f"{image.name}-{architecture}"
        shutil.copytree(SOURCES / image.name, context, symlinks=True)
        native = engine.runs_commands and architecture == distribution.architecture
        log = self.work / "packages.log"
        dockerfile = _prepare(image, architecture, context, distribution, log, native=native)
        tag = f"{image.tag}-{architecture}"
        reference = f"{self.registry.host}/{image.repository}:{tag}"
        engine.build(context, dockerfile, platform=f"linux/{architecture}", reference=reference)
        engine.push(reference)
        manifest = self.registry.find(image.repository, tag)
        if manifest is None:
            raise Failure(f"{reference} did not reach the registry", f"see {self.work / 'engine.log'}")
        return manifest

    @property
    def _contexts(self) -> Path:
        return self.work / "context"

    def _is_current(self, image: Image, known: Mapping[str, Mapping[str, str]]) -> bool:
        stamp = known.get(image.name, {})
        if stamp.get("sources") != source_hash(image) or not {*self.further} <= _further(stamp):
            return False
        found = self.registry.find(image.repository, image.tag)
        return found is not None and found.digest == stamp.get("digest")

    @property
    def _stamps(self) -> Path:
        return self.registry.root / "images.json"

    def _read_stamps(self) -> dict[str, dict[str, str]]:
        try:
            stamps: dict[str, dict[str, str]] = json.loads(self._stamps.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return stamps

    def _write_stamps(self, stamps: Mapping[str, Mapping[str, str]]) -> None:
        self._stamps.write_text(json.dumps(stamps, indent=2, sort_keys=True) + "\n")


def _further(stamp: Mapping[str, str]) -> set[str]:
    return set(stamp.get("further", "").split())


def source_hash(image: Image) -> str:
    """Content, mode and place of every file an image is made of."""
    total = hashlib.sha256(f"{RULES} {ARCHITECTURES}\n".encode())
    for path in _files(SOURCES / image.name):
        name = path.relative_to(SOURCES).as_posix()
        link = path.is_symlink()
        content = hashlib.sha256(os.readlink(path).encode() if link else path.read_bytes()).hexdigest()
        executable = not link and bool(path.stat().st_mode & 0o100)
        total.update(f"{name} {link} {executable} {content}\n".encode())
    return total.hexdigest()


def _files(directory: Path) -> Iterable[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_symlink() or path.is_file())


def _prepare(
    image: Image,
    architecture: str,
    context: Path,
    distribution: packages.Distribution,
    log: Path,
    *,
    native: bool,
) -> Path:
    """Put what the Dockerfile takes from packages into its context; returns the Dockerfile.

    ``native``: commands of the image can run.
    """
    architecture = DEB_ARCHITECTURES.get(architecture, architecture)
    if image.name == "system":
        tar = context / "packages.tar"
        packages.unpacked(distribution, architecture, tar, include=["busybox-static"], log=log)
        packages.take_file(tar, ["bin/busybox", "usr/bin/busybox"], context / "busybox")
        tar.unlink()
        return context / "Dockerfile"
    base = context / "base.tar"
    if native:
        packages.installed(distribution, base, include=["libcap2-bin"], log=log)
        return context / "Dockerfile"
    packages.unpacked(distribution, architecture, base, include=["nginx-light"], log=log, users=True)
    return context / "Dockerfile.foreign"
