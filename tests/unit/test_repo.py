# SPDX-License-Identifier: MIT
"""The working tree: what is staged, committed, taken and removed; and that nothing is lost on the way."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pantavisor import export, keys, pvs, repo
from pantavisor.errors import DigestError, FormatError, LimitError, NotFound, PantavisorError
from pantavisor.objects import ObjectPool
from pantavisor.repo import PartFilter, Repository, StateSource
from pantavisor.state import State

LIBRARY = Path(repo.__file__).resolve().parents[2]


@pytest.fixture
def signer(tmp_path_factory: pytest.TempPathFactory) -> keys.PemSigner:
    folder = tmp_path_factory.mktemp("keys") / "pvs"
    keys.generate(folder, common_name="test", algorithm="ES256", days=9)
    return keys.PemSigner.load(folder / "key.pem", folder / "x5c.pem")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.init(tmp_path / "repo")
    write(made.root, {
        "README.md": b"hello", "web/run.json": b'{ "name": "web" }\n', "web/root.squashfs": b"root",
        "_config/web/etc/web.conf": b"x=1",
    })  # fmt: skip
    return made


def write(root: Path, files: dict) -> None:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def committed(repository: Repository) -> State:
    repository.add()
    return repository.commit()


def tree(root: Path) -> "list[str]":
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and ".pvr" not in path.parts
    )


def test_init_makes_a_pool_of_its_own_with_a_relative_name(tmp_path: Path) -> None:
    made = Repository.init(tmp_path / "new")
    assert json.loads((made.root / ".pvr/config").read_text()) == {"ObjectsDir": ".pvr/objects"}
    assert made.state == State.empty()
    with pytest.raises(PantavisorError, match="already"):
        Repository.init(tmp_path / "new")
    elsewhere = Repository.init(tmp_path / "trails" / "0", objects="../../objects")
    assert elsewhere.pool.root.resolve() == tmp_path / "objects"


def test_a_repository_is_found_from_below(repository: Repository) -> None:
    assert Repository.find(repository.root / "web").root == repository.root
    with pytest.raises(NotFound, match="pvr init"):
        Repository.find(repository.root.parent)


def test_add_commit_status(repository: Repository) -> None:
    assert repository.status().untracked == (
        "README.md",
        "_config/web/etc/web.conf",
        "web/root.squashfs",
        "web/run.json",
    )
    repository.add([repository.root / "web"])
    assert repository.status().added == ("web/root.squashfs", "web/run.json")
    assert repository.status().untracked == ("README.md", "_config/web/etc/web.conf")
    state = committed(repository)
    assert repository.state == state and repository.status().is_clean
    assert (repository.root / ".pvr/json").read_bytes() == state.dumps()
    assert state["web/run.json"] == {"name": "web"}
    write(repository.root, {"README.md": b"changed"})
    (repository.root / "web/root.squashfs").unlink()
    status = repository.status()
    assert (status.changed, status.removed) == (("README.md",), ("web/root.squashfs",))


def test_raw_json_stays_an_object_byte_for_byte(repository: Repository) -> None:
    repository.add([repository.root / "web/run.json"], raw=True)
    state = repository.commit()
    assert state.objects().keys() == {"web/run.json"}
    repository.add()
    assert "web/run.json" in repository.commit().objects()
    (repository.root / "web/run.json").unlink()
    repository.checkout()
    assert (repository.root / "web/run.json").read_bytes() == b'{ "name": "web" }\n'


@pytest.mark.parametrize("text", [b'"%s"' % (b"a" * 64), b"5", b"null", b"{", b"\xff"])
def test_json_that_no_state_can_hold_is_refused(repository: Repository, text: bytes) -> None:
    write(repository.root, {"bad.json": text})
    repository.add()
    before = (repository.root / ".pvr/json").read_bytes()
    with pytest.raises(FormatError, match=r"bad\.json"):
        repository.commit()
    assert (repository.root / ".pvr/json").read_bytes() == before


@pytest.mark.parametrize("text", [b"5", b"{ // settings\n}"])
def test_who_has_such_a_file_is_told_to_keep_that_one_alone(repository: Repository, text: bytes) -> None:
    # Without a name the command would turn each run.json into an object, which no device reads.
    write(repository.root, {"_config/web/app.json": text})
    repository.add()
    with pytest.raises(FormatError) as caught:
        repository.commit()
    assert "run: pvr add --raw _config/web/app.json" in str(caught.value)
    repository.add([repository.root / "_config/web/app.json"], raw=True)
    assert repository.commit().objects().keys() >= {"_config/web/app.json"}


def test_nulls_and_big_integers_survive(repository: Repository) -> None:
    write(repository.root, {"web/src.json": b'{"Entrypoint":null,"uid":12345678901234567890}'})
    assert committed(repository)["web/src.json"] == {"Entrypoint": None, "uid": 12345678901234567890}
    assert repository.status().is_clean


def test_a_message_in_another_encoding_keeps_its_bytes(repository: Repository) -> None:
    repository.commit(message=os.fsdecode(b"gr\xfcn"))
    assert (repository.root / ".pvr/commitmsg").read_bytes() == b"gr\xfcn"


def test_a_pool_whose_name_no_json_holds_leaves_no_repository(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="not a path that JSON can hold"):
        Repository.init(tmp_path / "odd", objects=os.fsdecode(b"\xff"))
    assert not (tmp_path / "odd").exists()


def test_links_and_devices_are_no_files_of_a_state(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"outside")
    (repository.root / "link").symlink_to(tmp_path / "secret")
    (repository.root / "folder").symlink_to(tmp_path)
    os.mkfifo(repository.root / "pipe")
    assert not {"link", "pipe", "folder/secret"} & set(committed(repository))
    with pytest.raises(FormatError, match="plain file"):
        repository.add([repository.root / "link"])
    with pytest.raises(FormatError, match="outside"):
        repository.add([tmp_path / "secret"])
    with pytest.raises(NotFound):
        repository.add([repository.root / "nothing"])


def test_a_folder_deeper_than_any_path_is_refused(repository: Repository) -> None:
    place = os.open(repository.root / "web", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=place)
        deeper = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = deeper
    os.close(place)
    try:
        with pytest.raises(LimitError, match="deeper than a path of a state can be"):
            repository.add()
    finally:
        # Python's own way, by which pytest cleans up, does not go so deep.
        subprocess.run(["rm", "-rf", repository.root / "web"], check=True, timeout=600)


def test_signing_keys_never_become_part_of_a_state(repository: Repository) -> None:
    folder = repository.root / "some" / "keys"
    keys.generate(folder, common_name="test", algorithm="ES256", days=9)
    assert not [path for path in committed(repository) if path.startswith("some")]
    assert repository.status().untracked == ()
    for name in ("key.pem", "x5c.pem", "ca.key.pem"):
        (repository.root / name).write_bytes((folder / name).read_bytes())
    assert not [path for path in committed(repository) if path.endswith(".pem")]
    for path in (folder, folder / "key.pem", repository.root / "key.pem"):
        with pytest.raises(FormatError, match="signing key"):
            repository.add([path])


def test_keys_that_are_being_made_never_become_part_of_a_state(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at any of these moments, it leaves a folder that adding everything must pass over."""
    sync, moments = os.fsync, []

    def watched(descriptor: int) -> None:
        sync(descriptor)
        taken = [
            path
            for path in repository.status().untracked
            if b"PRIVATE" in (repository.root / path).read_bytes()
        ]
        moments.append(taken)

    monkeypatch.setattr(os, "fsync", watched)
    keys.generate(repository.root / "deep/keys", common_name="x", algorithm="ES256", days=1)
    assert len(moments) >= 4 and not any(moments)


