# SPDX-License-Identifier: MIT
import json
from pathlib import Path

import pytest
from pantavisor import jobs
from pantavisor.errors import FormatError

JOB = {
    "kernel": "/k", "initramfs": "/i", "profile": "fast", "work": "/w", "output": "/o",
    "signing": {"key": "k", "x5c": "x", "trust": "t"},
}  # fmt: skip


def load(tmp_path: Path, **changes: object) -> jobs.ExportBsp:
    path = tmp_path / "job.json"
    path.write_text(json.dumps({**JOB, **changes}))
    return jobs.load(path, jobs.ExportBsp)


def test_a_job_reads_back_typed(tmp_path: Path) -> None:
    job = load(tmp_path, modules="/m", fdt=None)
    assert job.kernel == Path("/k") and job.modules == Path("/m") and job.fdt is None
    assert job.signing == jobs.Signing(key=Path("k"), x5c=Path("x"), trust=Path("t"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kernl": "/k"}, 'unknown member of .*"kernl"'),
        ({"kernel": 3}, "kernel has the wrong type"),
        ({"signing": {"key": "k"}}, "signing has no member x5c"),
    ],
)
def test_a_wrong_job_is_refused_by_name(tmp_path: Path, changes: dict, sentence: str) -> None:
    with pytest.raises(FormatError, match=sentence):
        load(tmp_path, **changes)


def test_a_missing_member_is_named(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps({name: value for name, value in JOB.items() if name != "kernel"}))
    with pytest.raises(FormatError, match="has no member kernel"):
        jobs.load(path, jobs.ExportBsp)
