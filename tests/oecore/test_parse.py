# SPDX-License-Identifier: MIT
"""The layer beside openembedded-core alone, and beside the layers that have what it has fallbacks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checkouts import LAYER, MASK, Build, Checkout

QA = "yocto-check-layer"
FALLBACKS = {"lxc", "mbedtls", "squashfs-tools-ng"}
OTHERS = ("meta-openembedded/meta-oe", "meta-openembedded/meta-python", "meta-openembedded/meta-networking",
          "meta-openembedded/meta-filesystems", "meta-virtualization")  # fmt: skip


def recipes(build: Build) -> set[str]:
    """Those that are parsed and not skipped."""
    done = build.bitbake("-s")
    assert done.returncode == 0, done.stdout
    return set(re.findall(r"^(\S+) +:\S+", done.stdout, re.MULTILINE))


def test_every_recipe_parses_without_a_warning(masked: Build) -> None:
    done = masked.bitbake("-p")
    assert done.returncode == 0 and " 0 errors" in done.stdout, done.stdout
    assert "WARNING" not in done.stdout and "ERROR" not in done.stdout, done.stdout


def test_no_task_from_fetch_to_build_uses_the_network(checkout: Checkout, tmp_path: Path) -> None:
    if not checkout.layer("openembedded-core").joinpath(f"classes-global/{QA}.bbclass").exists():
        pytest.skip(f"openembedded-core of {checkout.release} has no class {QA}")
    lines = f'{MASK}PVS_DEVELOPMENT_KEYS = "1"\nINHERIT += "{QA}"\n'
    done = Build.make(checkout, tmp_path, [LAYER], lines).bitbake("-p")
    assert done.returncode == 0 and "QA Issue" not in done.stdout, done.stdout


def test_with_openembedded_core_alone_the_fallbacks_are_used(masked: Build) -> None:
    assert FALLBACKS <= recipes(masked)


def test_beside_the_layers_that_have_the_same_recipes_they_step_aside(
    checkout: Checkout, tmp_path: Path
) -> None:
    missing = [name for name in OTHERS if not checkout.layer(name).is_dir()]
    if missing:
        pytest.skip(f"{checkout.folder} lacks {', '.join(missing)}")
    quiet = MASK + 'BBMASK += "/meta-openembedded/.*\\.bb /meta-virtualization/.*\\.bb"\n' + "".join(
        f'BBFILE_PATTERN_IGNORE_EMPTY_{name} = "1"\n'
        for name in ("openembedded-layer", "meta-python", "networking-layer", "filesystems-layer",
                     "virtualization-layer")
    )  # fmt: skip
    build = Build.make(checkout, tmp_path, [*map(checkout.layer, OTHERS), LAYER], quiet)
    assert not FALLBACKS & recipes(build)


PUBLISHED = """\
BBPATH .= ":${LAYERDIR}"
BBFILE_COLLECTIONS += "meta-pantavisor"
BBFILE_PATTERN_meta-pantavisor = "^${LAYERDIR}/"
BBFILE_PATTERN_IGNORE_EMPTY_meta-pantavisor = "1"
LAYERSERIES_COMPAT_meta-pantavisor = "scarthgap wrynose"
"""


def test_a_build_with_the_published_layer_next_to_this_one_ends_at_once(
    checkout: Checkout, tmp_path: Path
) -> None:
    published = tmp_path / "published"
    (published / "conf").mkdir(parents=True)
    (published / "conf/layer.conf").write_text(PUBLISHED)
    build = Build.make(checkout, tmp_path / "build", [LAYER, published], MASK)
    done = build.bitbake("-p")
    assert done.returncode and "hint: remove one of the two from BBLAYERS" in done.stdout, done.stdout
