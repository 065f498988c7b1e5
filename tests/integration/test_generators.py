# SPDX-License-Identifier: MIT
"""Bills of materials of the demonstration images, next to those of independent generators.

debsbom reads Debian's databases. trivy reads nearly all that is read here, but neither Debian nor PyPI has
it: its test is run by hand, with the program in PATH. A package of cdxgen's in npm has it.
"""

from __future__ import annotations

import json
import platform
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packageurl import PackageURL
from pantavisor import sbom
from pantavisor.layers import from_directory
from sim import demonstration, roots, tools
from sim import device as sim

CREATED = "2026-01-02T03:04:05Z"
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "amd64")
TRIVY = tools.find("trivy")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root file system of the web server, before its last layers remove the database of packages."""
    tools.need_root()
    tools.need("skopeo", package="skopeo")
    work = tmp_path_factory.mktemp("image")
    with demonstration.served(work) as sources:
        demonstration.copy(sources["nginx"], work / "layout", MACHINE)
    (work / "root").mkdir()
    for path in blobs(work / "layout"):
        if "var/lib/.wh.dpkg\n" in tools.run("tar", "-tf", path):
            break
        tools.run("tar", "-xf", path, "-C", work / "root")
    yield work / "root"
    shutil.rmtree(work, ignore_errors=True)


def blobs(image: Path) -> Iterator[Path]:
    """The layers of a layout with one image, the lowest first."""
    found = json.loads((image / "index.json").read_text())["manifests"][0]
    for layer in json.loads(blob(image, found).read_text())["layers"]:
        yield blob(image, layer)


def blob(image: Path, entry: dict[str, Any]) -> Path:
    return image / "blobs/sha256" / entry["digest"].removeprefix("sha256:")


def listed(root: Path, work: Path) -> set[PackageURL]:
    """Package URLs of our document of a device whose container ``web`` has this root file system."""
    device = sim.make(work / "device")
    path = roots.exported(device, work / "device.tgz", roots.pack(device, from_directory(root)))
    return urls(json.loads(sbom.render(path, "cyclonedx", created=CREATED)))


def urls(document: dict[str, Any]) -> set[PackageURL]:
    """Of components and those inside."""
    found = set()
    for component in document.get("components", []):
        found |= urls(component)
        if "purl" in component:
            found.add(PackageURL.from_string(component["purl"]))
    return found


def binary(url: PackageURL) -> tuple[str, str, str]:
    """A package, whose epoch some have apart."""
    epoch = url.qualifiers.get("epoch")
    version = f"{epoch}:{url.version}" if epoch else url.version
    return url.type, f"{url.namespace or ''}/{url.name}", version


def source(url: PackageURL) -> tuple[str, str]:
    """What a package of Debian was built from."""
    name, _, version = url.qualifiers.get("upstream", url.name).partition("@")
    return name, version or url.version


def test_debsbom_lists_the_same_packages_and_sources(server: Path, tmp_path: Path) -> None:
    words = ("generate", "--sbom-type", "cdx", "--root", server, "--out", tmp_path / "theirs")
    tools.run(Path(sys.executable).with_name("debsbom"), *words)
    theirs = urls(json.loads((tmp_path / "theirs.cdx.json").read_text()))
    ours = {url for url in listed(server, tmp_path) if url.type == "deb"}
    sources = {url for url in theirs if url.qualifiers["arch"] == "source"}
    assert len(ours) > 50
    assert {(*binary(url), url.qualifiers["arch"]) for url in ours} == {
        (*binary(url), url.qualifiers["arch"]) for url in theirs - sources
    }
    assert set(map(source, ours)) == {(url.name, url.version) for url in sources}


@pytest.mark.skipif(TRIVY is None, reason="by hand: no trivy in PATH")
def test_trivy_lists_the_same_packages(server: Path, tmp_path: Path) -> None:
    # Those of Python as well, from this environment.
    installed = Path(sysconfig.get_path("purelib"))
    target = server / "usr/local/lib/python3/site-packages"
    for folder in installed.glob("*.dist-info"):
        shutil.copytree(folder, target / folder.name, dirs_exist_ok=True)
    words = ("--cache-dir", tmp_path / "cache", "--quiet", "rootfs", "--offline-scan")
    printed = tools.run(TRIVY, *words, "--format", "cyclonedx", server)
    ours, theirs = listed(server, tmp_path), urls(json.loads(printed))
    assert {url.type for url in ours} == {"deb", "pypi"}
    assert set(map(binary, ours)) == set(map(binary, theirs))
