# SPDX-License-Identifier: MIT
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pantavisor import oci
from pantavisor.errors import FormatError, LimitError, PantavisorError
from pantavisor.oci import ImageConfig, OciIndex, OciManifest, Platform
from sim.registry import images

DIGEST = "sha256:" + "0" * 64


def manifest(**changes: Any) -> bytes:
    document = {
        "schemaVersion": 2, "mediaType": oci.OCI_MANIFEST,
        "config": {"mediaType": oci.OCI_CONFIG, "digest": DIGEST, "size": 2},
        "layers": [{"mediaType": oci.OCI_LAYER_GZIP, "digest": DIGEST, "size": 3}],
    }  # fmt: skip
    document.update(changes)
    return json.dumps({name: value for name, value in document.items() if value is not ...}).encode()


def layer(**changes: Any) -> bytes:
    return manifest(layers=[{"mediaType": oci.OCI_LAYER_GZIP, "digest": DIGEST, "size": 3, **changes}])


@pytest.mark.parametrize(
    "text", ["linux/amd64", "linux/arm/v7", "linux/arm64/v8", "windows/amd64", "linux/386"]
)
def test_platforms_read_back(text: str) -> None:
    assert str(Platform.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not a platform"), ("sparc", "is not a platform"), ("linux", "is not a platform"),
        ("linux/arm/v7/x", "is not a platform"),
        ("linux/", "is not a platform"), ("Linux/amd64", "is not a platform"),
        ("None", "is not a platform"), ("linx/amd64", 'use "linux"'),
        ("linux/" + "a" * 99, "is not a platform"),
    ],
)  # fmt: skip
def test_wrong_platforms_are_refused_with_the_right_word(text: str, sentence: str) -> None:
    with pytest.raises(FormatError, match=sentence):
        Platform.parse(text)


def test_an_architecture_alone_is_linux_on_it() -> None:
    for text, meant in (("arm64", "linux/arm64"), ("armhf", "linux/arm/v7"), ("x86_64", "linux/amd64")):
        assert str(Platform.parse(text)) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("linux/x86_64", "linux/amd64"), ("linux/aarch64", "linux/arm64"), ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"), ("linux/armv7l", "linux/arm/v7"), ("linux/i686", "linux/386"),
        ("linux/arm/7", "linux/arm/v7"), ("linux/arm64/8", "linux/arm64/v8"),
        ("macos/arm64", "darwin/arm64"),
    ],
)  # fmt: skip
def test_the_words_of_others_mean_the_same_platform(text: str, meant: str) -> None:
    assert str(Platform.parse(text)) == meant == str(Platform.of(*text.upper().split("/")))


@pytest.mark.parametrize(
    "changes",
    [
        {"schemaVersion": ...}, {"schemaVersion": 1}, {"schemaVersion": "2"}, {"mediaType": ""},
        {"mediaType": None}, {"mediaType": "application/json"}, {"manifests": None}, {"signatures": []},
        {"fsLayers": None}, {"annotations": None}, {"artifactType": "application/vnd.x"}, {"subject": None},
        {"unknown": {"layers": []}},
    ],
)  # fmt: skip
def test_what_go_s_readers_overlook_in_a_manifest_is_overlooked(changes: dict[str, Any]) -> None:
    """Each seen to be read by skopeo 1.9 and umoci 0.4."""
    assert OciManifest.parse(manifest(**changes)).media_type == oci.OCI_MANIFEST
    words = {name: value for name, value in changes.items() if name not in ("manifests", "fsLayers")}
    found = json.loads(images.index(images.image())) | words
    document = {name: value for name, value in found.items() if value is not ...}
    assert OciIndex.parse(json.dumps(document).encode()).media_type == oci.OCI_INDEX


@pytest.mark.parametrize("form", ["oci", "docker"])
def test_both_families_are_read(form: str) -> None:
    made = images.image({"a": b"1"}, {"b": b"2"}, form=form)
    found = OciManifest.parse(made.manifest, media_type=made.media_type)
    assert [str(entry.digest) for entry in found.layers] == [images.sha(data) for data in made.layers]
    assert found.media_type == made.media_type and not oci.is_index(made.manifest)
    assert oci.is_index(images.index(made, made, form=form))


