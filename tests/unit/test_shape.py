# SPDX-License-Identifier: MIT
"""The tree keeps its shape: what a product takes needs nothing of the demonstration, and commands are apart
from modules.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
LAYER = PROJECT / "meta-pantavisor"
QUICKSTART = PROJECT / "kas" / "quickstart"
RECIPES = [path for kind in ("*.bb", "*.bbclass", "*.inc", "*.conf") for path in sorted(LAYER.rglob(kind))]
RUNTIME = LAYER / "recipes-pv/pantavisor/pantavisor"
MAX_LINES = 300  # near 160 is the aim; past this there is a second thing inside


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_the_product_layer_names_no_registry_of_the_demonstration(path: Path) -> None:
    if path.suffix != ".conf" or path.parent.name == "conf":
        assert not re.search(r"registry\.test|localhost|127\.0\.0\.1|demo-", uncommented(path))


REPEATED = {
    "S = ": "pantavisor-files",
    "B = ": "pantavisor-files",
    "INHIBIT_DEFAULT_DEPS": "pantavisor-files",
    "do_configure[noexec]": "pantavisor-files",
    "do_install[noexec]": "pantavisor-deployed",
    "deltask do_populate_sysroot": "pantavisor-deployed",
}


@pytest.mark.parametrize("line", REPEATED)
def test_what_classes_and_recipes_have_in_common_is_written_once(line: str) -> None:
    # What steps aside for another layer's recipe is as that is.
    own = [path for path in RECIPES if "fallback" not in path.parts]
    assert len(own) > 15
    found = [path.stem for path in own if re.search(f"^{re.escape(line)}", path.read_text(), re.M)]
    assert found == [REPEATED[line]]


def test_the_initramfs_that_the_bsp_takes_is_described_by_the_layer() -> None:
    common = (LAYER / "recipes-pv/pantavisor-initramfs/pantavisor-initramfs.inc").read_text()
    (name,) = re.findall(r'^PANTAVISOR_INITRAMFS_FILE = "(.*)"$', common, re.M)
    assert f'PVR_BSP_INITRAMFS ??= "{name}"' in (LAYER / "classes/bsp-pvrexport.bbclass").read_text()


def test_the_page_of_the_layer_names_its_dependencies_and_who_takes_patches() -> None:
    page, conf = (LAYER / "README.md").read_text(), (LAYER / "conf/layer.conf").read_text()
    assert "maintainer" in page.lower() and "patch" in page.lower() and re.search(r"[^@\s]+@[^@\s]+", page)
    for names in re.findall(r'^LAYER(?:DEPENDS|RECOMMENDS)_\S+ = "(.*)"$', conf, re.M):
        for name in names.split():
            assert f"`{name}`" in page, name
    (series,) = re.findall(r'^LAYERSERIES_COMPAT_\S+ = "(.*)"$', conf, re.M)
    assert all(name in page for name in series.split())


def uncommented(path: Path) -> str:
    return "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))


def test_the_demonstration_is_below_the_quickstart() -> None:
    references = [path for path in QUICKSTART.rglob("*.bb") if "PVR_DOCKER_REF" in path.read_text()]
    assert sorted(path.stem for path in references) == sorted(
        f"demo-{path.name}" for path in (QUICKSTART / "demo").iterdir()
    )


def test_the_page_of_the_quickstart_lists_every_folder_of_it() -> None:
    patterns = re.findall(r"`([^` ]+/)`", (QUICKSTART / "README.md").read_text())
    for folder in sorted(f"{path.name}/" for path in QUICKSTART.iterdir() if path.is_dir()):
        assert any(fnmatch(folder, pattern) or pattern.startswith(folder) for pattern in patterns), folder


def test_scripts_holds_commands_and_what_they_import_is_a_package_in_its_lib() -> None:
    for path in sorted((PROJECT / "scripts").iterdir()):
        if path.is_file():
            assert os.access(path, os.X_OK) and not path.suffix, path
            assert path.read_bytes().startswith(b"#!"), path
    assert folders(PROJECT / "scripts") == {"lib"}
    assert not list((PROJECT / "scripts/lib").glob("*.py"))
    for name in folders(PROJECT / "scripts/lib"):
        assert (PROJECT / "scripts/lib" / name / "__init__.py").is_file(), name


def folders(place: Path) -> set[str]:
    return {path.name for path in place.iterdir() if path.is_dir()} - {"__pycache__"}


def sources() -> list[Path]:
    """The code that is divided into modules, the runtime's tests too; those in Python are not."""
    libraries = (LAYER / "lib", QUICKSTART / "lib", PROJECT / "scripts/lib")
    modules = [path for folder in libraries for path in folder.rglob("*.py")]
    commands = [path for path in (PROJECT / "scripts").iterdir() if path.is_file()]
    folders = [RUNTIME / name for name in ("src", "pvcontrol", "pv-sdk", "test", "test/crash", "test/fuzz")]
    parts = [path for folder in folders for path in folder.glob("*.[ch]")]
    assert len(modules) > 100 and len(commands) > 5 and len(parts) > 100
    return sorted([*modules, *commands, *parts])


def test_no_module_is_long() -> None:
    lengths = {path: len(path.read_bytes().splitlines()) for path in sources()}
    assert [f"{path}: {length}" for path, length in lengths.items() if length > MAX_LINES] == []


def test_each_part_of_the_runtime_has_a_header() -> None:
    parts = {path.stem for path in (RUNTIME / "src").glob("*.c")} - {"main"}
    assert sorted(name for name in parts if not (RUNTIME / f"src/{name}.h").is_file()) == []
