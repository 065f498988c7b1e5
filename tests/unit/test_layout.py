# SPDX-License-Identifier: MIT
import bz2
import errno
import gzip
import io
import json
import lzma
import os
import socketserver
import tarfile
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pantavisor import layout, oci
from pantavisor.digest import Digest
from pantavisor.errors import DigestError, FormatError, LimitError, NotFound, PantavisorError
from pantavisor.layout import daemon, tarindex
from pantavisor.oci import Platform
from pantavisor.ref import ImageSource
from sim.registry import images

AMD64 = Platform.parse("linux/amd64")
ARM64 = Platform.parse("linux/arm64")


def content(image: layout.OciImage) -> list[bytes]:
    found = []
    for layer in image.layers:
        with layer.open() as stream:
            found.append(stream.read())
    return found


@pytest.mark.parametrize("form", ["oci", "docker"])
def test_a_layout_directory_opens(tmp_path: Path, form: str) -> None:
    made = images.image({"a": b"1"}, {"b": b"2"}, form=form)
    images.write_files(tmp_path, images.layout_files(made))
    with layout.open_image(tmp_path, AMD64) as image:
        assert str(image.manifest_digest) == made.digest
        assert content(image) == made.layers
        assert image.config.config == {"Cmd": ["/bin/sh"]}
        assert [layer.media_type for layer in image.layers] == [images.TYPES[form][2]] * 2
        assert [str(layer.diff_id) for layer in image.layers] == [images.sha(data) for data in made.tars]


def test_blobs_may_be_symbolic_links(tmp_path: Path) -> None:
    made = images.image()
    root = images.write_files(tmp_path / "layout", images.layout_files(made))
    for blob in list((root / "blobs/sha256").iterdir()):
        blob.rename(tmp_path / blob.name)
        blob.symlink_to(tmp_path / blob.name)
    with layout.open_image(root, AMD64) as image:
        assert content(image) == made.layers


def test_the_platform_decides_among_several(tmp_path: Path) -> None:
    one, other = images.image({"x": b"amd"}), images.image({"x": b"arm"}, platform="linux/arm64")
    images.write_files(tmp_path, images.layout_files(one, other))
    with layout.open_image(tmp_path, ARM64) as image:
        assert str(image.manifest_digest) == other.digest
    with pytest.raises(oci.PlatformError, match="several platforms: linux/amd64, linux/arm64"):
        layout.open_image(tmp_path).__enter__()
    with pytest.raises(
        oci.PlatformError, match="not made for linux/386; it offers linux/amd64, linux/arm64"
    ):
        layout.open_image(tmp_path, Platform.parse("linux/386")).__enter__()


def test_the_name_decides_among_several(tmp_path: Path) -> None:
    one, other = images.image({"x": b"1"}), images.image({"x": b"2"})
    images.write_files(tmp_path, images.layout_files(one, other, names=("v1", "v2")))
    with layout.open_image(tmp_path, AMD64, name="v2") as image:
        assert str(image.manifest_digest) == other.digest
    with pytest.raises(NotFound, match=r'no image "v3"(.|\n)*use one of: .*v1'):
        layout.open_image(tmp_path, AMD64, name="v3").__enter__()


def test_several_images_without_a_name_are_no_guess(tmp_path: Path) -> None:
    one, other = images.image({"x": b"1"}), images.image({"x": b"2"})
    files = images.layout_files(one, other, names=("v1", "v2"))
    index = json.loads(files["index.json"])
    for number, platforms in enumerate(("as they are", "none")):
        if platforms == "none":  # as skopeo and docker write the table of contents
            for entry in index["manifests"]:
                del entry["platform"]
        root = images.write_files(tmp_path / str(number), {**files, "index.json": images.dump(index)})
        with pytest.raises(FormatError, match=r"holds 2 images(.|\n)*name one of: v1, v2"):
            layout.open_image(root, AMD64).__enter__()


def test_names_of_several_platforms_leave_the_choice_to_the_platform(tmp_path: Path) -> None:
    one, other = images.image(), images.image(platform="linux/arm64")
    images.write_files(tmp_path, images.layout_files(one, other, names=("amd", "arm")))
    with layout.open_image(tmp_path, ARM64) as image:
        assert str(image.manifest_digest) == other.digest