def test_checkout_never_writes_through_a_link(repository: Repository, tmp_path: Path) -> None:
    committed(repository)
    (repository.root / "web/root.squashfs").unlink()
    (repository.root / "web/run.json").unlink()
    (repository.root / "web").rmdir()
    (tmp_path / "victim").mkdir()
    (repository.root / "web").symlink_to(tmp_path / "victim")
    with pytest.raises(FormatError, match="symbolic link"):
        repository.checkout()
    assert list((tmp_path / "victim").iterdir()) == []


def test_files_are_written_all_or_none(repository: Repository) -> None:
    root = repository.root
    before = {"a.json": {"old": 1}, "b/c.json": {"old": 1}, "d.json": {}}
    repository.write_files(before)
    missing, files = "0" * 64, sorted(root.rglob("*.json"))
    for bad in ({"z": missing}, {"b/c.json/under.json": {}}, {"b": repository.pool.put_bytes(b"x")}):
        with pytest.raises((FormatError, NotFound)):
            repository.write_files({"a.json": {"new": 1}, "e/f.json": {}, **bad}, gone=["d.json"])
        assert sorted(root.rglob("*.json")) == files and not (root / "e").exists()
        assert json.loads((root / "a.json").read_text()) == {"old": 1}
    repository.write_files({"a.json": {"new": 1}, "e/f.json": {}}, gone=["d.json", "b/c.json"])
    assert (root / "e/f.json").exists() and not (root / "b").exists() and not (root / "d.json").exists()


