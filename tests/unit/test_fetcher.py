# SPDX-License-Identifier: MIT
"""The fetcher inside BitBake's own fetch2, against a registry on loopback.

BitBake's library is taken from BITBAKE_LIB, or from where the quickstart keeps it.
"""

import json
import logging
import os
import pwd
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pantavisor import layout, oci
from pantavisor.digest import Digest
from pantavisor.errors import FormatError
from pantavisor.oci import Platform
from pantavisor.ref import Ref
from sim import bitbake_library
from sim import registry as sim
from sim.registry import Registry, images

bitbake_library.need()

import bb  # noqa: E402
import bb.data  # noqa: E402
import bb.fetch2  # noqa: E402
import bb.parse  # noqa: E402
import pvbb.downloads  # noqa: E402
import pvbb.fetcher  # noqa: E402
import pvbb.recipe  # noqa: E402
import pvbb.tags  # noqa: E402
import pvbb.tool  # noqa: E402
import pvbb.variables  # noqa: E402
from pvbb import imagelock  # noqa: E402

LAYER = Path(__file__).parents[2] / "meta-pantavisor"
AMD64 = Platform.parse("linux/amd64")
FILES = {"a": bytes(range(256)) * 400}


@pytest.fixture(autouse=True)
def no_other_fetchers() -> Iterator[None]:
    before = list(bb.fetch2.methods)
    pvbb.fetcher.register()
    pvbb.fetcher.register()
    assert len(bb.fetch2.methods) == len(before) + (0 if _registered(before) else 1)
    yield
    bb.fetch2.methods[:] = before
    bb.fetch2.urldata_cache.clear()


def _registered(methods: list[Any]) -> bool:
    return any(isinstance(method, pvbb.fetcher.DockerFetcher) for method in methods)


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as running:
        yield running


@pytest.fixture
def d(tmp_path: Path) -> Any:
    data = bb.data.init()
    data.setVar("PN", "demo")
    data.setVar("DL_DIR", str(tmp_path / "downloads"))
    data.setVar("TARGET_ARCH", "x86_64")
    (tmp_path / "downloads").mkdir()
    return data


def url(
    registry: Registry, *, digest: str = "", platform: str = "linux/amd64", repository: str = "demo/web"
) -> str:
    pin = f";digest={digest}" if digest else ""
    return f"docker://{registry.host}/{repository};tag=1{pin};platform={platform}"


def fetch(text: str, d: Any) -> None:
    bb.fetch2.Fetch([text], d, cache=False).download()


def unpacked(text: str, d: Any, root: Path) -> list[bytes]:
    """Unpack without network, and read all layers as the export does."""
    offline = d.createCopy()
    offline.setVar("BB_NO_NETWORK", "1")
    bb.fetch2.Fetch([text], offline, cache=False).unpack(str(root))
    with layout.open_image(root / "oci", AMD64) as image:
        found = []
        for layer in image.layers:
            with layer.open() as stream:
                found.append(stream.read())
        return found


def names(d: Any) -> set[str]:
    return {
        path.name
        for path in Path(d.getVar("DL_DIR")).iterdir()
        if not path.name.endswith((".lock", ".done"))
    }


def blob(d: Any, digest: str) -> Path:
    return Path(d.getVar("DL_DIR")) / f"oci-{digest.replace(':', '-')}"


def offline(d: Any) -> Any:
    copy = d.createCopy()
    copy.setVar("BB_NO_NETWORK", "1")
    return copy


def warnings(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)


def test_a_pinned_image_is_fetched_whole_and_unpacked_offline(registry, d, tmp_path: Path, caplog) -> None:
    made, other = images.image(FILES, {"b": b"2"}), images.image(platform="linux/arm64")
    top = registry.add("demo/web", "1", made, other)
    fetch(url(registry, digest=top), d)
    expected = {f"oci-{digest.replace(':', '-')}" for digest in (top, made.digest, *made.blobs)}
    assert names(d) == expected
    assert unpacked(url(registry, digest=top), d, tmp_path / "w") == made.layers
    assert (tmp_path / "w/oci/blobs" / images.sha(made.layers[0]).replace(":", "/")).is_symlink()
    assert not warnings(caplog)


