# SPDX-License-Identifier: MIT
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from pantavisor import layout, oci
from pantavisor.digest import Digest
from pantavisor.errors import DigestError, FormatError, LimitError, PantavisorError
from pantavisor.oci import Platform
from pantavisor.ref import Ref
from pantavisor.registry import (
    Client,
    ImageNotFound,
    RateLimited,
    RegistryError,
    RegistryOptions,
    Unreachable,
)
from sim import registry as sim
from sim.registry import Registry, images

AMD64 = Platform.parse("linux/amd64")
OPTIONS = RegistryOptions(backoff=0.001, timeout=600.0, attempts=3)
BIG = {"a": bytes(range(256)) * 4000, "b": b"x"}


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as running:
        yield running


def ref(registry: Registry, name: str = "web:1") -> Ref:
    return Ref.parse(f"{registry.host}/{name}")


def layers(path: Path) -> list[bytes]:
    with layout.open_image(path, AMD64) as image:
        found = []
        for layer in image.layers:
            with layer.open() as stream:
                found.append(stream.read())
        return found


def only_layer(made: images.Made) -> str:
    return images.sha(made.layers[0])


def assert_nothing_left(folder: Path) -> None:
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("form", ["oci", "docker"])
def test_a_pull_makes_a_layout_of_the_one_image(registry: Registry, tmp_path: Path, form: str) -> None:
    made, other = images.image(BIG, {"c": b"2"}, form=form), images.image(platform="linux/arm64", form=form)
    registry.add("web", "1", made, other, form=form)
    steps: list[tuple[int, int]] = []
    digest = Client(OPTIONS).pull(
        ref(registry), AMD64, tmp_path / "web", progress=lambda done, total: steps.append((done, total))
    )
    assert str(digest) == made.digest
    assert layers(tmp_path / "web") == made.layers
    assert steps[-1][0] == steps[-1][1] == sum(map(len, made.blobs.values()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["web"]
    with layout.open_image(tmp_path / "web", AMD64, name=f"{registry.host}/web:1") as image:
        assert str(image.manifest_digest) == made.digest


def test_two_pulls_give_the_same_index_and_refuse_to_overwrite(registry: Registry, tmp_path: Path) -> None:
    registry.add("web", "1", images.image(BIG))
    for name in ("one", "two"):
        Client(OPTIONS).pull(ref(registry), AMD64, tmp_path / name)
    assert (tmp_path / "one/index.json").read_bytes() == (tmp_path / "two/index.json").read_bytes()
    with pytest.raises(FormatError, match="already exists"):
        Client(OPTIONS).pull(ref(registry), AMD64, tmp_path / "one")


def test_resolve_distinguishes_pin_and_manifest(registry: Registry) -> None:
    made, other = images.image(), images.image(platform="linux/arm64")
    top = registry.add("web", "1", made, other)
    resolved = Client(OPTIONS).resolve(ref(registry), AMD64)
    assert (str(resolved.pin), str(resolved.digest)) == (top, made.digest)
    assert resolved.config.config == {"Cmd": ["/bin/sh"]}
    pinned = ref(registry).with_digest(Digest.parse(made.digest))
    assert str(Client(OPTIONS).resolve(pinned, AMD64).pin) == made.digest


def test_attestations_are_no_platform(registry: Registry) -> None:
    made, other = images.image(), images.image(platform="linux/arm/v7")
    registry.add("web", "1", made, other)
    index = images.index(made, other, extra=(images.attestation(),))
    registry.add_document("web", "1", index, oci.OCI_INDEX)
    with pytest.raises(
        oci.PlatformError, match="not made for linux/arm64; it offers linux/amd64, linux/arm/v7"
    ):
        Client(OPTIONS).resolve(ref(registry), Platform.parse("linux/arm64"))


def test_a_single_image_for_another_platform_is_refused(registry: Registry) -> None:
    registry.add("web", "1", images.image(platform="linux/arm64"))
    with pytest.raises(oci.PlatformError, match="it offers linux/arm64"):
        Client(OPTIONS).resolve(ref(registry), AMD64)


def test_an_image_that_lies_about_its_platform_is_refused(registry: Registry) -> None:
    made, other = images.image(platform="linux/arm64"), images.image(platform="linux/386")
    made.architecture = "amd64"  # so says the index; the config knows better
    registry.add("web", "1", made, other)
    with pytest.raises(oci.PlatformError, match="it offers linux/386, linux/arm64"):
        Client(OPTIONS).resolve(ref(registry), AMD64)


def test_nested_indexes_and_signatures_are_seen_through(registry: Registry, tmp_path: Path) -> None:
    made, other = images.image(BIG), images.image(platform="linux/arm64")
    registry.add("web", "1", made, other)
    nested = [images.index(one, extra=(images.attestation(),)) for one in (other, made)]
    entries = [{"mediaType": oci.OCI_INDEX,
                "digest": registry.add_document("web", "x", data, oci.OCI_INDEX), "size": len(data)}
               for data in nested]  # fmt: skip
    top = registry.add_document(
        "web", "1", images.dump({"schemaVersion": 2, "manifests": entries}), oci.OCI_INDEX
    )
    resolved = Client(OPTIONS).resolve(ref(registry), AMD64)
    assert (str(resolved.pin), str(resolved.digest)) == (top, made.digest)
    Client(OPTIONS).pull(ref(registry), AMD64, tmp_path / "web")
    assert layers(tmp_path / "web") == made.layers


def test_each_type_of_manifest_is_asked_for_in_a_header_of_its_own(registry: Registry) -> None:
    registry.add("web", "1", images.image())
    Client(OPTIONS).resolve(ref(registry), AMD64)
    asked = next(request for request in registry.seen if "/manifests/" in request.path)
    assert asked.accepts == (oci.OCI_INDEX, oci.DOCKER_LIST, oci.OCI_MANIFEST, oci.DOCKER_MANIFEST)


def test_a_missing_image_is_one_sentence_with_a_hint(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ImageNotFound) as caught:
        Client(OPTIONS).pull(ref(registry, "nothing:9"), AMD64, tmp_path / "x")
    assert caught.value.message == (
        f"{registry.host} has no image nothing:9 (MANIFEST_UNKNOWN manifest unknown [31m)"
    )
    assert caught.value.hint
    assert len(registry.paths("/manifests/")) == 1
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_is_continued(registry: Registry, tmp_path: Path, ranges: bool) -> None:
    made = images.image(BIG)
    registry.add("web", "1", made)
    registry.ranges = ranges
    registry.misbehave(only_layer(made), sim.cut(1000), times=2)
    Client(OPTIONS).pull(ref(registry), AMD64, tmp_path / "web")
    assert layers(tmp_path / "web") == made.layers
    asked = [request.headers.get("Range") for request in registry.seen if only_layer(made) in request.path]
    end = (
        len(made.layers[0]) - 1
    )  # go-containerregistry's own registry answers 416 to a range without an end
    assert asked == [None, f"bytes=1000-{end}", f"bytes={2000 if ranges else 1000}-{end}"]


def test_a_resume_from_the_wrong_place_starts_again(registry: Registry, tmp_path: Path) -> None:
    made = images.image(BIG)
    registry.add("web", "1", made)
    registry.misbehave(only_layer(made), sim.cut(1000), times=1)
    registry.misbehave(
        only_layer(made), sim.answer(206, {"Content-Range": "bytes 5-9/10"}, b"wrong"), times=1
    )
    Client(OPTIONS).pull(ref(registry), AMD64, tmp_path / "web")
    assert layers(tmp_path / "web") == made.layers


def test_a_second_half_that_does_not_fit_is_fetched_whole(registry: Registry, tmp_path: Path) -> None:
    made = images.image(BIG)
    registry.add("web", "1", made)
    size = len(made.layers[0])
    registry.misbehave(only_layer(made), sim.cut(1000), times=1)
    registry.misbehave(
        only_layer(made),
        sim.answer(206, {"Content-Range": f"bytes 1000-{size - 1}/{size}"}, bytes(size - 1000)),
        times=1,
    )
    Client(OPTIONS).pull(ref(registry), AMD64, tmp_path / "web")
    assert layers(tmp_path / "web") == made.layers


def test_a_range_that_cannot_be_had_starts_again(registry: Registry, tmp_path: Path) -> None:
    made = images.image(BIG)
    registry.add("web", "1", made)
    registry.misbehave(only_layer(made), sim.cut(1000), times=1)
    registry.misbehave(only_layer(made), sim.answer(416), times=1)
    Client(OPTIONS).pull(ref(registry), AMD64, tmp_path / "web")
    assert layers(tmp_path / "web") == made.layers


@pytest.mark.parametrize(
    ("fault", "error", "sentence"),
    [
        (sim.change(lambda data: bytes(len(data))), DigestError, "gives other bytes for blob"),
        (sim.change(lambda data: data + b"x"), DigestError, "more than the"),
        (sim.change(lambda data: data[:-1]), Unreachable, "breaks off"),
        (sim.endless, DigestError, "more than the"),
        (sim.endless_chunks, DigestError, "more than the"),
        (sim.hang_up, Unreachable, "cannot be reached"),
        (sim.answer(404), ImageNotFound, "has no blob"),
        (sim.answer(503), RegistryError, "fails with status 503"),
        (sim.answer(418), RegistryError, "answers status 418"),
        (sim.answer(200, {"Content-Length": "x"}), PantavisorError, "breaks off|other bytes"),
    ],
)
def test_a_bad_blob_is_one_error_and_leaves_nothing(
    registry, tmp_path: Path, fault, error, sentence: str
) -> None:
    made = images.image(BIG, {"b": b"2"}, {"c": b"3"})
    registry.add("web", "1", made)
    registry.misbehave(only_layer(made), fault)
    with pytest.raises(error, match=sentence):
        Client(OPTIONS).pull(ref(registry), AMD64, tmp_path / "web")
    assert_nothing_left(tmp_path)


def test_no_download_thread_outlives_a_failed_pull(registry: Registry, tmp_path: Path) -> None:
    made = images.image(*({str(number): b"x"} for number in range(12)))
    registry.add("web", "1", made)
    registry.misbehave(only_layer(made), sim.answer(404))
    with pytest.raises(ImageNotFound):
        Client(OPTIONS).pull(ref(registry), AMD64, tmp_path / "web")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("blob")]


def test_a_client_pulls_again_after_a_failure(registry: Registry, tmp_path: Path) -> None:
    made = images.image(BIG)
    registry.add("web", "1", made)
    registry.misbehave(only_layer(made), sim.answer(404), times=1)
    client = Client(OPTIONS)
    with pytest.raises(ImageNotFound):
        client.pull(ref(registry), AMD64, tmp_path / "web")
    client.pull(ref(registry), AMD64, tmp_path / "web")
    assert layers(tmp_path / "web") == made.layers


@pytest.mark.parametrize("fault", [sim.answer(503), sim.answer(429), sim.answer(500), sim.hang_up])
def test_a_passing_failure_is_waited_out(registry: Registry, tmp_path: Path, fault) -> None:
    made = images.image()
    registry.add("web", "1", made)
    registry.misbehave("/manifests/", fault, times=2)
    registry.misbehave("/blobs/", fault, times=2)
    Client(OPTIONS).pull(ref(registry), AMD64, tmp_path / "web")
    assert layers(tmp_path / "web") == made.layers


def test_retry_after_is_obeyed_within_bounds(registry: Registry) -> None:
    registry.add("web", "1", images.image())
    registry.misbehave("/manifests/", sim.answer(429, {"Retry-After": "1"}), times=1)
    assert Client(OPTIONS).resolve(ref(registry), AMD64)
    registry.misbehave("/manifests/", sim.answer(429, {"Retry-After": "86400"}), times=1)
    with pytest.raises(RateLimited, match=r"asks to wait 86400 seconds(.|\n)*log in"):
        Client(OPTIONS).resolve(ref(registry), AMD64)


def test_retry_after_may_be_a_date(registry: Registry) -> None:
    registry.add("web", "1", images.image())
    began = time.monotonic()
    registry.misbehave(
        "/manifests/", sim.answer(429, {"Retry-After": formatdate(time.time() + 2, usegmt=True)}), times=1
    )
    assert Client(OPTIONS).resolve(ref(registry), AMD64)
    assert time.monotonic() - began >= 1  # dates have whole seconds
    registry.misbehave(
        "/manifests/",
        sim.answer(429, {"Retry-After": formatdate(time.time() + 86400, usegmt=True)}),
        times=1,
    )
    with pytest.raises(RateLimited, match=r"asks to wait 86[34]\d\d seconds"):
        Client(OPTIONS).resolve(ref(registry), AMD64)


@pytest.mark.parametrize(
    "value",
    [
        "-1",
        "9" * 500,
        "Fri, 31 Dec 1999 23:59:59 GMT",
        "Fri, 31 Dec 2099 23:59:59 -0000",
        "soon",
        "1e9",
        "\u00b2",
    ],
)
def test_an_odd_retry_after_is_not_a_reason_to_wait(registry: Registry, value: str) -> None:
    registry.add("web", "1", images.image())
    registry.misbehave("/manifests/", sim.answer(429, {"Retry-After": value}), times=1)
    assert Client(OPTIONS).resolve(ref(registry), AMD64)


def odd_length(text: str) -> sim.Action:
    def act(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", text)
        handler.end_headers()
        handler.wfile.write(b"{}")
        handler.close_connection = True

    return act


@pytest.mark.parametrize(
    ("fault", "error", "sentence"),
    [
        (sim.change(lambda data: data + b" "), DigestError, "gives other bytes for image"),
        (sim.cut(50), Unreachable, "breaks off in the middle"),
        (sim.endless, LimitError, "larger than"),
        (sim.endless_chunks, LimitError, "larger than"),
        (odd_length("\xb2"), DigestError, "gives other bytes for image"),
        (odd_length("9" * 5000), PantavisorError, "."),
    ],
)
def test_a_bad_pinned_manifest_is_refused(registry: Registry, fault, error, sentence: str) -> None:
    pin = registry.add("web", "1", images.image())
    registry.misbehave("/manifests/", fault)
    with pytest.raises(error, match=sentence):
        Client(OPTIONS).resolve(ref(registry).with_digest(Digest.parse(pin)), AMD64)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<html>log in</html>", "answers with a web page"),
        (b"[]", "not a JSON object"),
        (b'{"schemaVersion":1,"fsLayers":[]}', "schema 1"),
        (b'{"schemaVersion":2,"manifests":[],"layers":[]}', "either manifests or config"),
        (b"[" * 100_000, "nested more than"),
    ],
)
def test_what_is_not_a_manifest_is_refused_in_a_sentence(
    registry: Registry, body: bytes, sentence: str
) -> None:
    registry.misbehave("/manifests/", sim.answer(200, {}, body))
    with pytest.raises(PantavisorError, match=sentence):
        Client(OPTIONS).resolve(ref(registry), AMD64)


