# SPDX-License-Identifier: MIT
import json
from pathlib import Path

import pytest
from pantavisor import jobs
from pantavisor.board import Blob, Board, BootPartition, StoragePartition
from pantavisor.errors import FormatError

JOB = {
    "kernel": "/k", "initramfs": "/i", "profile": "fast", "work": "/w", "output": "/o",
    "signing": {"key": "k", "x5c": "x"},
}  # fmt: skip


def load(tmp_path: Path, **changes: object) -> jobs.ExportBsp:
    path = tmp_path / "job.json"
    path.write_text(json.dumps({**JOB, **changes}))
    return jobs.load(path, jobs.ExportBsp)


def test_a_job_reads_back_typed(tmp_path: Path) -> None:
    job = load(tmp_path, modules="/m", fdt=None)
    assert job.kernel == Path("/k") and job.modules == Path("/m") and job.fdt is None
    assert job.signing == jobs.Signing(key=Path("k"), x5c=Path("x"))


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


ROOT = {
    "exports": ["/e"], "trust": "/t", "epoch": 5, "work": "/w", "output": "/o",
    "board": {
        "boot": [{"files": {"boot.scr": "/b"}}, {"files": {}, "name": "more"}],
        "blobs": [{"path": "/spl", "offset": 33792}],
        "first": 4194304,
    },
}  # fmt: skip


def load_root(tmp_path: Path, board: object) -> jobs.BuildRoot:
    path = tmp_path / "job.json"
    path.write_text(json.dumps({**ROOT, "board": board}))
    return jobs.load(path, jobs.BuildRoot)


def test_a_board_is_read_from_the_job(tmp_path: Path) -> None:
    assert load_root(tmp_path, ROOT["board"]).board == Board(
        boot=(BootPartition({"boot.scr": Path("/b")}), BootPartition({}, name="more")),
        blobs=(Blob(Path("/spl"), 33792),),
        first=4194304,
    )
    assert load_root(tmp_path, {}).board == Board()
    label = {"storage": {"label": "pv"}}
    assert load_root(tmp_path, label).board.storage == StoragePartition(label="pv")


@pytest.mark.parametrize(
    ("board", "sentence"),
    [
        ([], "board is not a JSON object"),
        ({"blob": []}, 'unknown member of .*board: "blob"'),
        ({"boot": [{"name": "x"}]}, "boot has no member files"),
        ({"boot": {"name": "x"}}, "boot has the wrong type"),
        ({"blobs": [{"path": "/spl", "offset": "1"}]}, "offset has the wrong type"),
    ],
)
def test_a_wrong_board_is_refused_by_name(tmp_path: Path, board: object, sentence: str) -> None:
    with pytest.raises(FormatError, match=sentence):
        load_root(tmp_path, board)