def test_the_pin_may_be_a_manifest(registry, d, tmp_path: Path) -> None:
    made, other = images.image(FILES), images.image(platform="linux/arm64")
    registry.add("demo/web", "1", made, other)
    fetch(url(registry, digest=made.digest), d)
    assert unpacked(url(registry, digest=made.digest), d, tmp_path / "w") == made.layers
    with pytest.raises(bb.fetch2.FetchError, match="not made for linux/arm64; it offers linux/amd64"):
        fetch(url(registry, digest=made.digest, platform="linux/arm64"), d)


def test_an_index_for_each_platform_is_fetched_and_unpacked_offline(registry, d, tmp_path: Path) -> None:
    made, other = images.image(FILES), images.image(platform="linux/arm64")
    registry.add("demo/web", "x", made, other)
    nested = [images.index(one, extra=(images.attestation(),)) for one in (other, made)]
    entries = [
        {"mediaType": oci.OCI_INDEX, "digest": images.sha(data), "size": len(data)} for data in nested
    ]
    for data in nested:
        registry.add_document("demo/web", "x", data, oci.OCI_INDEX)
    top = registry.add_document(
        "demo/web", "1", images.dump({"schemaVersion": 2, "manifests": entries}), oci.OCI_INDEX
    )
    fetch(url(registry, digest=top), d)
    fetch(url(registry, digest=top), offline(d))
    assert unpacked(url(registry, digest=top), d, tmp_path / "w") == made.layers


def test_a_full_download_directory_needs_no_network(registry, d, tmp_path: Path) -> None:
    made = images.image(FILES)
    top = registry.add("demo/web", "1", made)
    fetch(url(registry, digest=top), d)
    count = len(registry.seen)
    fetch(url(registry, digest=top), offline(d))
    assert len(registry.seen) == count
    blob(d, images.sha(made.layers[0])).unlink()
    with pytest.raises(bb.fetch2.NetworkAccess):
        fetch(url(registry, digest=top), offline(d))
    with pytest.raises(bb.fetch2.FetchError, match="do_fetch"):
        unpacked(url(registry, digest=top), d, tmp_path / "w")
    fetch(url(registry, digest=top), d)
    assert unpacked(url(registry, digest=top), d, tmp_path / "w") == made.layers


def test_a_tag_is_resolved_once_and_the_pin_is_printed(registry, d, tmp_path: Path, caplog) -> None:
    made, later = images.image(FILES), images.image({"other": b"later"})
    top = registry.add("demo/web", "1", made)
    fetch(url(registry), d)
    assert f'PVR_DOCKER_DIGEST = "{top}"' in warnings(caplog)
    registry.add("demo/web", "1", later)
    fetch(url(registry), d)
    fetch(url(registry), offline(d))
    assert unpacked(url(registry), d, tmp_path / "w") == made.layers
    assert len([path for path in registry.paths("/manifests/1")]) == 1


def test_clean_forgets_the_tag_and_keeps_the_layers(registry, d, tmp_path: Path) -> None:
    registry.add("demo/web", "1", images.image(FILES))
    fetch(url(registry), d)
    later = images.image(FILES, {"other": b"later"})
    registry.add("demo/web", "1", later)
    bb.fetch2.Fetch([url(registry)], d, cache=False).clean()
    fetch(url(registry), d)
    assert unpacked(url(registry), d, tmp_path / "w") == later.layers
    assert len(registry.paths(f"/blobs/{images.sha(later.layers[0])}")) == 1


