# SPDX-License-Identifier: MIT
"""The registry client, the layout reader against programs that others wrote.

Debian's docker-registry on loopback serves what skopeo pushes; skopeo reads what we pull, we read what
skopeo writes.
"""

import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pantavisor import layout
from pantavisor.oci import Platform, PlatformError
from pantavisor.ref import ImageSource, Ref
from pantavisor.registry import AccessDenied, Client, Credentials, ImageNotFound, RegistryOptions
from sim.registry import images

AMD64 = Platform.parse("linux/amd64")
ARM64 = Platform.parse("linux/arm64")
OPTIONS = RegistryOptions(backoff=0.05)

missing = [tool for tool in ("docker-registry", "skopeo") if shutil.which(tool) is None]
if missing:
    reason = f"needs {' and '.join(missing)}: apt-get install docker-registry skopeo"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def serve(folder: Path, extra: str = "") -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage:\n"
        f"  filesystem: {{rootdirectory: {folder}/store}}\nhttp: {{addr: '{host}'}}\n{extra}"
    )
    with subprocess.Popen(["docker-registry", "serve", config], stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(host)
            yield host
        finally:
            process.terminate()


def wait_for(host: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://{host}/v2/", timeout=600).close()
            return
        except urllib.error.HTTPError:
            return  # 401: it is there
        except OSError:
            time.sleep(0.1)
    raise AssertionError("docker-registry does not start")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serve(tmp_path_factory.mktemp("registry"))


def skopeo(*words: object) -> str:
    argv = ["skopeo", "--insecure-policy", *map(str, words)]
    result = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, f"{argv}: {result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def pushed(host: str, tmp_path_factory: pytest.TempPathFactory) -> images.Made:
    """demo/web:1 for one platform, demo/multi:1 for two."""
    folder = tmp_path_factory.mktemp("push")
    one = images.image({"a": os.urandom(3_000_000)}, {"b": b"2"})
    other = images.image({"a": b"arm"}, platform="linux/arm64")
    files = images.layout_files(one, other)
    single = images.write_files(
        folder / "single", {**files, "index.json": images.layout_files(one)["index.json"]}
    )
    index = images.index(one, other)
    files[f"blobs/{images.sha(index).replace(':', '/')}"] = index
    entry = {"mediaType": images.TYPES["oci"][3], "digest": images.sha(index), "size": len(index)}
    files["index.json"] = images.dump({"schemaVersion": 2, "manifests": [entry]})
    multi = images.write_files(folder / "multi", files)
    skopeo("copy", "--dest-tls-verify=false", f"oci:{single}", f"docker://{host}/demo/web:1")
    skopeo("copy", "--all", "--dest-tls-verify=false", f"oci:{multi}", f"docker://{host}/demo/multi:1")
    skopeo(
        "copy",
        "--format=v2s2",
        "--dest-tls-verify=false",
        f"oci:{single}",
        f"docker://{host}/demo/docker:1",
    )
    return one


def tars(path: Path, platform: Platform = AMD64) -> list[str]:
    """The digests of the layers, all read."""
    found = []
    with layout.open_image(path, platform) as image:
        for layer in image.layers:
            with layer.open() as stream:
                data = stream.read()
            plain = zlib.decompress(data, wbits=31) if data.startswith(b"\x1f\x8b") else data
            assert f"sha256:{hashlib.sha256(plain).hexdigest()}" == str(layer.diff_id)
            found.append(str(layer.diff_id))
    return found


@pytest.mark.parametrize("name", ["web", "multi", "docker"])
def test_a_pull_is_what_was_pushed(host: str, pushed: images.Made, tmp_path: Path, name: str) -> None:
    digest = Client(OPTIONS).pull(Ref.parse(f"{host}/demo/{name}:1"), AMD64, tmp_path / "out")
    assert tars(tmp_path / "out") == [images.sha(data) for data in pushed.tars]
    if name != "docker":
        assert str(digest) == pushed.digest


def test_skopeo_reads_what_we_pull(host: str, pushed: images.Made, tmp_path: Path) -> None:
    ref = Ref.parse(f"{host}/demo/web:1")
    digest = Client(OPTIONS).pull(ref, AMD64, tmp_path / "out")
    reported = json.loads(skopeo("inspect", f"oci:{tmp_path}/out:{ref}"))
    assert reported["Digest"] == str(digest) and reported["Layers"] == [
        images.sha(data) for data in pushed.layers
    ]


def test_the_index_is_resolved_for_each_platform(host: str, pushed: images.Made) -> None:
    ref = Ref.parse(f"{host}/demo/multi:1")
    client = Client(OPTIONS)
    mine, other = client.resolve(ref, AMD64), client.resolve(ref, ARM64)
    assert mine.pin == other.pin and mine.digest != other.digest
    expected = hashlib.sha256(
        skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{ref}").encode()
    ).hexdigest()
    assert str(mine.pin) == f"sha256:{expected}"
    assert client.resolve(ref.with_digest(mine.pin), ARM64).digest == other.digest
    with pytest.raises(PlatformError, match="it offers linux/amd64, linux/arm64"):
        client.resolve(ref, Platform.parse("linux/386"))


def test_a_missing_image_is_refused_with_a_hint(host: str, pushed: images.Made) -> None:
    for name in ("demo/web:2", "demo/nothing:1", f"demo/web@sha256:{'0' * 64}"):
        with pytest.raises(ImageNotFound, match="check name and tag"):
            Client(OPTIONS).resolve(Ref.parse(f"{host}/{name}"), AMD64)


@pytest.mark.parametrize("transport", ["docker-archive", "oci-archive", "oci"])
def test_we_read_what_skopeo_writes(host: str, pushed: images.Made, tmp_path: Path, transport: str) -> None:
    target = (
        f"{transport}:{tmp_path}/x:demo:1"
        if transport == "docker-archive"
        else f"{transport}:{tmp_path}/x:v1"
    )
    skopeo("copy", "--src-tls-verify=false", f"docker://{host}/demo/web:1", target)
    with layout.open_source(ImageSource.parse(target), AMD64) as image:
        assert [str(layer.diff_id) for layer in image.layers] == [images.sha(data) for data in pushed.tars]
    tars(tmp_path / "x")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("closed")
    # bcrypt of "open sesame", made with crypt(3)
    (folder / "users").write_text("ada:$2b$05$g0nxA//mFX0aglvG0h0bPuG3v6unv6w0k2XXwdBYxbG61OZibMV8m\n")
    yield from serve(folder, f"auth: {{htpasswd: {{realm: sim, path: {folder}/users}}}}\n")


def test_basic_credentials_open_a_closed_registry(closed: str, tmp_path: Path) -> None:
    ref = Ref.parse(f"{closed}/demo/web:1")
    with pytest.raises(AccessDenied):
        Client(OPTIONS).resolve(ref, AMD64)
    with pytest.raises(AccessDenied):
        Client(RegistryOptions(credentials={closed: Credentials("ada", "wrong")})).resolve(ref, AMD64)
    entry = base64.b64encode(b"ada:open sesame").decode()
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {closed: {"auth": entry}}}))
    with pytest.raises(ImageNotFound):  # inside: but there is nothing yet
        Client(RegistryOptions(auth_file=tmp_path / "auth.json")).resolve(ref, AMD64)
