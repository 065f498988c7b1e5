# SPDX-License-Identifier: MIT
"""examples/product in a place of its own: built, booted, reached at the address that its network container
got, and given a newer app from a laptop.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from devtools import guest as qemu
from devtools import services
from place import BOOT_SECONDS, BUILD
from sim import tools
from sim.product import Product, section
from sim.registry import Registry, images

DOOR, WEB = 12368, 80
ANSWER_SECONDS = 600
# The downloads of the quickstart, and the door for laptops, as updates.md has it.
SETTINGS = (
    f'DL_DIR = "{BUILD}/downloads"',
    'PVROOT_CONTAINERS:append:pn-product-device = " pv-sdk"',
)
SERVE = {"Cmd": ["/bin/httpd", "-f", "-p", "80", "-h", "/www"]}


def web(text: str) -> images.Made:
    """An image in place of docker.io's web server."""
    files = {"bin/httpd": busybox(), "www/index.html": text.encode()}
    return images.image(files, config=SERVE, mode=0o755)


def network() -> images.Made:
    """An image in place of docker.io's busybox."""
    return images.image(
        {f"bin/{name}": busybox() for name in ("sh", "busybox", "chmod", "ip", "udhcpc")}, mode=0o755
    )


def busybox() -> bytes:
    return Path(tools.need("busybox", package="busybox-static")).read_bytes()


@pytest.fixture(scope="module")
def product(
    image: Path, machine: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """Built as own-layer.md has it; ``image`` is there so that the downloads are."""
    if machine != "qemux86-64":
        pytest.skip("the product's board is an x86-64 one")
    root = tmp_path_factory.mktemp("outside")
    with Registry() as registry:
        registry.add("library/nginx", "1.27", web("the first page"))
        registry.add("library/busybox", "1.37", network())
        made = Product.make(root, registry, *SETTINGS)
        _, _, commands = section("own-layer.md", 0).partition("\n")
        made.follow(commands, made.folder)
        yield made
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def device(product: Product) -> Iterator[qemu.Guest]:
    built = product.deployed("product-device-product-board.img")
    with qemu.Guest(qemu.Setup(built, "qemux86-64", qemu.free_ports(DOOR, WEB))) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        yield running


def page(device: qemu.Guest) -> str:
    return services.ask_http(f"http://{qemu.LOOPBACK}:{device.port(WEB)}/", timeout=ANSWER_SECONDS)


def test_its_app_answers_at_the_address_of_its_network_container(device: qemu.Guest) -> None:
    assert page(device) == "the first page"


def test_a_newer_app_is_built_alone_and_kept_by_the_device(product: Product, device: qemu.Guest) -> None:
    recipe = product.folder / "meta-product/recipes-apps/web.bb"
    recipe.write_text(recipe.read_text().replace("nginx:1.27", "nginx:1.28"))
    product.registry.add("library/nginx", "1.28", web("the second page"))
    printed = product.follow(addressed(section("own-layer.md", 2), device), product.folder)
    # The web server alone is another one, so the device does not boot again.
    assert ": UPDATED" in printed and page(device) == "the second page"


def test_an_app_is_updated_from_a_laptop(product: Product, device: qemu.Guest, tmp_path: Path) -> None:
    product.registry.add("library/nginx", "1.28", web("the third page"))
    (tmp_path / "keys").symlink_to(product.folder / "build/pvs-keys")
    printed = product.follow(
        addressed(section("updates.md", 0), device), tmp_path,
        PVR_REGISTRY_MIRRORS=f"docker.io={product.registry.host}",
    )  # fmt: skip
    assert ": UPDATED" in printed and page(device) == "the third page"


def addressed(commands: str, device: qemu.Guest) -> str:
    """Commands of a page, with this device in place of theirs."""
    address = f"http://{qemu.LOOPBACK}:{device.port(DOOR)}/cgi-bin/pvr"
    return re.sub(r"(http://)?192\.168\.1\.20(:12368/cgi-bin/pvr)?", address, commands, count=1)