def test_a_broken_record_is_made_anew(registry, d) -> None:
    registry.add("demo/web", "1", images.image(FILES))
    fetch(url(registry), d)
    record = next(Path(d.getVar("DL_DIR")).glob("oci-tag-*.json"))
    for text in ("", "{}", '{"digest":"sha256:x"}', "[" * 9999):
        record.write_text(text)
        fetch(url(registry), d)
        assert json.loads(record.read_text())["digest"].startswith("sha256:")


def test_layers_are_shared_between_images(registry, d) -> None:
    registry.add("demo/web", "1", images.image(FILES, {"b": b"2"}))
    registry.add("demo/db", "1", images.image(FILES, {"c": b"3"}))
    fetch(url(registry), d)
    fetch(url(registry, repository="demo/db"), d)
    shared = images.sha(images.image(FILES).layers[0])
    assert len(registry.paths(f"/blobs/{shared}")) == 1


@pytest.mark.parametrize("keep_time", [True, False])
def test_a_damaged_blob_is_noticed_and_fetched_again(
    registry, d, tmp_path: Path, caplog, keep_time: bool
) -> None:
    made = images.image(FILES)
    top = registry.add("demo/web", "1", made)
    fetch(url(registry, digest=top), d)
    for digest in (top, *made.blobs):
        path = blob(d, digest)
        before = path.stat()
        data = path.read_bytes()
        path.write_bytes(b"x" + data[1:])
        if keep_time:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        fetch(url(registry, digest=top), d)
        assert path.read_bytes() == data
    assert "is damaged and is fetched again" in warnings(caplog)


def test_a_damaged_blob_is_an_error_without_network(registry, d) -> None:
    made = images.image(FILES)
    top = registry.add("demo/web", "1", made)
    fetch(url(registry, digest=top), d)
    blob(d, images.sha(made.layers[0])).write_bytes(b"x")
    with pytest.raises(bb.fetch2.NetworkAccess):
        fetch(url(registry, digest=top), offline(d))


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (sim.change(lambda data: bytes(len(data))), "gives other bytes for blob"),
        (sim.endless, "more than the"),
        (sim.answer(404), "has no blob"),
        (sim.answer(403), "forbids blob"),
    ],
)
def test_a_bad_blob_fails_once_and_leaves_no_file(registry, d, caplog, fault, sentence: str) -> None:
    made = images.image(FILES)
    top = registry.add("demo/web", "1", made)
    registry.misbehave(images.sha(made.layers[0]), fault)
    with pytest.raises(bb.fetch2.FetchError, match=sentence):
        fetch(url(registry, digest=top), d)
    assert blob(d, images.sha(made.layers[0])).name not in names(d)
    assert not warnings(caplog)


def test_a_missing_image_names_itself_and_a_hint(registry, d) -> None:
    with pytest.raises(bb.fetch2.FetchError, match=r"has no image demo/web:1 .*hint: check name and tag"):
        fetch(url(registry), d)
    assert names(d) == set()


def test_allowed_networks_are_obeyed(registry, d) -> None:
    registry.add("demo/web", "1", images.image(FILES))
    d.setVar("BB_ALLOWED_NETWORKS", "example.com")
    with pytest.raises(bb.fetch2.BBFetchException):
        fetch(url(registry), d)
    assert not registry.seen
    d.setVar("BB_ALLOWED_NETWORKS", "127.0.0.1")
    fetch(url(registry), d)


def test_a_directory_is_a_mirror(registry, d, tmp_path: Path) -> None:
    made = images.image(FILES, {"b": b"2"})
    registry.add("demo/web", "1", made)
    fetch(url(registry), d)
    Path(d.getVar("DL_DIR")).rename(tmp_path / "mirror")
    count = len(registry.seen)
    d.setVar("PREMIRRORS", f"docker://.*/.* file://{tmp_path}/mirror/")
    (tmp_path / "downloads").mkdir()
    fetch(url(registry), d)
    assert unpacked(url(registry), d, tmp_path / "w") == made.layers
    assert len(registry.seen) == count