def test_checkout_restores_and_refuses_damage(repository: Repository) -> None:
    state = committed(repository)
    write(repository.root, {"README.md": b"changed", "note.txt": b"mine"})
    repository.checkout()
    assert (repository.root / "README.md").read_bytes() == b"hello"
    assert (repository.root / "web/run.json").read_bytes() == b'{"name":"web"}'
    assert (repository.root / "note.txt").read_bytes() == b"mine"
    path = repository.pool.path(state.objects()["README.md"])
    path.chmod(0o644)
    path.write_bytes(b"HELLO")
    with pytest.raises(DigestError):
        repository.checkout()
    assert (repository.root / "README.md").read_bytes() == b"hello"


def test_checkout_by_links_shares_the_objects(repository: Repository) -> None:
    state = committed(repository)
    for _ in range(2):
        repository.checkout(links=True)
    linked = repository.root / "web/root.squashfs"
    assert linked.samefile(repository.pool.path(state.objects()["web/root.squashfs"]))
    assert linked.stat().st_nlink == 2 and linked.stat().st_mode & 0o777 == 0o444
    repository.checkout()
    assert linked.stat().st_nlink == 1


def test_a_newer_part_leaves_no_stale_file(
    repository: Repository, tmp_path: Path, signer: keys.PemSigner
) -> None:
    committed(repository)
    repository.update(lambda state: keys.sign_state(state, "web", pvs.container_selection("web"), signer))
    repository.checkout()
    other = Repository.init(tmp_path / "other")
    write(other.root, {"web/run.json": b'{"name":"web","v":2}', "web/new": b"new"})
    committed(other)
    merged = repository.merge_from(other.state, other.pool, PartFilter(("web",)))
    assert set(merged) == {"#spec", "README.md", "web/run.json", "web/new"}
    write(repository.root, {"_config/web/etc/web.conf": b"edited by hand"})
    repository.checkout()
    assert tree(repository.root) == ["README.md", "_config/web/etc/web.conf", "web/new", "web/run.json"]
    with pytest.raises(NotFound, match="web"):
        repository.merge_from(other.state, other.pool, PartFilter(("wep",)))


