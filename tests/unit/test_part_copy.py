# SPDX-License-Identifier: MIT
"""Parts taken from a directory of files, which is neither a repository nor an export."""

from __future__ import annotations

from pathlib import Path

from pantavisor.container import part_copy
from pantavisor.objects import ObjectPool

SPELLED = b'{ "b": 1,\n  "a": 2 }\n'


def test_json_is_inline_but_for_what_the_container_reads_itself(tmp_path: Path) -> None:
    for path in ("web/run.json", "web/src.json", "_config/web/etc/app.json"):
        (tmp_path / "parts" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "parts" / path).write_bytes(SPELLED)
    (tmp_path / "parts/web/root.squashfs").write_bytes(b"packed")
    pool = ObjectPool(tmp_path / "objects")
    taken = part_copy.copy_part(tmp_path / "parts", None, pool)
    assert taken.files["web/run.json"] == {"a": 2, "b": 1}
    contents = {
        path: pool.path(str(taken.files[path])).read_bytes()
        for path in ("web/root.squashfs", "_config/web/etc/app.json")
    }
    assert contents == {"web/root.squashfs": b"packed", "_config/web/etc/app.json": SPELLED}
