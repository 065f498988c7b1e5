# SPDX-License-Identifier: MIT
"""What a first build of a container has to build before it: with openembedded-core's recipes left out but
those that are named here, so that a further one shows.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import closure
from checkouts import LAYER, PRODUCT, Build, Checkout

# Folders of recipes; of python only Python itself.
NEEDED = (
    "acl attr autoconf autoconf-archive automake bison bzip2 cmake curl db expat file flex gdbm gettext"
    " glibc gnu-config gtk-doc libedit libffi libnsl libnsl2 libtirpc libtool libxcrypt lz4 m4 make meson"
    " ncurses ninja openssl opkg-utils patch perl perl-cross perlcross pkgconf pseudo python quilt re2c"
    " readline sqlite texinfo-dummy-native unzip util-linux xz zlib zstd"
)
MASK = f"""\
PVS_DEVELOPMENT_KEYS = "1"
BBFILE_PATTERN_IGNORE_EMPTY_core = "1"
BBMASK += "/meta/recipes-[a-z]+/(?!({"|".join(NEEDED.split())})/) /python/python3-"
"""
MOST_RECIPES = 45


def test_a_container_needs_no_rust_and_no_llvm(checkout: Checkout, tmp_path: Path) -> None:
    product: Path = shutil.copytree(PRODUCT, tmp_path / "product")
    build = Build.make(checkout, tmp_path / "build", [LAYER, product], MASK)
    found = closure.measure(build, "app")
    assert {"app", "openssl-native", "squashfs-tools-ng-native"} <= set(found.recipes)
    assert not found.long and closure.PACKAGE not in found.recipes
    assert len(found.recipes) <= MOST_RECIPES, found.recipes
    print(f"{checkout.release}: {found}")