FRAGMENTS = [
    ("web", {"web/run.json", "web/root.squashfs", "_config/web/c", "_sigs/web.json"}),
    ("web/", {"web/run.json", "web/root.squashfs", "_config/web/c", "_sigs/web.json"}),
    ("web,db", {"web/run.json", "web/root.squashfs", "_config/web/c", "_sigs/web.json", "db/run.json"}),
    # Scripts for the published tool name config and signature as well.
    (
        "web,_sigs/web.json,_config/web",
        {"web/run.json", "web/root.squashfs", "_config/web/c", "_sigs/web.json"},
    ),
    ("web,-_config/web,-_sigs/web.json", {"web/run.json", "web/root.squashfs"}),
    ("-web", {"README.md", "db/run.json", "web2/run.json"}),
    ("-web,-README.md", {"db/run.json", "web2/run.json"}),
    ("README.md,-web", {"README.md"}),
    ("_sigs", {"_sigs/web.json"}),
    ("-_sigs/web.json", {"README.md", "db/run.json", "web2/run.json"}),
    ("-_config/web/", {"README.md", "db/run.json", "web2/run.json"}),
    ("web,-_config/web/c", {"web/run.json", "web/root.squashfs", "_sigs/web.json"}),
    (
        "-_sigs",
        {"README.md", "web/run.json", "web/root.squashfs", "_config/web/c", "db/run.json", "web2/run.json"},
    ),
]


@pytest.fixture
def several(tmp_path: Path, signer: keys.PemSigner) -> Repository:
    """Three containers, one of them signed, one whose name begins as another's."""
    made = Repository.init(tmp_path / "several")
    write(made.root, {
        "README.md": b"x", "web/run.json": b"{}", "web/root.squashfs": b"new", "_config/web/c": b"c",
        "db/run.json": b"{}", "web2/run.json": b"{}",
    })  # fmt: skip
    committed(made)
    made.update(lambda state: keys.sign_state(state, "web", pvs.container_selection("web"), signer))
    return made


@pytest.mark.parametrize("text, paths", FRAGMENTS)
def test_a_fragment_selects_parts_and_paths(several: Repository, text: str, paths: set[str]) -> None:
    assert set(repo.select(several.state, PartFilter.parse(text))) == {"#spec", *paths}


@pytest.mark.parametrize(
    "text, near", [("wep", '"web"'), ("-wep", '"web"'), ("we", '"web"'), ("zzz", "use one of: db")]
)
def test_a_fragment_that_means_nothing_is_refused(several: Repository, text: str, near: str) -> None:
    with pytest.raises(NotFound, match=f"no part and no path(.|\n)*hint: .*{near}"):
        repo.select(several.state, PartFilter.parse(text))
    with pytest.raises(FormatError, match="minus without a part"):
        PartFilter.parse("web,-")


def test_a_path_alone_does_not_take_the_place_of_its_part(
    several: Repository, repository: Repository
) -> None:
    committed(repository)
    before = set(repository.state)
    after = repository.merge_from(
        several.state, several.pool, PartFilter.parse("_sigs/web.json,web/root.squashfs")
    )
    assert set(after) == before | {"_sigs/web.json"}
    assert after["web/root.squashfs"] == several.state["web/root.squashfs"]
    assert after["web/run.json"] != several.state["web/run.json"]


def test_what_is_left_out_is_dropped_only_when_asked(several: Repository, repository: Repository) -> None:
    committed(repository)
    choice = PartFilter.parse("db,-web")
    assert "web/run.json" in repository.merge_from(several.state, several.pool, choice)
    dropped = repository.merge_from(several.state, several.pool, choice, drop=True)
    assert set(dropped) == {"#spec", "README.md", "db/run.json"}
    repository.merge_from(several.state, several.pool)
    dropped = repository.merge_from(
        several.state, several.pool, PartFilter.parse("db,-_sigs/web.json"), drop=True
    )
    assert set(dropped) == {"#spec", "README.md", "db/run.json", "web2/run.json"}
    # A part that only the committed state has can be dropped as well.
    repository.merge_from(several.state, several.pool, PartFilter.parse("web2"))
    bare = several.state.without(["web2/run.json"])
    assert "web2/run.json" not in repository.merge_from(
        bare, several.pool, PartFilter.parse("db,-web2"), drop=True
    )


