# SPDX-License-Identifier: MIT
"""One image is chosen, whatever an index nests, leaves out, says wrongly, or holds besides."""

import json
from typing import Any, Optional

import pytest
from pantavisor import oci
from pantavisor.errors import FormatError, LimitError, NotFound
from pantavisor.oci import Choice, Descriptor, NotAnImage, OciIndex, Platform, PlatformError
from sim.registry import images

AMD64 = Platform.parse("linux/amd64")
COSIGN = "application/vnd.dev.cosign.simplesigning.v1+json"


class Shelf:
    """Documents by digest, and which of them were asked for."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str] = []

    def put(self, data: bytes, media_type: str = oci.OCI_INDEX, **more: Any) -> dict[str, Any]:
        self.blobs[images.sha(data)] = data
        return {"mediaType": media_type, "digest": images.sha(data), "size": len(data), **more}

    def image(self, platform: str, label: Any = ..., **more: Any) -> dict[str, Any]:
        """An entry for an image; ``label`` is its platform there (None: without), by default what the
        config says.
        """
        made = images.image({"for": platform.encode()}, platform=platform)
        self.blobs.update(made.blobs)
        entry = {**self.put(made.manifest, made.media_type), **more}
        if label is ...:
            label = dict(zip(("os", "architecture", "variant"), platform.split("/")))
        return entry if label is None else {**entry, "platform": label}

    def nested(self, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
        return self.put(images.dump({"schemaVersion": 2, "manifests": entries}), **more)

    def artifact(self, layer_type: str = COSIGN, **more: Any) -> dict[str, Any]:
        made = images.image({"signature": b"x"})
        document = json.loads(made.manifest)
        document["layers"][0]["mediaType"] = layer_type
        self.blobs.update(made.blobs)
        return self.put(images.dump(document), oci.OCI_MANIFEST, **more)

    def choose(self, *entries: dict[str, Any], wanted: Optional[Platform] = AMD64) -> Choice:
        found = OciIndex.parse(images.dump({"schemaVersion": 2, "manifests": entries}))
        return oci.choose(found.manifests, wanted, self)

    def manifest(self, entry: Descriptor) -> tuple[bytes, Optional[str]]:
        self.asked.append(str(entry.digest))
        return self._blob(entry), entry.media_type

    def config(self, entry: Descriptor) -> bytes:
        return self._blob(entry)

    def _blob(self, entry: Descriptor) -> bytes:
        if str(entry.digest) not in self.blobs:
            raise NotFound(f"no {entry.digest}")
        return self.blobs[str(entry.digest)]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.mark.parametrize(
    ("offered", "wanted", "expected"),
    [
        (["linux/amd64", "linux/arm64"], "linux/arm64", 1),
        (["linux/arm64/v8"], "linux/arm64", 0),
        (["linux/386", "linux/arm64"], "linux/arm64/v8", 1),
        (["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7", 1),
        (["linux/arm/v6", "linux/arm/v7"], "linux/arm", 1),
        (["linux/arm/v6", "linux/arm"], "linux/arm/v7", 1),
        (["linux/amd64/v3", "linux/amd64"], "linux/amd64", 1),
        (["linux/amd64/v3", "linux/amd64/v1"], "linux/amd64", 1),
        (["windows/amd64", "linux/amd64"], "linux/amd64", 1),
        (["linux/amd64", "linux/amd64"], "linux/amd64", 0),
    ],
)
def test_the_strict_platform_is_chosen(
    shelf: Shelf, offered: list[str], wanted: str, expected: int
) -> None:
    entries = [shelf.image(platform) for platform in offered]
    assert str(shelf.choose(*entries, wanted=Platform.parse(wanted)).digest) == entries[expected]["digest"]
    assert shelf.asked == [entries[expected]["digest"]]  # of the others nothing is fetched


@pytest.mark.parametrize(
    ("offered", "wanted"),
    [
        (["linux/arm/v6"], "linux/arm/v7"), (["linux/arm/v7"], "linux/arm64"),
        (["linux/amd64/v3"], "linux/amd64"), (["linux/amd64"], "linux/386"),
        (["windows/amd64"], "linux/amd64"), ([], "linux/amd64"),
        (["linux/arm64", "linux/s390x"], "linux/amd64"),
    ],
)  # fmt: skip
def test_no_platform_stands_in_for_another(shelf: Shelf, offered: list[str], wanted: str) -> None:
    with pytest.raises(
        PlatformError, match=f"not made for {wanted}; it offers {', '.join(offered) or 'nothing'}"
    ):
        shelf.choose(*map(shelf.image, offered), wanted=Platform.parse(wanted))


LABELS = {"with labels": ..., "without labels": None}


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_an_index_for_each_platform_is_followed(shelf: Shelf, label: Any, depth: int) -> None:
    one, other = shelf.image("linux/amd64"), shelf.image("linux/arm64")
    nested = []
    for entry in (one, other):
        more = {"platform": entry["platform"]} if label is ... else {}
        nested.append(shelf.nested(entry, images.attestation(), **more))
    for _ in range(depth):
        nested = [shelf.nested(*nested)]
    assert str(shelf.choose(*nested).digest) == one["digest"]
    assert str(shelf.choose(*nested, wanted=Platform.parse("linux/arm64")).digest) == other["digest"]
    with pytest.raises(PlatformError, match="it offers linux/amd64, linux/arm64"):
        shelf.choose(*nested, wanted=Platform.parse("linux/386"))
    with pytest.raises(PlatformError, match="several platforms: linux/amd64, linux/arm64"):
        shelf.choose(*nested, wanted=None)


def test_labels_of_nested_indexes_spare_reading_them(shelf: Shelf) -> None:
    one, other = shelf.image("linux/amd64"), shelf.image("linux/arm64")
    nested = [shelf.nested(entry, platform=entry["platform"]) for entry in (other, one)]
    shelf.choose(*nested)
    assert shelf.asked == [nested[1]["digest"], one["digest"]]


def test_a_nested_and_a_plain_image_are_two_choices(shelf: Shelf) -> None:
    plain, other = shelf.image("linux/amd64"), shelf.image("linux/arm64")
    nested = shelf.nested(other, platform=other["platform"])
    assert str(shelf.choose(plain, nested).digest) == plain["digest"]
    assert str(shelf.choose(plain, nested, wanted=Platform.parse("linux/arm64")).digest) == other["digest"]


@pytest.mark.parametrize(
    "label",
    [
        None, {}, {"os": "", "architecture": ""}, {"os": "linux", "architecture": ""},
        {"architecture": "amd64"}, {"os": "linux", "architecture": "x86_64"},
        {"os": "linux", "architecture": "arm64"}, {"os": "Linux", "architecture": "AMD64"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("wanted", [AMD64, None])
def test_of_a_single_image_the_config_decides(shelf: Shelf, label: Any, wanted: Optional[Platform]) -> None:
    entry = shelf.image("linux/amd64", label)
    assert str(shelf.choose(entry, wanted=wanted).digest) == entry["digest"]
    nested = shelf.nested(entry, images.attestation(), **({} if label is None else {"platform": label}))
    assert str(shelf.choose(nested, wanted=wanted).digest) == entry["digest"]
    with pytest.raises(PlatformError, match="offers linux/amd64$|offers linux/amd64\n"):
        shelf.choose(nested, wanted=Platform.parse("linux/riscv64"))


def test_without_labels_the_configs_decide(shelf: Shelf) -> None:
    one, other = shelf.image("linux/arm64", None), shelf.image("linux/amd64", None)
    assert str(shelf.choose(one, other).digest) == other["digest"]
    with pytest.raises(PlatformError, match="several platforms: linux/amd64, linux/arm64"):
        shelf.choose(one, other, wanted=None)


def test_a_label_that_lies_wins_nothing(shelf: Shelf) -> None:
    lie, truth = (
        shelf.image("linux/arm64", {"os": "linux", "architecture": "amd64"}),
        shelf.image("linux/amd64", None),
    )
    assert str(shelf.choose(lie, truth).digest) == truth["digest"]
    with pytest.raises(PlatformError, match="it offers linux/386, linux/arm64"):
        shelf.choose(lie, shelf.image("linux/386"))


def test_signatures_sboms_and_provenance_are_no_images(shelf: Shelf) -> None:
    image, label = shelf.image("linux/amd64"), {"os": "linux", "architecture": "amd64"}
    around = [
        images.attestation(), shelf.artifact(), shelf.artifact("text/spdx+json", platform=label),
        shelf.artifact(size=1),
        shelf.put(images.dump({
            "schemaVersion": 2, "config": {
                "mediaType": "application/vnd.oci.empty.v1+json", "digest": images.sha(b"{}"), "size": 2,
            }, "layers": [],
        }), oci.OCI_MANIFEST),
        {"mediaType": "application/vnd.oci.artifact.manifest.v1+json", "digest": images.sha(b"gone"),
         "size": 4},
    ]  # fmt: skip
    for entries in ([*around, image], [image, *around], [*around, {**image, "platform": None}]):
        assert str(shelf.choose(*entries).digest) == image["digest"]
        assert str(shelf.choose(*entries, wanted=None).digest) == image["digest"]


def test_a_lone_artifact_is_called_one(shelf: Shelf) -> None:
    for wanted in (AMD64, None):
        with pytest.raises(NotAnImage, match="artifact with a layer of unknown type"):
            shelf.choose(shelf.artifact(), wanted=wanted)
    with pytest.raises(PlatformError, match="it offers nothing"):
        shelf.choose(images.attestation())


def test_what_an_archive_leaves_out_does_not_matter_until_it_is_chosen(shelf: Shelf) -> None:
    gone, here = shelf.image("linux/arm64"), shelf.image("linux/amd64")
    del shelf.blobs[gone["digest"]]
    assert str(shelf.choose(gone, here).digest) == here["digest"]
    assert str(shelf.choose({**gone, "platform": None}, here).digest) == here["digest"]
    with pytest.raises(NotFound, match="the image for linux/arm64 is listed, but no sha256"):
        shelf.choose(gone, here, wanted=Platform.parse("linux/arm64"))


def test_an_entry_without_a_type_is_looked_into(shelf: Shelf) -> None:
    image = shelf.image("linux/amd64")
    for media_type in ("", "application/json", None):
        assert str(shelf.choose({**image, "mediaType": media_type}).digest) == image["digest"]
        assert str(shelf.choose({**shelf.nested(image), "mediaType": media_type}).digest) == image["digest"]


def test_a_config_without_architecture_is_taken_for_what_was_asked(shelf: Shelf) -> None:
    made = images.image(platform="linux/")
    shelf.blobs.update(made.blobs)
    found = shelf.choose(
        {**shelf.put(made.manifest, made.media_type)}, wanted=Platform.parse("linux/arm64")
    )
    assert str(found.config.platform) == "linux/arm64"


def test_nesting_and_reading_have_bounds(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = shelf.image("linux/amd64")
    for _ in range(oci.choice.MAX_INDEX_DEPTH):
        deep = shelf.nested(deep)
    assert shelf.choose(deep)
    with pytest.raises(FormatError, match="nested more than"):
        shelf.choose(shelf.nested(deep))
    monkeypatch.setattr(oci.choice, "MAX_DOCUMENTS", 5)
    wide = [
        shelf.nested(shelf.image("linux/arm64", None), annotations={"n": str(number)})
        for number in range(3)
    ]
    with pytest.raises(LimitError, match="5 documents"):
        shelf.choose(*wide)