def test_an_image_with_two_names_is_one_image(tmp_path: Path) -> None:
    made = images.image()
    files = images.layout_files(made, made, names=("v1", "v2"))
    index = json.loads(files["index.json"])
    for entry in index["manifests"]:
        del entry["platform"]
    images.write_files(tmp_path, {**files, "index.json": images.dump(index)})
    with layout.open_image(tmp_path, AMD64) as image:
        assert str(image.manifest_digest) == made.digest


def test_a_nested_index_is_followed(tmp_path: Path) -> None:
    made, other = images.image(), images.image(platform="linux/arm64")
    files = images.layout_files(made, other)
    nested = images.index(made, other, extra=(images.attestation(),))
    files[f"blobs/{images.sha(nested).replace(':', '/')}"] = nested
    entry = {"mediaType": oci.OCI_INDEX, "digest": images.sha(nested), "size": len(nested)}
    files["index.json"] = images.dump({"schemaVersion": 2, "manifests": [entry]})
    images.write_files(tmp_path, files)
    with layout.open_image(tmp_path, AMD64) as image:
        assert str(image.manifest_digest) == made.digest


def test_a_signature_next_to_an_image_needs_no_name(tmp_path: Path) -> None:
    made, signature = images.image(), images.image({"signature": b"x"})
    files = images.layout_files(made, signature, names=("1", "sha256-0.sig"))
    document = json.loads(signature.manifest)
    document["layers"][0]["mediaType"] = "application/vnd.dev.cosign.simplesigning.v1+json"
    data = images.dump(document)
    files[f"blobs/{images.sha(data).replace(':', '/')}"] = data
    index = json.loads(files["index.json"])
    index["manifests"][1] |= {"digest": images.sha(data), "size": len(data)}
    for number in range(2):
        for entry in index["manifests"][: 2 * number]:
            entry.pop("platform", None)
        root = images.write_files(tmp_path / str(number), {**files, "index.json": images.dump(index)})
        with layout.open_image(root, AMD64) as image:
            assert str(image.manifest_digest) == made.digest


def test_an_index_that_nests_itself_ends(tmp_path: Path) -> None:
    files = images.layout_files(images.image())
    data = b""
    for _ in range(6):
        entry = {"mediaType": oci.OCI_INDEX, "digest": images.sha(data), "size": len(data)}
        data = images.dump({"schemaVersion": 2, "manifests": [entry]})
        files[f"blobs/{images.sha(data).replace(':', '/')}"] = data
    images.write_files(tmp_path, {**files, "index.json": data})
    with pytest.raises(FormatError, match="nested more than"):
        layout.open_image(tmp_path, AMD64).__enter__()


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: data + b"x", lambda data: b"x" + data[1:]]
)
def test_a_changed_layer_is_noticed_while_read(tmp_path: Path, change) -> None:
    made = images.image()
    images.write_files(tmp_path, images.layout_files(made))
    blob = tmp_path / "blobs" / images.sha(made.layers[0]).replace(":", "/")
    blob.write_bytes(change(made.layers[0]))
    with layout.open_image(tmp_path, AMD64) as image, pytest.raises(DigestError):
        content(image)


def test_a_changed_manifest_and_a_missing_blob_are_refused(tmp_path: Path) -> None:
    made = images.image()
    images.write_files(tmp_path, images.layout_files(made))
    (tmp_path / "blobs" / made.digest.replace(":", "/")).write_bytes(made.manifest.replace(b"gzip", b"gzi"))
    with pytest.raises(DigestError):
        layout.open_image(tmp_path, AMD64).__enter__()
    (tmp_path / "blobs" / made.digest.replace(":", "/")).unlink()
    with pytest.raises(NotFound, match="no blob"):
        layout.open_image(tmp_path, AMD64).__enter__()


def test_a_fifo_in_place_of_a_blob_does_not_hang(tmp_path: Path) -> None:
    made = images.image()
    images.write_files(tmp_path, images.layout_files(made))
    blob = tmp_path / "blobs" / made.digest.replace(":", "/")
    blob.unlink()
    os.mkfifo(blob)
    with pytest.raises(FormatError, match="is not a regular file"):
        layout.open_image(tmp_path, AMD64).__enter__()


PACKERS = {"plain": bytes, "gzip": gzip.compress, "xz": lzma.compress, "bzip2": bz2.compress}