def test_a_source_may_have_a_number_sign_in_its_path(tmp_path: Path) -> None:
    (tmp_path / "a#b").mkdir()
    for text, choice in (
        (f"{tmp_path}/a#b", PartFilter()),
        (f"{tmp_path}/a#b#web,-db", PartFilter(("web",), ("db",))),
    ):
        assert StateSource.parse(text) == StateSource(tmp_path / "a#b", choice)
    assert StateSource.parse("none#web,#spec") == StateSource(Path("none"), PartFilter(("web", "#spec")))


def test_deploy_takes_parts_of_its_sources(
    several: Repository, repository: Repository, tmp_path: Path
) -> None:
    committed(repository)
    target = tmp_path / "storage/trails/0"
    repo.deploy(
        target,
        [
            StateSource(several.root, PartFilter.parse("-web")),
            StateSource(repository.root, PartFilter.parse("web")),
        ],
    )
    assert (
        (target / "web/root.squashfs").read_bytes()
        == (repository.root / "web/root.squashfs").read_bytes()
    )  # fmt: skip
    assert set(repo.deploy(target, [])) >= {"db/run.json", "web2/run.json"}
    state = repo.deploy(target, [StateSource(several.root, PartFilter.parse("db,-web"))], drop=True)
    assert state.part_names() == ("db", "web2") and not (target / "web").exists()
    with pytest.raises(NotFound):
        repo.deploy(target, [StateSource(several.root, PartFilter.parse("dp"))])
    assert Repository(target).state == state


def test_a_commit_does_not_take_back_what_was_merged(repository: Repository, tmp_path: Path) -> None:
    first = committed(repository)
    other = Repository.init(tmp_path / "other")
    write(other.root, {"app/run.json": b'{"name":"app"}', "web/root.squashfs": b"newer"})
    second = committed(other)
    merged = repository.merge_from(second, other.pool)
    for _ in range(2):
        repository.add()
        with pytest.raises(
            PantavisorError, match=r"merged or imported and is not in the working tree.*\n.*pvr checkout"
        ):
            repository.commit()
    assert repository.state == merged and first["web/root.squashfs"] != merged["web/root.squashfs"]
    repository.checkout()
    write(repository.root, {"web/root.squashfs": b"mine"})
    (repository.root / "app/run.json").unlink()
    assert "app/run.json" not in repository.commit() and "web/root.squashfs" in repository.state


def test_a_tree_that_another_tool_checked_out_is_committed(repository: Repository, tmp_path: Path) -> None:
    committed(repository)
    other = Repository.init(tmp_path / "other")
    write(other.root, {"app/run.json": b'{"name":"app"}', "web/root.squashfs": b"newer"})
    merged = repository.merge_from(committed(other), other.pool)
    write(repository.root, {"app/run.json": b'{\n "name": "app"}', "web/root.squashfs": b"newer"})
    assert repository.commit() == merged
    (repository.root / "app/run.json").unlink()
    assert "app/run.json" not in repository.commit()


def test_remove_takes_the_whole_part(repository: Repository, signer: keys.PemSigner) -> None:
    committed(repository)
    repository.update(lambda state: keys.sign_state(state, "web", pvs.container_selection("web"), signer))
    repository.checkout()
    whole = {"_config/web/etc/web.conf", "_sigs/web.json", "web/root.squashfs", "web/run.json"}
    for word in ("web", "_sigs/web.json", "_config/web"):
        assert repo.removal(repository.state, word) == whole
    assert repo.removal(repository.state, "web/run.json") == {"web/run.json"}
    with pytest.raises(NotFound):
        repo.removal(repository.state, "_sigs/wep.json")