def test_a_manifest_may_leave_its_type_out() -> None:
    assert OciManifest.parse(manifest(mediaType=...)).media_type == oci.OCI_MANIFEST
    assert (
        OciManifest.parse(manifest(mediaType=...), media_type=oci.DOCKER_MANIFEST).media_type
        == oci.DOCKER_MANIFEST
    )


@pytest.mark.parametrize(
    "media_type",
    [
        oci.OCI_LAYER, oci.OCI_LAYER_GZIP, oci.OCI_LAYER_ZSTD, oci.OCI_LAYER + "+xz", oci.DOCKER_LAYER,
        oci.DOCKER_LAYER_GZIP, oci.DOCKER_LAYER_ZSTD,
        "application/vnd.docker.container.image.rootfs.diff+x-gtar", "application/octet-stream",
        "application/x-gzip", "", None,
    ],
)  # fmt: skip
def test_the_type_of_a_layer_is_advice(media_type: Any) -> None:
    document = json.loads(layer())
    document["layers"][0]["mediaType"] = media_type
    assert OciManifest.parse(json.dumps(document).encode()).layers[0].media_type == (media_type or "")


@pytest.mark.parametrize(
    "media_type",
    ["application/octet-stream", "text/html", "application/json", "", "text/plain; charset=utf-8"],
)
def test_a_config_type_without_meaning_leaves_it_to_the_config(media_type: str) -> None:
    found = OciManifest.parse(manifest(config={"mediaType": media_type, "digest": DIGEST, "size": 2}))
    assert ImageConfig.of(found, config()).diff_ids
    with pytest.raises(oci.NotAnImage, match="not an image's"):
        ImageConfig.of(found, b'{"name":"a chart"}')


def test_foreign_places_of_a_layer_do_not_matter() -> None:
    assert OciManifest.parse(layer(urls=["https://elsewhere.example/layer"])).layers


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'{"fsLayers":[{}]}', "schema 1"), (b"[]", "not a JSON object"),
        (b'{"schemaVersion":1}', "schema 1"), (b'{"schemaVersion":2}', "either manifests or"),
        (manifest(fsLayers=[{}]), "either manifests or"), (manifest(manifests=[]), "either manifests or"),
        (manifest(config=..., layers=...), "config is not|either"),
        (manifest(mediaType=oci.OCI_INDEX), "calls itself"), (manifest(mediaType=5), "calls itself"),
        (manifest(layers=...), '"layers" is missing'), (manifest(layers={}), '"layers" is missing'),
        (manifest(layers=["x"]), "is not a descriptor"), (layer(size=-1), "has no size"),
        (layer(size=True), "has no size"),
        (layer(size="3"), "has no size"), (layer(digest="x"), "is not a digest"),
        (layer(digest=3), "has no digest"), (layer(digest="sha256:../../etc/passwd"), "is not a digest"),
        (layer(mediaType="text/spdx"), "unknown type"),
        (layer(mediaType=oci.DOCKER_LAYER.replace("diff", "foreign.diff") + ".gzip"), "is foreign"),
        (layer(mediaType=oci.OCI_LAYER.replace(".tar", ".nondistributable.tar")),
         "is foreign|unknown type"),
        (layer(mediaType="application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"), "is foreign"),
        (layer(mediaType=oci.OCI_LAYER_GZIP + "+encrypted"), "is encrypted"),
        (layer(mediaType="application/vnd.dev.cosign.simplesigning.v1+json"), "artifact with a layer"),
        (layer(annotations={"a": 1}), "annotations"), (layer(size=10**15), "more than the"),
        (manifest(config={"mediaType": "application/vnd.cncf.helm.v1", "digest": DIGEST, "size": 1}),
         "artifact"),
        (manifest(config={"mediaType": oci.OCI_CONFIG, "digest": DIGEST, "size": 10**9}), "larger than"),
        (manifest(layers=[json.loads(layer())["layers"][0]] * 513), "more than the 512"),
    ],
)  # fmt: skip
def test_bad_manifests_are_refused_in_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(FormatError, match=sentence):
        OciManifest.parse(data)


def test_an_entry_that_only_other_algorithms_can_verify_is_passed_by() -> None:
    made = images.image()
    other = {**made.descriptor, "digest": "blake3:" + "0" * 64}
    found = OciIndex.parse(images.dump({"schemaVersion": 2, "manifests": [other, made.descriptor]}))
    assert [str(entry.digest) for entry in found.manifests] == [made.digest]