@pytest.mark.parametrize("packed", PACKERS)
def test_an_oci_archive_opens(tmp_path: Path, packed: str) -> None:
    made = images.image({"a": b"1"}, {"b": b"2"})
    data = images.tar(images.layout_files(made))
    (tmp_path / "x.tar").write_bytes(PACKERS[packed](data))
    with layout.open_image(tmp_path / "x.tar", AMD64) as image:
        assert str(image.manifest_digest) == made.digest and content(image) == made.layers


@pytest.mark.parametrize("packed", PACKERS)
def test_a_docker_archive_opens(tmp_path: Path, packed: str) -> None:
    made = images.image({"a": b"1"}, {"b": b"2"})
    data = images.tar(images.docker_files(made))
    (tmp_path / "x.tar").write_bytes(PACKERS[packed](data))
    with layout.open_image(tmp_path / "x.tar", AMD64) as image:
        assert content(image) == made.tars
        assert [layer.media_type for layer in image.layers] == [oci.OCI_LAYER] * 2
        first = image.manifest_digest
    with layout.open_image(tmp_path / "x.tar") as image:
        assert image.manifest_digest == first


@pytest.mark.parametrize("packer", ["gzip", "xz", "bzip2"])
def test_packed_layers_of_a_docker_archive_are_known_by_their_own_digest(
    tmp_path: Path, packer: str
) -> None:
    made = images.image()
    packed = PACKERS[packer](made.tars[0])
    files = images.docker_files(made)
    files[f"{images.sha(made.tars[0])[7:]}/layer.tar"] = packed
    (tmp_path / "x.tar").write_bytes(images.tar(files))
    with layout.open_image(tmp_path / "x.tar", AMD64) as image:
        assert str(image.layers[0].digest) == images.sha(packed) and content(image) == [packed]


def test_links_between_layers_of_a_docker_archive_are_followed(tmp_path: Path) -> None:
    made = images.image({"a": b"1"})
    files = images.docker_files(made)
    name = f"{images.sha(made.tars[0])[7:]}/layer.tar"
    files["real/layer.tar"] = files.pop(name)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo(name)
        link.type, link.linkname = tarfile.SYMTYPE, "../real/layer.tar"
        archive.addfile(link)
    (tmp_path / "x.tar").write_bytes(stream.getvalue())
    with layout.open_image(tmp_path / "x.tar", AMD64) as image:
        assert content(image) == made.tars


def test_a_docker_archive_with_several_images_wants_a_name(tmp_path: Path) -> None:
    one, other = images.image({"a": b"1"}), images.image({"a": b"2"})
    (tmp_path / "x.tar").write_bytes(
        images.tar(images.docker_files(one, other, tags=("web:1", "h:5000/db:2")))
    )
    with pytest.raises(FormatError, match=r"2 images(.|\n)*docker.io/library/web:1"):
        layout.open_image(tmp_path / "x.tar", AMD64).__enter__()
    source = ImageSource.parse(f"docker-archive:{tmp_path}/x.tar:h:5000/db:2")
    with layout.open_source(source, AMD64) as image:
        assert content(image) == other.tars


@pytest.mark.parametrize("platform", [AMD64, ARM64])
def test_a_name_does_not_change_what_an_archive_of_both_forms_gives(
    tmp_path: Path, platform: Platform
) -> None:
    """As containerd, and docker on it, save an image of two platforms: manifest.json knows only one of
    them.
    """
    one, other = images.image({"x": b"amd"}), images.image({"x": b"arm"}, platform="linux/arm64")
    files = images.layout_files(one, other)
    nested = images.index(one, other)
    files[f"blobs/{images.sha(nested).replace(':', '/')}"] = nested
    names = {
        "io.containerd.image.name": "docker.io/library/web:1",
        "org.opencontainers.image.ref.name": "1",
    }
    entry = {
        "mediaType": oci.OCI_INDEX,
        "digest": images.sha(nested),
        "size": len(nested),
        "annotations": names,
    }
    files["index.json"] = images.dump({"schemaVersion": 2, "manifests": [entry]})
    paths = [f"blobs/{images.sha(data).replace(':', '/')}" for data in (one.config, one.layers[0])]
    files["manifest.json"] = images.dump([{"Config": paths[0], "RepoTags": ["web:1"], "Layers": paths[1:]}])
    (tmp_path / "x.tar").write_bytes(images.tar(files))
    for name in ("", ":web:1"):
        with layout.open_source(
            ImageSource.parse(f"docker-archive:{tmp_path}/x.tar{name}"), platform
        ) as image:
            assert str(image.manifest_digest) == (one if platform == AMD64 else other).digest
    # An index without names leaves them to manifest.json.
    del entry["annotations"]
    files["index.json"] = images.dump({"schemaVersion": 2, "manifests": [entry]})
    (tmp_path / "x.tar").write_bytes(images.tar(files))
    with layout.open_source(ImageSource.parse(f"docker-archive:{tmp_path}/x.tar:web:1"), AMD64) as image:
        assert content(image) == one.layers


