# SPDX-License-Identifier: MIT
"""What signs in a build: a file, a program, a token; at once, or with the image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pantavisor import export, jobs, keys
from pantavisor.errors import PantavisorError
from pantavisor.objects import ObjectPool
from sim import built


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given") / "given"
    built.sources(folder)
    return folder


def signing(given: Path) -> jobs.Signing:
    return jobs.Signing(given / "keys/key.pem", given / "keys/x5c.pem", given / "keys/ca.crt")


def device(given: Path, made: Path, *, parts: bool, **root: object) -> bytes:
    """The image; ``parts``: whether containers and bsp are signed as they are made."""
    made.mkdir()
    for job in built.all_jobs(given, made):
        if isinstance(job, jobs.BuildRoot):
            job = replace(job, release=1, signing=signing(given), **root)
        elif not parts:
            job = replace(job, signing=None)
        built.run(job)
    return (made / "device.img").read_bytes()


def test_parts_that_are_signed_with_the_image_make_the_same_image(given: Path, tmp_path: Path) -> None:
    at_once = device(given, tmp_path / "a", parts=True)
    assert device(given, tmp_path / "b", parts=False, sign_parts=True) == at_once
    # What is signed already keeps its signature.
    assert device(given, tmp_path / "c", parts=True, sign_parts=True) == at_once


def test_unsigned_parts_make_no_image_unless_it_signs_them(given: Path, tmp_path: Path) -> None:
    with pytest.raises(PantavisorError, match="no signature covers"):
        device(given, tmp_path / "a", parts=False)
    assert not (tmp_path / "a/device.img").exists()


def test_a_program_signs_a_part(given: Path, tmp_path: Path) -> None:
    program = f"openssl dgst -sha256 -sign '{given}/keys/key.pem'"
    job = next(job for job in built.all_jobs(given, tmp_path) if isinstance(job, jobs.ExportBsp))
    built.run(replace(job, signing=replace(signing(given), key=None, command=program)))
    state = export.read(job.output, ObjectPool(tmp_path / "pool"))
    keys.verify_state(state, keys.TrustStore.load(given / "keys/ca.crt"), strict=True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": None}, "0 of key, command and module"),
        ({"command": "true"}, "2 of key, command and module"),
        ({"key": None, "command": " "}, "names no program"),
        ({"key": None, "module": Path("/m.so"), "token": "t"}, "the label of a key"),
        ({"key": None, "module": Path("/m.so"), "token": "t", "label": "l"}, "PIN is not known"),
    ],
)
def test_what_signs_is_one_thing_named_whole(given: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(PantavisorError, match=words):
        keys.job_signer(replace(signing(given), **changes))