def test_a_mirror_directory_serves_what_it_has_and_the_registry_the_rest(
    registry, d, tmp_path: Path
) -> None:
    made = images.image(FILES, {"b": b"2"})
    top = registry.add("demo/web", "1", made)
    fetch(url(registry, digest=top), d)
    mirror = Path(d.getVar("DL_DIR")).rename(tmp_path / "mirror")
    (mirror / blob(d, images.sha(made.layers[0])).name).unlink()
    (mirror / blob(d, images.sha(made.layers[1])).name).write_bytes(b"damaged")
    registry.seen.clear()
    d.setVar("PREMIRRORS", f"docker://.*/.* file://{tmp_path}/mirror/")
    (tmp_path / "downloads").mkdir()
    fetch(url(registry, digest=top), d)
    assert unpacked(url(registry, digest=top), d, tmp_path / "w") == made.layers
    assert sorted(registry.paths("/blobs/")) == sorted(
        f"/v2/demo/web/blobs/{images.sha(layer)}" for layer in made.layers
    )


def test_only_the_premirror_is_asked_when_configured_so(registry, d, tmp_path: Path) -> None:
    top = registry.add("demo/web", "1", images.image(FILES))
    (tmp_path / "mirror").mkdir()
    d.setVar("PREMIRRORS", f"docker://.*/.* file://{tmp_path}/mirror/")
    d.setVar("BB_FETCH_PREMIRRORONLY", "1")
    with pytest.raises(bb.fetch2.NetworkAccess):
        fetch(url(registry, digest=top), d)
    assert not registry.seen


@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize(
    ("find", "replacement"),
    [("docker://{host}/", "docker://{mirror}/"), ("docker://{host}/.*", "docker://{mirror}/PATH")],
)
@pytest.mark.parametrize("variable", ["PREMIRRORS", "MIRRORS"])
def test_another_registry_is_a_mirror(
    registry, d, tmp_path: Path, pinned, find, replacement, variable
) -> None:
    made = images.image(FILES)
    with Registry() as mirror:
        top = mirror.add("demo/web", "1", made)
        line = f"{find} {replacement}".format(host=registry.host, mirror=mirror.host)
        d.setVar(variable, line)
        text = url(registry, digest=top if pinned else "")
        fetch(text, d)
        assert mirror.seen and bool(registry.seen) == (variable == "MIRRORS")
        assert unpacked(text, d, tmp_path / "w") == made.layers


def test_variables_reach_the_registry_client(registry, d, tmp_path: Path) -> None:
    registry.add("demo/web", "1", images.image(FILES))
    registry.challenge, registry.users = 'Basic realm="x"', {"ada": "pw"}
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {registry.host: {"auth": "YWRhOnB3"}}}))
    d.setVar("PVR_DOCKER_AUTHFILE", str(tmp_path / "auth.json"))
    fetch(url(registry), d)
    with Registry() as hub:
        hub.add("hub/library/nginx", "1", images.image(FILES))
        d.setVar("PVR_REGISTRY_MIRRORS", f"docker.io={hub.host}/hub")
        fetch("docker://docker.io/library/nginx;tag=1;platform=linux/amd64", d)


def test_the_users_own_docker_folder_is_found_behind_another_home(
    registry, d, tmp_path: Path, monkeypatch
) -> None:
    registry.add("demo/web", "1", images.image(FILES))
    registry.challenge, registry.users = 'Basic realm="x"', {"ada": "pw"}
    user = pwd.getpwuid(os.getuid())
    own = tmp_path / "own"
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: pwd.struct_passwd([*user[:5], str(own), user[6]]))
    d.setVar("HOME", str(tmp_path / "other"))
    with pytest.raises(
        bb.fetch2.FetchError, match="docker login .* PVR_DOCKER_AUTHFILE or REGISTRY_AUTH_FILE"
    ):
        fetch(url(registry), d)
    (own / ".docker").mkdir(parents=True)
    (own / ".docker/config.json").write_text(json.dumps({"auths": {registry.host: {"auth": "YWRhOnB3"}}}))
    # kas makes an empty one in the home that it makes, and there puts the token of a CI job.
    for text in ("{}", json.dumps({"auths": {"other.test": {"auth": "YWRhOnB3"}}})):
        (tmp_path / "other/.docker").mkdir(parents=True, exist_ok=True)
        (tmp_path / "other/.docker/config.json").write_text(text)
        bb.utils.remove(d.getVar("DL_DIR"), recurse=True)
        fetch(url(registry), d)
    bb.utils.remove(d.getVar("DL_DIR"), recurse=True)
    (own / ".docker").rename(own / "gone")
    (own / ".config/containers").mkdir(parents=True)
    (own / "gone/config.json").rename(own / ".config/containers/auth.json")
    fetch(url(registry), d)