@pytest.mark.parametrize(
    "marker", [None, b'{"imageLayoutVersion":"1.1.0"}', b'{"imageLayoutVersion":"1.0.0","more":1}\n']
)
@pytest.mark.parametrize("packed", [False, True])
def test_an_index_is_a_layout_without_the_marker_of_1_0(
    tmp_path: Path, marker: Optional[bytes], packed: bool
) -> None:
    made = images.image()
    files = {**images.layout_files(made), "oci-layout": marker}
    written = {name: data for name, data in files.items() if data is not None}
    if packed:
        (tmp_path / "x").write_bytes(images.tar(written))
    else:
        images.write_files(tmp_path / "x", written)
    with layout.open_image(tmp_path / "x", AMD64) as image:
        assert content(image) == made.layers


def test_a_layout_of_another_age_is_refused(tmp_path: Path) -> None:
    files = {**images.layout_files(images.image()), "oci-layout": b'{"imageLayoutVersion":"2.0.0"}'}
    with pytest.raises(FormatError, match="version '2.0.0'"):
        layout.open_image(images.write_files(tmp_path / "x", files), AMD64).__enter__()
    with pytest.raises(FormatError, match="a directory with oci-layout and index.json"):
        layout.open_image(images.write_files(tmp_path / "y", {"a": b""}), AMD64).__enter__()


