# SPDX-License-Identifier: MIT
"""What signs in a build: a file, a program, a token; at once, or with the image; and what is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pantavisor import container, export, jobs, keys, pvs
from pantavisor.errors import PantavisorError
from pantavisor.objects import ObjectPool
from sim import built


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given") / "given"
    built.sources(folder)
    return folder


def signing(given: Path) -> jobs.Signing:
    return jobs.Signing(given / "keys/key.pem", given / "keys/x5c.pem")


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


@pytest.fixture(scope="module")
def foreign(given: Path, tmp_path_factory: pytest.TempPathFactory) -> jobs.ExportContainer:
    """A job that takes ``web`` from an export whose signature covers more than that."""
    made = tmp_path_factory.mktemp("foreign")
    job = next(job for job in built.all_jobs(given, made) if isinstance(job, jobs.ExportContainer))
    built.run(job)
    pool = ObjectPool(made / "pool")
    state, some = export.read(job.output, pool), pool.put_bytes(b"some")
    web = {path: value for path, value in state.items() if path.startswith("web/")}
    evil = json.loads(json.dumps(web).replace("web", "evil"))
    lxc = pool.path(str(state["web/lxc.container.conf"])).read_bytes()
    evil["evil/lxc.container.conf"] = pool.put_bytes(lxc.replace(b"web", b"evil"))
    state = state.with_files({**evil, "_config/web/etc/a": some, "bsp/more": some})
    wide = pvs.Selection(include=("web/**", "_config/web/**", "evil/**", "bsp/**"))
    signer = keys.PemSigner.load(given / "keys/key.pem", given / "keys/x5c.pem")
    export.write(made / "foreign.tgz", keys.sign_state(state, "web", wide, signer), pool)
    return replace(
        job, layout=None, reference=None, platform=None, arguments={},
        part=made / "foreign.tgz", part_name="web", output=made / "taken.tgz",
    )  # fmt: skip


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("name", ["web", "shop"])
@pytest.mark.parametrize("arguments", [{}, {"PV_GROUP": "root"}])
def test_what_else_the_signature_of_a_taken_part_covers_is_left_out(
    foreign: jobs.ExportContainer, name: str, arguments: dict[str, str], signed: bool
) -> None:
    job = replace(foreign, name=name, arguments=arguments, signing=foreign.signing if signed else None)
    (warning,) = container.export_container(job).warnings
    assert "left out, since it is outside web: bsp/more and 5 more" in warning
    state = export.read_state(job.output)
    own = (f"{name}/", f"_config/{name}/", f"_sigs/{name}.json")
    assert not [path for path in state if path != "#spec" and not path.startswith(own)]
    assert {f"{name}/run.json", f"{name}/root.squashfs", f"_config/{name}/etc/a"} <= set(state)
    assert (f"_sigs/{name}.json" in state) is signed


def test_an_image_that_signs_its_parts_signs_nothing_that_a_part_brought_along(
    given: Path, foreign: jobs.ExportContainer, tmp_path: Path
) -> None:
    for job in built.all_jobs(given, tmp_path):
        if isinstance(job, jobs.BuildRoot):
            job = replace(job, sign_parts=True, signing=signing(given))
        elif job.output.name == "web.tgz":
            job = replace(foreign, output=job.output, signing=None)
        else:
            job = replace(job, signing=None)
        built.run(job)
    image = (tmp_path / "device.img").read_bytes()
    assert [name for name in ("web", "evil") if f'"{name}/run.json":'.encode() in image] == ["web"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": None}, "0 of key, command and module"),
        ({"command": "true"}, "2 of key, command and module"),
        ({"key": None, "command": " "}, "names no program"),
        ({"key": None, "module": Path("/m.so"), "token": "t"}, "the label of a key"),
        (
            {"key": None, "module": Path("/m.so"), "token": "t", "label": "l"},
            "(?s)PIN is not known.*PVR_PKCS11_PIN; for BitBake set PVS_PKCS11_PIN_FILE",
        ),
    ],
)
def test_what_signs_is_one_thing_named_whole(given: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(PantavisorError, match=words):
        keys.job_signer(replace(signing(given), **changes))
