# SPDX-License-Identifier: MIT
"""Recipes of the published layer, in shape: each is read, or skipped with what to write; the parse goes on.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from checkouts import LAYER, MASK, PRODUCT, Build, Checkout
from published import PREBUILT, ROOTFS, recipes


def test_each_works_or_is_skipped_with_what_to_write(checkout: Checkout, tmp_path: Path) -> None:
    product: Path = shutil.copytree(PRODUCT, tmp_path / "product")
    for name, text in recipes().items():
        (product / f"recipes-app/app/{name}_1.0.bb").write_text(text)
    (product / "recipes-app/app/files/args").mkdir()
    (product / "recipes-app/app/files/args/pv-alpine-dbus.args.json").write_text("{}")
    build = Build.make(
        checkout, tmp_path / "build", [LAYER, product], MASK + 'PVS_DEVELOPMENT_KEYS = "1"\n'
    )
    done = build.run("bitbake-layers", "show-recipes")
    assert done.returncode == 0 and "ParseError" not in done.stdout, done.stdout
    skipped = dict(re.findall(r"^(\S+):\n  \S+ +\S+ \(skipped: (.*)\)$", done.stdout, re.MULTILINE))
    ours = {name: reason for name, reason in skipped.items() if name in recipes()}
    assert all("(hint: " in reason for reason in ours.values()), ours
    works = recipes().keys() - ours.keys()
    assert works == {"pv-alpine-dbus", *ROOTFS}
    assert all("has no checksum" in ours[name] for name in PREBUILT)
    print(f"{checkout.release}: {len(works)} of {len(recipes())} are read, {len(ours)} skipped")
    assert (len(recipes()), len(works)) == (54, 33)