def test_names_in_a_docker_archive_may_have_dots_and_its_index_may_be_empty(tmp_path: Path) -> None:
    made = images.image()
    files = images.docker_files(made)
    listed = json.loads(files["manifest.json"])
    listed[0] |= {
        "Config": f"./{listed[0]['Config']}",
        "Layers": [f"./{name}" for name in listed[0]["Layers"]],
    }
    files |= {"manifest.json": images.dump(listed), "oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    files["index.json"] = images.dump({"schemaVersion": 2, "manifests": []})
    (tmp_path / "x.tar").write_bytes(images.tar(files))
    with layout.open_image(tmp_path / "x.tar", AMD64) as image:
        assert content(image) == made.tars
    (tmp_path / "x.tar").write_bytes(
        images.tar({f"/{name}": data for name, data in images.docker_files(made).items()})
    )
    with layout.open_image(tmp_path / "x.tar", AMD64) as image:
        assert content(image) == made.tars
    for nothing in (b"[]", b"null"):
        (tmp_path / "x.tar").write_bytes(images.tar({"manifest.json": nothing}))
        with pytest.raises(FormatError, match="holds no image$"):
            layout.open_image(tmp_path / "x.tar", AMD64).__enter__()


def test_a_wrong_layer_or_config_in_a_docker_archive_is_noticed(tmp_path: Path) -> None:
    made = images.image()
    files = images.docker_files(made)
    files[f"{images.sha(made.tars[0])[7:]}/layer.tar"] = made.tars[0][:-512] + bytes(511) + b"x"
    (tmp_path / "x.tar").write_bytes(images.tar(files))
    with layout.open_image(tmp_path / "x.tar", AMD64) as image, pytest.raises(DigestError):
        content(image)
    files[f"{images.sha(made.config)[7:]}.json"] = made.config + b" "
    (tmp_path / "x.tar").write_bytes(images.tar(files))
    with pytest.raises(DigestError, match="image config"):
        layout.open_image(tmp_path / "x.tar", AMD64).__enter__()


@pytest.mark.parametrize(
    "data", [b"", b"x" * 2000, bytes(1024), gzip.compress(b"junk" * 500, mtime=0), b"\x1f\x8bjunk"]
)
def test_what_is_not_an_archive_is_refused_in_a_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(data)
    with pytest.raises(FormatError):
        layout.open_image(tmp_path / "x.tar", AMD64).__enter__()


def test_a_cut_gzip_is_refused(tmp_path: Path) -> None:
    data = gzip.compress(images.tar(images.docker_files(images.image())))
    (tmp_path / "x.tar").write_bytes(data[: len(data) // 2])
    with pytest.raises(FormatError, match="ends in the middle of its gzip stream"):
        layout.open_image(tmp_path / "x.tar", AMD64).__enter__()


def test_a_missing_path_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="neither an OCI layout nor an archive"):
        layout.open_image(tmp_path / "nothing", AMD64).__enter__()


def test_too_many_tar_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tarindex, "MAX_MEMBERS", 3)
    data = images.tar({str(number): b"" for number in range(3)})
    assert len(tarindex.read(io.BytesIO(data), what="x")) == 3
    with pytest.raises(LimitError):
        tarindex.read(io.BytesIO(images.tar({str(number): b"" for number in range(4)})), what="x")


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_are_read_in_both_forms(form: int) -> None:
    stream = io.BytesIO()
    name = "d/" * 90 + "x"
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for path in (name, "after"):
            member = tarfile.TarInfo(path)
            member.size = 3
            archive.addfile(member, io.BytesIO(b"abc"))
    found = tarindex.read(stream, what="x")
    assert set(found) == {name, "after"} and found[name].size == 3


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_archive_gives_an_error_of_ours_or_a_verified_image(data: st.DataObject) -> None:
    made = images.image()
    good = images.tar(images.docker_files(made))
    position = data.draw(st.integers(0, len(good) - 1))
    bad = good[:position] + data.draw(st.binary(min_size=1, max_size=12)) + good[position + 1 :]
    try:
        blobs = layout.archive.TarBlobs(io.BytesIO(bad), "x")  # type: ignore[attr-defined]
        image = layout.archive.open_docker(blobs, AMD64, None)  # type: ignore[attr-defined]
        assert content(image) == made.tars
    except PantavisorError:
        pass


def test_write_makes_a_layout_that_opens_and_refuses_to_overwrite(tmp_path: Path) -> None:
    made = images.image({"a": b"1"})

    def place(descriptor: oci.Descriptor, target: Path) -> None:
        target.write_bytes(made.blobs[str(descriptor.digest)])

    where = tmp_path / "out"
    digest = layout.write(where, made.manifest, platform=AMD64, name="docker.io/library/x:1", place=place)
    assert digest == Digest.parse(made.digest)
    with layout.open_image(where, AMD64, name="docker.io/library/x:1") as image:
        assert content(image) == made.layers
    with pytest.raises(FormatError, match="already exists"):
        layout.write(where, made.manifest, platform=AMD64, name=None, place=place)


def test_write_leaves_nothing_after_an_error(tmp_path: Path) -> None:
    def place(descriptor: oci.Descriptor, target: Path) -> None:
        raise DigestError("no")

    with pytest.raises(DigestError):
        layout.write(tmp_path / "out", images.image().manifest, platform=AMD64, name=None, place=place)
    assert list(tmp_path.iterdir()) == []


class _Daemon(BaseHTTPRequestHandler):
    archive = b""

    def do_GET(self) -> None:
        known = self.path == "/images/docker.io%2Flibrary%2Fweb%3A1/get"
        body = self.archive if known else json.dumps({"message": "No such image"}).encode()
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass

    def address_string(self) -> str:
        return "local"


def test_an_image_of_the_docker_daemon_opens(tmp_path: Path) -> None:
    made = images.image({"a": b"1"})
    _Daemon.archive = images.tar(images.docker_files(made))
    path = str(tmp_path / "docker.sock")
    with socketserver.UnixStreamServer(path, _Daemon) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with layout.open_daemon_image("docker.io/library/web:1", AMD64, socket=path) as image:
            assert content(image) == made.tars
        with pytest.raises(NotFound, match="no image other"):
            layout.open_daemon_image("other", AMD64, socket=path).__enter__()
        server.shutdown()
    with pytest.raises(PantavisorError, match="start docker"):
        layout.open_daemon_image("other", AMD64, socket=str(tmp_path / "no.sock")).__enter__()


def test_a_full_disk_is_not_the_docker_daemon_s_fault(tmp_path: Path) -> None:
    _Daemon.archive = images.tar(images.docker_files(images.image({"a": os.urandom(100_000)})))
    path = str(tmp_path / "docker.sock")
    with (
        socketserver.UnixStreamServer(path, _Daemon) as server,
        open("/dev/full", "wb", buffering=0) as full,
    ):
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with pytest.raises(OSError) as caught:
            daemon.save("docker.io/library/web:1", full, socket=path)
        server.shutdown()
    assert caught.value.errno == errno.ENOSPC