def test_an_index_is_not_a_manifest_and_the_other_way_round() -> None:
    with pytest.raises(FormatError, match="manifest was expected"):
        OciManifest.parse(images.index(images.image(), images.image()))
    with pytest.raises(FormatError, match="index was expected"):
        OciIndex.parse(manifest())
    with pytest.raises(FormatError, match="calls itself"):
        OciIndex.parse(images.index(images.image()), media_type=oci.OCI_MANIFEST)


def test_limits_hold_on_both_sides() -> None:
    entries = [images.image().descriptor] * oci.MAX_INDEX_ENTRIES
    assert OciIndex.parse(images.dump({"schemaVersion": 2, "manifests": entries}))
    with pytest.raises(LimitError):
        OciIndex.parse(images.dump({"schemaVersion": 2, "manifests": [*entries, entries[0]]}))
    with pytest.raises(LimitError):
        OciManifest.parse(manifest() + b" " * oci.MAX_MANIFEST_BYTES)


def config(**changes: Any) -> bytes:
    document = {
        "os": "linux",
        "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": [DIGEST]},
        **changes,
    }
    return json.dumps({name: value for name, value in document.items() if value is not ...}).encode()


def test_the_config_object_is_kept_word_for_word() -> None:
    words = {"Cmd": ["a"], "Env": ["A=ü"], "Unknown": {"x": [1, None, True]}}
    assert ImageConfig.parse(config(config=words)).config == words
    assert ImageConfig.parse(config(config=None)).config == {} == ImageConfig.parse(config()).config


@pytest.mark.parametrize(
    "data",
    [
        b"", b"null", config(rootfs=...), config(rootfs={"type": "x", "diff_ids": [DIGEST]}),
        config(config=[]), config(rootfs={"type": "layers", "diff_ids": ["x"]}),
        config(rootfs={"type": "layers"}), config(os=7), config(architecture="a\n"), config(variant=[1]),
        config(os="x" * 100), b"[" * 10**6,
    ],
)  # fmt: skip
def test_bad_configs_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        ImageConfig.parse(data)


def test_a_config_must_fit_its_manifest_and_the_platform() -> None:
    found = OciManifest.parse(manifest())
    ImageConfig.parse(config()).check(found)
    with pytest.raises(FormatError, match="1 layers but diff_ids for 2"):
        ImageConfig.parse(config(rootfs={"type": "layers", "diff_ids": [DIGEST] * 2})).check(found)
    amd64 = Platform.parse("linux/amd64")
    assert ImageConfig.parse(config(architecture="arm")).fits(Platform.parse("linux/arm/v6"))
    blank = config(os="", architecture="")
    for right in (config(), config(architecture="x86_64"), config(os=...), blank, config(variant="v1")):
        assert ImageConfig.parse(right).fits(amd64) and ImageConfig.parse(right).completed(
            amd64
        ).platform.matches(amd64)
    windows = config(os="windows", architecture="")
    for wrong in (config(architecture="arm64"), config(os="windows"), config(variant="v3"), windows):
        assert not ImageConfig.parse(wrong).fits(amd64)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=9)
    | st.sampled_from([DIGEST, oci.OCI_MANIFEST]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = ["schemaVersion", "mediaType", "config", "layers", "manifests", "digest", "size", "platform",
           "rootfs", "os", "architecture", "variant", "annotations", "diff_ids", "type"]  # fmt: skip


@given(st.data())
def test_any_document_is_read_or_refused(data: st.DataObject) -> None:
    document = json.loads(data.draw(st.sampled_from([manifest(), config(), images.index(images.image())])))
    target = document
    for _ in range(data.draw(st.integers(0, 2))):
        inner = [value for value in (target.values() if isinstance(target, dict) else target) if value]
        inner = [value for value in inner if isinstance(value, (dict, list))]
        if not inner:
            break
        target = data.draw(st.sampled_from(inner))
    if isinstance(target, dict):
        target[data.draw(st.sampled_from(MEMBERS))] = data.draw(JSON)
    else:
        target.append(data.draw(JSON))
    for parse in (OciManifest.parse, OciIndex.parse, ImageConfig.parse):
        try:
            parse(json.dumps(document).encode())
        except PantavisorError:
            pass