def test_a_tag_that_moved_is_reported_at_every_check_with_both_digests(registry, d, caplog) -> None:
    d.setVar("SRC_URI", f"file://x {url(registry)}")
    first = registry.add("demo/web", "1", images.image(FILES))
    fetch(url(registry), d)
    caplog.clear()
    pvbb.tags.check(d)
    assert not warnings(caplog)
    second = registry.add("demo/web", "1", images.image({"other": b"later"}))
    for _ in range(2):
        caplog.clear()
        pvbb.tags.check(d)
        assert f"now names {second}, but {first} is what" in warnings(caplog)
        assert f'PVR_DOCKER_DIGEST = "{first}"' in warnings(caplog)
    caplog.clear()
    pvbb.tags.check(offline(d))
    d.setVar("SRC_URI", url(registry, digest=first))
    pvbb.tags.check(d)
    assert not warnings(caplog)


def test_where_a_digest_is_required_a_tag_is_an_error_also_of_what_was_fetched(registry, d) -> None:
    digest = registry.add("demo/web", "1", images.image(FILES))
    fetch(url(registry), d)
    d.setVar("PVR_DOCKER_PIN", "require")
    d.setVar("SRC_URI", url(registry))
    with pytest.raises(bb.BBHandledException):
        pvbb.tags.check(d)
    registry.seen.clear()
    with pytest.raises(bb.fetch2.FetchError, match="no digest pins .* and run: scripts/lock"):
        fetch(url(registry), d)
    fetch(url(registry, digest=digest), d)
    d.setVar("PVR_DOCKER_PIN", "requires")
    d.setVar("PVR_DOCKER_REF", f"{registry.host}/demo/web:1")
    with pytest.raises(bb.parse.SkipRecipe, match='unknown value of PVR_DOCKER_PIN "requires" .*"require"'):
        pvbb.recipe.docker_source(d)