def test_a_manifest_that_differs_from_its_own_header_is_refused(registry: Registry) -> None:
    made = images.image()
    headers = {"Docker-Content-Digest": images.sha(b"other"), "Content-Type": made.media_type}
    registry.misbehave("/manifests/", sim.answer(200, headers, made.manifest))
    with pytest.raises(DigestError):
        Client(OPTIONS).resolve(ref(registry), AMD64)


@pytest.mark.parametrize("fault", [sim.drip(0.05), sim.silence(3), sim.endless_continue])
@pytest.mark.parametrize("part", ["/manifests/", "/blobs/"])
def test_slowness_ends(registry: Registry, monkeypatch: pytest.MonkeyPatch, fault, part: str) -> None:
    from pantavisor.http import deadline

    monkeypatch.setattr(deadline, "MIN_BYTES_PER_SECOND", 100_000_000)
    registry.add("web", "1", images.image())
    registry.misbehave(part, fault)
    hasty = replace(OPTIONS, timeout=0.1, attempts=1)
    with pytest.raises(Unreachable, match="too slow|in time"):
        Client(hasty).resolve(ref(registry), AMD64)


def test_a_large_blob_that_only_drips_is_given_up(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its size would allow an hour, and each byte is progress: the speed of the last while counts."""
    from pantavisor.http import deadline

    monkeypatch.setattr(deadline, "MIN_BYTES_PER_SECOND", 2000)
    registry.add("web", "1", images.image({"a": os.urandom(300_000)}))
    hasty = replace(OPTIONS, timeout=0.3, attempts=2)
    client = Client(hasty)
    resolved = client.resolve(ref(registry), AMD64)
    registry.misbehave("/blobs/", sim.drip(0.02))
    with pytest.raises(Unreachable, match="too slow|in time"):
        client.blob(ref(registry), resolved.manifest.layers[0], tmp_path / "blob")
    # More where the machine is busy: what arrived in time is progress, after which the count begins anew.
    assert len(registry.paths(str(resolved.manifest.layers[0].digest))) >= hasty.attempts
    assert list(tmp_path.iterdir()) == []


def test_blobs_are_shared_and_a_damaged_one_is_replaced(registry: Registry, tmp_path: Path) -> None:
    made = images.image(BIG)
    registry.add("web", "1", made)
    notes: list[str] = []
    client = Client(replace(OPTIONS, blob_cache=tmp_path / "cache"), note=notes.append)
    client.pull(ref(registry), AMD64, tmp_path / "one")
    client.pull(ref(registry), AMD64, tmp_path / "two")
    assert len(registry.paths(only_layer(made))) == 1
    cached = tmp_path / "cache" / only_layer(made).replace(":", "/")
    assert cached.samefile(tmp_path / "two/blobs" / only_layer(made).replace(":", "/"))
    cached.unlink()
    cached.write_bytes(b"damaged")
    client.pull(ref(registry), AMD64, tmp_path / "three")
    assert layers(tmp_path / "three") == made.layers and "damaged" in notes[0]


def test_a_failure_keeps_only_whole_blobs_in_the_cache(registry: Registry, tmp_path: Path) -> None:
    made = images.image(BIG)
    registry.add("web", "1", made)
    registry.misbehave(only_layer(made), sim.cut(100))
    registry.ranges = False
    with pytest.raises(Unreachable):
        Client(replace(OPTIONS, blob_cache=tmp_path / "cache")).pull(ref(registry), AMD64, tmp_path / "web")
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    for path in (tmp_path / "cache/sha256").iterdir():
        assert images.sha(path.read_bytes()) == f"sha256:{path.name}"


def test_a_mirror_is_asked_first(registry: Registry, tmp_path: Path) -> None:
    made = images.image()
    with Registry() as mirror:
        mirror.add("hub/library/nginx", "1", made)
        options = replace(OPTIONS, mirrors={"docker.io": (f"{mirror.host}/hub",)})
        Client(options).pull(Ref.parse("nginx:1"), AMD64, tmp_path / "web")
    with layout.open_image(tmp_path / "web", AMD64, name="docker.io/library/nginx:1"):
        pass


def test_mirrors_that_fail_or_lie_are_passed_over(registry: Registry, tmp_path: Path) -> None:
    made = images.image(BIG)
    registry.add("web", "1", made)
    notes: list[str] = []
    with Registry() as empty, Registry() as liar:
        liar.add("web", "1", made)
        liar.misbehave(only_layer(made), sim.change(lambda data: bytes(len(data))))
        mirrors = {registry.host: ("127.0.0.1:9", empty.host, liar.host)}
        client = Client(replace(OPTIONS, mirrors=mirrors, attempts=2), note=notes.append)
        client.pull(ref(registry), AMD64, tmp_path / "web")
    assert layers(tmp_path / "web") == made.layers
    assert len(registry.paths(only_layer(made))) == 1
    assert len([note for note in notes if "127.0.0.1:9 " in note]) == 1, "a dead mirror is asked once"


def test_what_a_mirror_refused_is_said_when_the_registry_fails_too() -> None:
    with Registry() as private:
        private.challenge = 'Basic realm="sim"'
        options = replace(OPTIONS, mirrors={"127.0.0.1:9": (private.host,)}, attempts=1)
        with pytest.raises(Unreachable) as caught:
            Client(options).resolve(Ref.parse("127.0.0.1:9/x:1"), AMD64)
    assert "127.0.0.1:9 cannot be reached" in caught.value.message
    assert f"its mirror: {private.host} does not give" in caught.value.message
    assert str(caught.value.hint).endswith(
        "; for the mirror: check the name; "
        f"a private image needs 'docker login {private.host}' or an auth file"
    )


def test_an_unreachable_registry_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="127.0.0.1:9 cannot be reached: Connection refused"):
        Client(OPTIONS).pull(Ref.parse("127.0.0.1:9/x:1"), AMD64, tmp_path / "x")
    assert_nothing_left(tmp_path)
