# SPDX-License-Identifier: MIT
"""An export on a USB stick: read by pv-usb, and given to the runtime's own server of the control socket."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from pantavisor import export, keys, repo
from pantavisor.repo import StateSource
from sim import built
from sim.laptop import Served, fill, serve

LARGE = bytes(range(256)) * 40_000
ABSENT = "0" * 64


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Signed exports of a whole device, and in next.tgz of what it is to become."""
    folder = tmp_path_factory.mktemp("made")
    built.exports(folder)
    work = folder / "work"
    repository = repo.Repository.init(work)
    for name in ("web", "safe", "bsp"):
        with repo.opened(folder / f"{name}.tgz") as (state, pool):
            repository.merge_from(state, pool)
    repository.checkout()
    (work / "web/page").write_bytes(LARGE)
    repository.add()
    repository.commit()
    export.write(folder / "unsigned.tgz", repository.state, repository.pool)
    signer = keys.PemSigner.load(folder / "given/keys/key.pem", folder / "given/keys/x5c.pem")
    repository.update(lambda state: keys.resign(state, signer))
    export.write(folder / "next.tgz", repository.state, repository.pool)
    export.write(folder / "next.tar", repository.state, repository.pool)
    return folder


@pytest.fixture
def storage(made: Path, tmp_path: Path) -> Path:
    sources = [StateSource(made / f"{name}.tgz") for name in ("web", "safe", "bsp")]
    repo.deploy(tmp_path / "storage/trails/0", sources, commit=True)
    return tmp_path / "storage"


@pytest.fixture
def served(made: Path, storage: Path, tmp_path: Path) -> Iterator[Served]:
    with serve(storage, made / "given/keys/ca.crt", tmp_path / "served") as door:
        yield door


@pytest.mark.parametrize("name", ["next.tgz", "next.tar"])
def test_a_signed_export_is_tried_and_known_then(
    served: Served, made: Path, storage: Path, name: str
) -> None:
    status, lines = served.stick(made / name)
    (trail,) = (storage / "trails/locals").iterdir()
    assert (status, trail.name[:4]) == (0, "usb-")
    assert f"is tried as locals/{trail.name}\n" in lines and f"locals/{trail.name} is DONE: kept\n" in lines
    assert (trail / "web/page").read_bytes() == LARGE
    assert (trail / ".pv/commitmsg").read_text() == str(made / name)[:256]
    # The stick stays where it is while the device boots.
    assert served.stick(made / name)[1].endswith(f"was tried already, as locals/{trail.name}: DONE\n")


def test_a_stick_waits_while_the_device_tries_another(served: Served, made: Path, storage: Path) -> None:
    (storage / "busy").touch()
    status, lines = served.stick(made / "next.tgz")
    assert status == 0 and "is DONE: kept\n" in lines
    assert not (storage / "busy").exists()


def test_a_stick_finds_room_on_a_device_that_has_none(served: Served, made: Path, storage: Path) -> None:
    """One that is updated by sticks alone has no other way to be asked to collect."""
    fill(storage)
    status, lines = served.stick(made / "next.tgz")
    assert status == 0 and "is DONE: kept\n" in lines
    (trail,) = (storage / "trails/locals").iterdir()
    assert (trail / "web/page").read_bytes() == LARGE


def test_what_is_not_signed_is_refused_with_the_reason(served: Served, made: Path, storage: Path) -> None:
    status, lines = served.stick(made / "unsigned.tgz")
    assert status == 1 and "the device refuses the state: " in lines and "signature" in lines
    assert not list((storage / "trails").glob("locals/*"))


def test_a_part_is_not_a_state_for_a_device(served: Served, made: Path) -> None:
    status, lines = served.stick(made / "web.tgz")
    assert status == 1 and "it is a part of a state" in lines and "hint: " in lines


def test_a_stick_that_is_pulled_out_goes_on_later(
    served: Served, made: Path, storage: Path, tmp_path: Path
) -> None:
    whole = gzip.decompress((made / "next.tgz").read_bytes())
    cut = whole.index(LARGE[:4096]) + len(LARGE) // 2
    (tmp_path / "cut.tar").write_bytes(whole[:cut])
    status, lines = served.stick(tmp_path / "cut.tar")
    assert status == 1 and "it ends early" in lines
    (part,) = (storage / "objects").glob(".part-*")
    assert 0 < part.stat().st_size < len(LARGE)
    assert served.stick(made / "next.tgz")[0] == 0
    assert (storage / "objects" / hashlib.sha256(LARGE).hexdigest()).read_bytes() == LARGE


def member(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, **more: object) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = len(data), kind
    for key, value in more.items():
        setattr(info, key, value)
    return info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)


def state_of(made: Path) -> bytes:
    with tarfile.open(made / "next.tar") as archive:
        return archive.extractfile("json").read()  # type: ignore[union-attr]