def test_sources_of_every_kind(repository: Repository, tmp_path: Path) -> None:
    state = committed(repository)
    export.write(tmp_path / "all.tgz", state, repository.pool)
    unpacked = tmp_path / "unpacked"
    subprocess.run(["mkdir", "-p", unpacked], check=True)
    subprocess.run(["tar", "-xf", tmp_path / "all.tgz", "-C", unpacked], check=True)
    for source in (repository.root, repository.root / ".pvr", tmp_path / "all.tgz", unpacked):
        with repo.opened(source) as (found, pool):
            assert found == state
            assert all(object_id in pool for object_id in state.object_ids())
    with pytest.raises(NotFound), repo.opened(tmp_path):
        pass


def test_deploy_writes_a_revision_and_adds_to_it(repository: Repository, tmp_path: Path) -> None:
    committed(repository)
    target = tmp_path / "storage/trails/0"
    repo.deploy(target, [StateSource(repository.root)])
    assert not (target / ".pv").exists()
    board = Repository.init(tmp_path / "board")
    write(
        board.root, {"bsp/run.json": b'{"linux":"k","initrd":"i"}', "bsp/k": b"kernel", "bsp/i": b"initrd"}
    )
    committed(board)
    state = repo.deploy(target, [StateSource(board.root)])
    assert state.part_names() == ("bsp", "web")
    assert (target / ".pv/pv-kernel.img").samefile(target / "bsp/k")
    assert (target / "bsp/k").samefile(tmp_path / "storage/objects" / state.objects()["bsp/k"])
    assert Repository(target).status().is_clean
    assert sorted(os.listdir(target.parent)) == ["0"]
    with pytest.raises(FormatError, match="trails/0"):
        repo.deploy(tmp_path / "anywhere", [StateSource(board.root)])


def _deployments(storage: Path, sources: list[Path]) -> "list[subprocess.Popen[bytes]]":
    code = (
        "import sys; from pathlib import Path; from pantavisor import repo\n"
        "repo.deploy(Path(sys.argv[1]), [repo.StateSource(Path(sys.argv[2]))])\n"
    )
    command = [sys.executable, "-c", code, str(storage / "trails/0")]
    return [
        subprocess.Popen([*command, str(source)], env={"PYTHONPATH": str(LIBRARY)}) for source in sources
    ]


def _containers(folder: Path) -> list[Path]:
    made = [Repository.init(folder / name) for name in ("one", "two", "three")]
    for source in made:
        write(
            source.root,
            {f"{source.root.name}/run.json": b"{}", f"{source.root.name}/root.squashfs": os.urandom(99999)},
        )
        committed(source)
    return [source.root for source in made]


@pytest.mark.hostile
def test_two_deployments_lose_nothing(tmp_path: Path) -> None:
    sources, storage = _containers(tmp_path), tmp_path / "storage"
    for _ in range(3):
        assert [child.wait(600) for child in _deployments(storage, sources)] == [0, 0, 0]
        assert Repository(storage / "trails/0").state.part_names() == ("one", "three", "two")
        shutil.rmtree(storage)


@pytest.mark.hostile
def test_a_killed_deployment_leaves_the_old_revision_or_the_new(tmp_path: Path) -> None:
    sources, storage = _containers(tmp_path), tmp_path / "storage"
    repo.deploy(storage / "trails/0", [StateSource(sources[0])])
    for name in (
        "trails/.revision.abcdefgh/new/x",
        "objects/.scratch.abcdefgh/object",
        "boot/.uboot.txt.abcdefgh.part",
    ):
        (storage / name).parent.mkdir(parents=True, exist_ok=True)
        (storage / name).write_bytes(b"half")
    for step in range(12):
        (child,) = _deployments(storage, [sources[1 + step % 2]])
        time.sleep(0.12 + 0.004 * step)
        child.kill()
        child.wait(600)
        found = Repository(storage / "trails/0")
        assert found.status().is_clean and "one" in found.state.part_names()
    repo.deploy(storage / "trails/0", [StateSource(sources[1])])
    assert not [
        path
        for path in storage.rglob("*")
        if path.name.startswith((".rev", ".scr")) or path.suffix == ".part"
    ]