def test_a_recipe_without_digest_takes_that_of_the_lock_file(d, tmp_path: Path) -> None:
    path, digest = tmp_path / "images.lock.json", Digest.parse(f"sha256:{'a' * 64}")
    d.setVar("PVR_DOCKER_LOCK", str(path))
    d.setVar("PVR_DOCKER_REF", "nginx:1")
    d.setVar("SRC_URI", "")
    d.setVar("__TASKS", "")
    pvbb.recipe.docker_source(d)
    assert "digest=" not in d.getVar("SRC_URI")
    assert str(path) in {name for name, _ in d.getVar("__depends", False)}
    path.write_bytes(imagelock.dump({f"docker.io/library/nginx:{tag}": digest for tag in "12"}))
    for text, locked in (("docker.io/library/nginx:1", True), ("nginx:3", False)):
        d.setVar("PVR_DOCKER_REF", text)
        d.setVar("SRC_URI", "")
        pvbb.recipe.docker_source(d)
        assert (f"digest={digest}" in d.getVar("SRC_URI")) is locked
    d.setVar("PVR_DOCKER_REF", f"nginx:1@sha256:{'b' * 64}")
    d.setVar("SRC_URI", "")
    pvbb.recipe.docker_source(d)
    assert f"digest=sha256:{'b' * 64}" in d.getVar("SRC_URI")
    d.setVar("PVR_DOCKER_LOCK", "images.lock.json")
    d.setVar("PVR_DOCKER_REF", "nginx:1")
    with pytest.raises(bb.parse.SkipRecipe, match="not an absolute path .*LAYERDIR"):
        pvbb.recipe.docker_source(d)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "not a JSON object"),
        ("{}", "not a lock file"),
        ('{"images": {}, "more": 1}', "not a lock file"),
        ('{"images": {"nginx:1": "sha256:' + "a" * 64 + '"}}', "not a whole reference"),
        ('{"images": {"docker.io/library/nginx:1": "sha256:abc"}}', "sha256"),
        ('{"images": {"docker.io/library/nginx:1": 1}}', "not a string"),
        ('{"images": ' + "[" * 10_000, "JSON|deep"),
        ('{"images": {}, "images": {}}', "images"),
    ],
)
def test_a_lock_file_that_is_none_is_refused_by_name(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "images.lock.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=why):
        imagelock.read(path)
    path.write_bytes(b" " * (imagelock.MAX_BYTES + 1))
    with pytest.raises(FormatError):
        imagelock.read(path)


@pytest.mark.parametrize("slash", ["", "/"])
def test_own_mirrors_are_asked_for_images_too(registry, d, tmp_path: Path, slash: str) -> None:
    made = images.image(FILES)
    registry.add("demo/web", "1", made)
    fetch(url(registry), d)
    mirror = Path(d.getVar("DL_DIR")).rename(tmp_path / "mirror")
    (tmp_path / "downloads").mkdir()
    registry.seen.clear()
    d.setVar("SOURCE_MIRROR_URL", f"file://{mirror}{slash}")
    d.setVar("__inherit_cache", ["/oe/meta/classes/own-mirrors.bbclass"])
    fetch(url(registry), d)
    assert not registry.seen and unpacked(url(registry), d, tmp_path / "w") == made.layers


def test_a_registry_that_does_not_answer_leaves_the_build_alone(d, caplog) -> None:
    d.setVar("SRC_URI", "docker://localhost:1/demo/web;tag=1;platform=linux/amd64")
    pvbb.tags.check(d)
    assert not warnings(caplog)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("PVR_DOCKER_RFE", "PVR_DOCKER_REF"), ("PVROOT_CONTAINER", "PVROOT_CONTAINERS"),
     ("PVS_KEYDIR", "PVS_KEY_DIR"), ("PVR_VOLUME:append", "PVR_VOLUMES"),
     ("PVR_MY_OWN:pn-demo", '(hint: declare one of your own by PVR_MY_OWN[doc] = "..."')],
)  # fmt: skip
def test_a_misspelt_variable_skips_the_recipe_with_the_nearest(d, name: str, nearest: str) -> None:
    d.setVar("PANTAVISOR_LAYERDIR", str(LAYER))
    for known in ("PVR_DOCKER_REF", "PVROOT_CONTAINERS:qemuall", "PVR_PLATFORM", "PVR_EXPORT", "PVX_OTHER"):
        d.setVar(known, "x")
    d.setVar("PVR_LOCAL", "x")
    d.setVarFlag("PVR_LOCAL", "doc", "A variable of another layer.")
    pvbb.variables.check(d)
    d.setVar(name, "x")
    with pytest.raises(bb.parse.SkipRecipe) as caught:
        pvbb.variables.check(d)
    assert f'demo: unknown variable "{name.partition(":")[0]}" is set (hint: ' in str(caught.value)
    assert nearest in str(caught.value)


def test_what_tasks_run_of_bitbakes_side_is_in_their_checksums(d) -> None:
    d.setVar("PANTAVISOR_LAYERDIR", str(LAYER))
    found = pvbb.tool.library_checksums(d).split()
    assert f"{LAYER}/lib/pvbb/tasks.py:True" in found and f"{LAYER}/lib/pvbb/fetcher.py:True" not in found
    assert all(Path(word.removesuffix(":True")).is_file() for word in found)


