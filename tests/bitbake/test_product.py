# SPDX-License-Identifier: MIT
"""examples/product in a place of its own, by kas and the demonstration's core: its images are locked, its
apps are built, and its device resolves.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pantavisor import export
from pantavisor.objects import ObjectPool
from sim.product import Product, section
from sim.registry import Registry, images

FILES = {"bin/sh": b"", "sbin/init": b"#!/bin/sh\n"}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    root = tmp_path_factory.mktemp("outside")
    with Registry() as registry:
        registry.add("library/nginx", "1.27", images.image(FILES))
        registry.add("library/busybox", "1.37", images.image({**FILES, "bin/busybox": b"1"}))
        yield Product.make(root, registry)
    shutil.rmtree(root, ignore_errors=True)


def test_it_is_locked_built_and_resolved_from_outside(product: Product, tmp_path: Path) -> None:
    product.kas("shell", "quickstart.yml", "-c", "../../meta-pantavisor/scripts/lock write product-device")
    locked = json.loads((product.folder / "meta-product/images.lock.json").read_text())["images"]
    assert sorted(locked) == ["docker.io/library/busybox:1.37", "docker.io/library/nginx:1.27"]
    product.kas("build", "quickstart.yml", "--target", "web", "--target", "network")
    for name in ("web", "network"):
        made = product.deployed(f"{name}.pvrexport.tgz")
        state = export.read(made, ObjectPool(tmp_path / name))
        assert state[f"{name}/run.json"]["name"] == name  # type: ignore[index, call-overload]
    printed = product.kas("shell", "quickstart.yml", "-c", "bitbake -n product-device")
    assert "all succeeded" in printed, printed


def test_its_file_for_openembedded_core_has_the_same_product(product: Product) -> None:
    # In place of clones, folders: there is no network here.
    local = {"url": None, "path": "."}
    repos = {"bitbake": local, "openembedded-core": local}
    (product.folder / "local.yml").write_text(json.dumps({"header": {"version": 18}, "repos": repos}))
    files = {"product.yml:local.yml": "meta", "quickstart.yml": "."}
    found = [json.loads(product.kas("dump", "--format", "json", name)) for name in files]
    for name in ("machine", "target"):
        assert found[0][name] == found[1][name]
    for each in found:
        assert {"pantavisor", "product"} < set(each["repos"])
        assert 'PVR_DOCKER_PIN = "require"' in each["local_conf_header"]["product"]


def test_a_new_app_is_one_file_and_one_command(product: Product, tmp_path: Path) -> None:
    digest = product.registry.add("team/clock", "1", images.image(FILES))
    recipe = (
        'LICENSE = "CLOSED"\nPVR_DOCKER_REF = "docker.io/team/clock:1"\n'
        f'PVR_DOCKER_DIGEST = "{digest}"\ninherit pvrexport\n'
    )
    (product.folder / "meta-product/recipes-apps/clock.bb").write_text(recipe)
    product.kas("build", "quickstart.yml", "--target", "clock")
    state = export.read(product.deployed("clock.pvrexport.tgz"), ObjectPool(tmp_path / "objects"))
    assert state["clock/src.json"]["docker_digest"].endswith(digest)  # type: ignore[index, call-overload]


def test_a_release_is_checked_in_ci_and_built_offline_as_the_page_has_it(tmp_path: Path) -> None:
    """For one app: the device takes what only the network has."""
    with Registry() as registry:
        registry.add("library/nginx", "1.27", images.image(FILES))
        registry.add("library/busybox", "1.37", images.image({**FILES, "bin/busybox": b"1"}))
        product = Product.make(tmp_path, registry)
        write, check, fetch = (
            section("own-layer.md", 0).splitlines()[1],
            section("builds.md", 0).splitlines()[0],
            section("builds.md", 1).splitlines()[0],
        )
        place = {"PANTAVISOR": "../../meta-pantavisor"}
        product.follow(write, product.folder)
        product.follow(check, product.folder, **place)
        product.follow(fetch.replace("product-device", "web"), product.folder)
    includes = [{"repo": "pantavisor", "file": "kas/feature/offline.yml"}]
    (product.folder / "offline.yml").write_text(
        json.dumps({"header": {"version": 18, "includes": includes}})
    )
    build = section("builds.md", 1).splitlines()[1]
    product.follow(f"{build} --target web", product.folder)
    assert product.deployed("web.pvrexport.tgz").exists()


@pytest.mark.parametrize(
    ("variable", "password", "sentence"),
    [
        ("PVR_DOCKER_AUTHFILE", "pw", ""),
        ("REGISTRY_AUTH_FILE", "pw", ""),
        ("REGISTRY_AUTH_FILE", "wrong", "with the credentials of "),
        ("UNUSED", "pw", "without credentials"),
    ],
)
def test_the_caller_s_credentials_reach_a_build_through_kas(
    product: Product, tmp_path: Path, variable: str, password: str, sentence: str
) -> None:
    host, image = product.registry.host, images.image(FILES)
    text = f"library/nginx@{product.registry.add('library/nginx', '1.27', image)}"
    encoded = base64.b64encode(f"ada:{password}".encode()).decode()
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {host: {"auth": encoded}}}))
    command = "bitbake -f -c fetch web"
    product.configure(f'PVR_DOCKER_REF:pn-web = "{host}/{text}"')
    product.registry.challenge, product.registry.users = 'Basic realm="x"', {"ada": "pw"}
    done = product.run(
        "shell", "quickstart.yml", "-c", command,
        **{variable: str(tmp_path / "auth.json"), "DL_DIR": str(tmp_path / "downloads")},
    )  # fmt: skip
    assert (done.returncode == 0) is not bool(sentence), done.stdout + done.stderr
    if sentence:
        printed = done.stdout + done.stderr
        assert sentence in printed and "PVR_DOCKER_AUTHFILE or REGISTRY_AUTH_FILE" in printed, printed