def test_a_revision_is_never_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is renamed on the way, between any two steps there is a whole revision under its name."""
    sources, storage = _containers(tmp_path), tmp_path / "storage"
    repo.deploy(storage / "trails/0", [StateSource(sources[0])])
    seen: list[bool] = []
    rename = os.rename

    def watched(source: "os.PathLike[str]", target: "os.PathLike[str]") -> None:
        rename(source, target)
        seen.append((storage / "trails/0/.pvr/json").is_file())

    monkeypatch.setattr(os, "rename", watched)
    repo.deploy(storage / "trails/0", [StateSource(sources[1])])
    assert all(seen)


@pytest.mark.hostile
def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    made = Repository.init(tmp_path / "repo")
    code = (
        "import sys; from pathlib import Path; from pantavisor.repo import Repository\n"
        "name = sys.argv[2]\n"
        "for index in range(8):\n"
        "    found = Repository(Path(sys.argv[1]))\n"
        "    path = found.root / f'{name}{index}'; path.write_text(name)\n"
        "    found.add([path]); found.commit()\n"
    )
    command = [sys.executable, "-c", code, str(made.root)]
    children = [subprocess.Popen([*command, name], env={"PYTHONPATH": str(LIBRARY)}) for name in ("a", "b")]
    assert [child.wait(600) for child in children] == [0, 0]
    assert set(made.state) == {"#spec", *(f"{name}{index}" for name in "ab" for index in range(8))}


@pytest.mark.hostile
def test_a_killed_command_leaves_the_old_state_or_the_new(tmp_path: Path) -> None:
    made = Repository.init(tmp_path / "repo")
    code = (
        "import sys, os; from pathlib import Path; from pantavisor.repo import Repository\n"
        "found = Repository(Path(sys.argv[1])); print('ready', flush=True)\n"
        "for index in range(100000):\n"
        "    for name in 'abcdef': (found.root / name).write_text(f'{name}{index}')\n"
        "    found.add(); found.commit(); found.checkout()\n"
    )
    for delay in (0.0, 0.01, 0.03, 0.07, 0.11):
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(made.root)],
            env={"PYTHONPATH": str(LIBRARY)},
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None and child.stdout.readline()
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        child.wait(600)
        child.stdout.close()
        state = made.state
        made.checkout()
        assert made.status().is_clean
        assert set(tree(made.root)) == set(state) - {"#spec"} or set(tree(made.root)) <= set("abcdef")
        assert [name for name in os.listdir(made.root / ".pvr") if name.startswith(".")] == []


def test_a_second_writer_waits_for_the_first(repository: Repository) -> None:
    done = threading.Event()

    def commit() -> None:
        committed(Repository(repository.root))
        done.set()

    with repository.lock():
        thread = threading.Thread(target=commit)
        thread.start()
        assert not done.wait(0.2)
    thread.join(600)
    assert done.is_set()


def test_a_state_whose_objects_are_missing_is_not_committed(repository: Repository) -> None:
    with pytest.raises(NotFound, match="object"):
        repository.update(lambda committed: committed.with_files({"a": "a" * 64}))
    assert repository.state == State.empty()


def test_a_state_that_the_published_tool_wrote_opens(tmp_path: Path) -> None:
    (tmp_path / ".pvr").mkdir()
    (tmp_path / ".pvr/json").write_text('{ "#spec": "pantavisor-service-system@1" }')
    (tmp_path / ".pvr/config").write_text(
        '{\n\t"DefaultGetUrl": "",\n\t"ObjectsDir": "",\n\t"AccessTokens": {}\n}'
    )
    found = Repository(tmp_path)
    assert found.pool.root == tmp_path / ".pvr/objects"
    assert isinstance(found.pool, ObjectPool) and found.status().is_clean