def test_checkuri_asks_for_the_manifest_only(registry, d) -> None:
    registry.add("demo/web", "1", images.image(FILES))
    bb.fetch2.Fetch([url(registry)], d, cache=False).checkstatus()
    assert not registry.paths("/blobs/") and names(d) == set()


@pytest.mark.parametrize(
    "bad",
    [
        "docker://nginx:latest",
        "docker://nginx",
        "docker://docker.io/library/nginx;tag=1",
        "docker://docker.io/library/nginx;tag=1;platform=None",
        "docker://docker.io/nginx;tag=1;platform=linux/amd64",
        "docker://docker.io/library/nginx;digest=sha256:12;platform=linux/amd64",
        "docker://docker.io/library/nginx;tag=1;platform=linux/amd64;name=../x",
        "docker://ada:pw@docker.io/library/nginx;tag=1;platform=linux/amd64",
    ],
)
def test_a_url_written_by_hand_fails_with_a_reason(d, bad: str) -> None:
    with pytest.raises(Exception) as caught:
        fetch(bad, d)
    assert isinstance(caught.value, bb.fetch2.BBFetchException) or bad.startswith("docker://nginx:latest")


def test_urls_read_back() -> None:
    digest = Digest.of(b"x")
    ref = Ref.parse("localhost:5000/a/b:1")
    for item in (
        pvbb.downloads.ImageUrl(ref, AMD64, "oci"),
        pvbb.downloads.ImageUrl(ref.with_digest(digest), Platform.parse("linux/arm/v7"), "web"),
        pvbb.downloads.BlobUrl(Ref.parse(f"localhost:5000/a/b@{digest}"), digest, "blob", 12),
        pvbb.downloads.BlobUrl(Ref.parse(f"localhost:5000/a/b@{digest}"), digest, "manifest", 0),
        pvbb.downloads.RecordUrl(ref, pvbb.downloads.record_name(ref)),
    ):
        assert pvbb.downloads.parse(str(item)) == item


@given(st.text(max_size=100))
def test_any_url_is_read_or_refused(text: str) -> None:
    try:
        pvbb.downloads.parse(f"docker://{text}")
    except FormatError:
        pass


def test_records_have_plain_names_that_differ() -> None:
    refs = ["a.b/c:1", "a.b/c_1:1", "a.b/c:1_", "localhost:5000/c:1", "x.y/" + "z" * 200 + ":" + "t" * 128]
    found = {pvbb.downloads.record_name(Ref.parse(text)) for text in refs}
    assert len(found) == len(refs)
    assert all(len(name) < 200 and "/" not in name and ":" not in name for name in found)


# What recipes say.


def recipe(d: Any, **variables: str) -> str:
    d.setVar("SRC_URI", "file://keep")
    for name, value in variables.items():
        d.setVar(name, value)
    pvbb.recipe.docker_source(d)
    return str(d.getVar("SRC_URI"))


def test_a_recipe_gets_its_entry_and_its_variables(d) -> None:
    pin = f"sha256:{'0' * 64}"
    entry = recipe(d, PVR_DOCKER_REF="nginx:1.27", PVR_DOCKER_DIGEST=pin)
    assert (
        entry == f"file://keep docker://docker.io/library/nginx;tag=1.27;digest={pin};platform=linux/amd64"
    )
    assert (d.getVar("PVR_PLATFORM"), d.getVar("PVR_OCI_DIR")) == ("linux/amd64", "oci")
    assert recipe(d, PVR_DOCKER_REF=f"localhost:5000/x@{pin}", PVR_DOCKER_DIGEST="").endswith(
        f"docker://localhost:5000/x;digest={pin};platform=linux/amd64"
    )