END = bytes(1024)
HOSTILE: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("it ends early", lambda _: b""),
    ("its packing is damaged", lambda _: b"\x1f\x8b" + b"x" * 600),
    ("not one of a tar", lambda _: b"x" * 600),
    ("does not begin with a state", lambda _: END),
    ("does not begin with a state", lambda _: member(f"objects/{ABSENT}", b"x") + END),
    ("does not begin with a state", lambda state: member("sub/json", state) + END),
    ("its state", lambda _: member("json", b"{") + END),
    ("its state", lambda _: member("json", b"{" * 100_000) + END),
    ("a part of a state", lambda _: member("json", b'{"#spec":"x"}') + END),
    ("a part of a state", lambda _: member("json", b"[]") + END),
    ("does not begin with a state", lambda _: member("json", b"{}" * 3_000_000) + END),
    ("more than plain files", lambda _: member("json", kind=tarfile.SYMTYPE, linkname="/etc/passwd") + END),
    ("more than plain files", lambda s: member("json", s) + member("objects", kind=tarfile.CHRTYPE) + END),
    ("more than a state", lambda state: member("json", state) + member("etc/passwd", b"x") + END),
    ("more than a state", lambda state: member("json", state) + member("objects/../x", b"x") + END),
    ("more than a state", lambda state: member("json", state) + member("json", state) + END),
    ("directory of its own", lambda s: member("json", s) + member("a" * 90 + "/" + "b" * 60, b"x") + END),
    ("ends early", lambda state: member("json", state)[:1000]),
    ("ends early", lambda state: member("json", state)),
]


def test_hostile_exports_are_refused(served: Served, made: Path, storage: Path, tmp_path: Path) -> None:
    state = state_of(made)
    before = sorted(path.name for path in (storage / "objects").iterdir())
    for reason, make in HOSTILE:
        (tmp_path / "hostile").write_bytes(make(state))
        status, lines = served.stick(tmp_path / "hostile")
        assert status == 1 and reason in lines, (reason, lines)
    assert sorted(path.name for path in (storage / "objects").iterdir()) == before
    assert not list((storage / "trails").glob("locals/*"))


def test_a_wrong_object_and_one_without_end_are_refused(
    served: Served, made: Path, storage: Path, tmp_path: Path
) -> None:
    state = state_of(made)
    page = hashlib.sha256(LARGE).hexdigest()
    for data in (b"other", LARGE[:-1] + b"!"):
        (tmp_path / "wrong").write_bytes(member("json", state) + member(f"objects/{page}", data) + END)
        status, lines = served.stick(tmp_path / "wrong")
        assert status == 1 and "Object has bad checksum" in lines
    huge = member(f"objects/{page}", b"")
    info = tarfile.TarInfo(f"objects/{page}")
    info.size = 0o77777777777
    huge = info.tobuf(tarfile.USTAR_FORMAT)
    (tmp_path / "huge").write_bytes(member("json", state) + huge + b"x" * 1000)
    status, lines = served.stick(tmp_path / "huge")
    assert status == 1 and ("ends early" in lines or "Not enough disk space" in lines)
    assert not (storage / "objects" / page).exists()


def test_what_other_tools_write_is_read(
    served: Served, made: Path, storage: Path, tmp_path: Path
) -> None:
    """GNU tar with ./ and a folder, pax headers with times; objects that the state lacks are left out."""
    buffer = io.BytesIO()
    with tarfile.open(made / "next.tar") as source, tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT
    ) as target:
        for info in source:
            data = source.extractfile(info)
            if info.name.startswith("objects/") and not target.members[1:]:
                folder = tarfile.TarInfo("./objects")
                folder.type = tarfile.DIRTYPE
                target.addfile(folder)
                extra = tarfile.TarInfo(f"./objects/{hashlib.sha256(b'more').hexdigest()}")
                extra.size = 4
                target.addfile(extra, io.BytesIO(b"more"))
            info.name, info.mtime = f"./{info.name}", 1.5  # type: ignore[assignment]
            target.addfile(info, data)
    (tmp_path / "other.tgz").write_bytes(gzip.compress(buffer.getvalue()))
    assert served.stick(tmp_path / "other.tgz")[0] == 0
    assert not (storage / "objects" / hashlib.sha256(b"more").hexdigest()).exists()


def test_mutated_exports_break_nothing(served: Served, made: Path, tmp_path: Path) -> None:
    whole = (made / "next.tar").read_bytes()
    random = Random(1)
    for _ in range(60):
        data = bytearray(whole[: 512 * 600])
        for _ in range(random.randrange(1, 5)):
            place = random.randrange(600 if random.random() < 0.7 else len(data))
            data[place : place + random.randrange(3)] = random.randbytes(random.randrange(3))
        (tmp_path / "mutated").write_bytes(data)
        assert served.stick(tmp_path / "mutated")[0] in (0, 1)
    assert json.loads(served.ask("GET", "/json")[1])["#spec"]