@pytest.mark.parametrize(
    ("arch", "tune", "platform"),
    [
        ("x86_64", "m64 core2", "linux/amd64"), ("aarch64", "aarch64 armv8a crc", "linux/arm64"),
        ("arm", "arm vfp cortexa7 neon vfpv4 thumb callconvention-hard armv7ve", "linux/arm/v7"),
        ("arm", "armv7vet2hf-neon", "linux/arm/v7"), ("arm", "arm armv6 vfp arm1176jzfs", "linux/arm/v6"),
        ("arm", "arm armv8a", "linux/arm/v7"), ("arm", "arm armv5 thumb dsp", "linux/arm/v5"),
        ("i686", "m32 core2", "linux/386"), ("i586", "", "linux/386"),
        ("riscv64", "rv64gc", "linux/riscv64"),
    ],
)  # fmt: skip
def test_the_platform_follows_the_machine(d, arch: str, tune: str, platform: str) -> None:
    assert recipe(d, PVR_DOCKER_REF="x", TARGET_ARCH=arch, TUNE_FEATURES=tune).endswith(
        f";platform={platform}"
    )


@pytest.mark.parametrize(
    ("package", "extra", "platform"),
    [("cortexa15t2hf-neon", "any arm armv4 armv5te armv7vehf-neon cortexa15hf-neon", "linux/arm/v7"),
     ("arm1176jzfshf-vfp", "arm armv4t armv5hf-vfp armv6hf-vfp arm1176jzfshf-vfp", "linux/arm/v6")],
)  # fmt: skip
def test_the_platform_of_a_tune_named_after_a_processor(d, package: str, extra: str, platform: str) -> None:
    found = recipe(
        d,
        PVR_DOCKER_REF="x",
        TARGET_ARCH="arm",
        TUNE_FEATURES="arm vfp neon thumb callconvention-hard",
        TUNE_PKGARCH=package,
        PACKAGE_EXTRA_ARCHS=extra,
    )
    assert found.endswith(f";platform={platform}")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, "demo: PVR_DOCKER_REF is not set"),
        ({"PVR_DOCKER_REF": "NGINX"}, "demo: image reference .* upper-case"),
        ({"PVR_DOCKER_REF": "x", "PVR_DOCKER_DIGEST": "latest"}, "is not a digest"),
        (
            {"PVR_DOCKER_REF": f"x@sha256:{'0' * 64}", "PVR_DOCKER_DIGEST": f"sha256:{'1' * 64}"},
            "two digests",
        ),
        ({"PVR_DOCKER_REF": "x", "TARGET_ARCH": ""}, "no image platform is known"),
        ({"PVR_DOCKER_REF": "x", "TARGET_ARCH": "sparc"}, "PVR_DOCKER_PLATFORM"),
        ({"PVR_DOCKER_REF": "x", "TARGET_ARCH": "arm"}, "version of arm"),
        ({"PVR_DOCKER_REF": "x", "TARGET_ARCH": "arm", "TUNE_FEATURES": "armv4"}, "before v5"),
        ({"PVR_DOCKER_REF": "x", "PVR_DOCKER_PLATFORM": "sparc"}, "is not a platform"),
        ({"PVR_DOCKER_REF": "x", "PVR_REGISTRY_MIRRORS": "docker.io"}, "is not a registry mirror"),
    ],
)
def test_a_recipe_in_error_is_skipped_with_a_reason(d, variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(bb.parse.SkipRecipe, match=sentence):
        recipe(d, **variables)


def test_who_looks_for_the_demonstration_images_hears_what_serves_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sys.path.append(str(LAYER.parent / "kas/quickstart/lib"))
    from quickstart import source

    d = bb.data.init()
    for reference, hinted in (("registry.test/demo/nginx", True), ("registry.example/nginx", False)):
        # Without a digest and without PVR_* nothing is asked for.
        d.setVar("SRC_URI", f"docker://{reference};digest=none")
        caplog.clear()
        with pytest.raises(bb.BBHandledException):
            source.fetch(d)
        assert ("scripts/demo-images" in caplog.text) == hinted
