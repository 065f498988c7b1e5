# SPDX-License-Identifier: MIT
"""The commands on the pages are run as they are printed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sim import built
from sim.pvr_command import ENVIRONMENT
from sim.registry import Registry, images

DOCS = Path(__file__).resolve().parents[2] / "meta-pantavisor" / "docs"
REFERENCE = (DOCS / "pvr.md").read_text()
LISTED = re.findall(r"^\| `(pvr .*?--json)` \| (.*?) \|$", REFERENCE, re.MULTILINE)
# Of the repository that the ten lines make, without a device; test_cli_post.py has those with one,
# test_flash.py those with a disk, and test_factory.py the ledger's.
CALLS = [(call, members) for call, members in LISTED if not re.search(" (DEVICE|DISK|LEDGER|PATH) ", call)]


ROOT = DOCS.parents[1]
PRODUCT = "bitbake/test_product.py"
# By the page, what runs each of its blocks, in their order: a test, or in brackets why none does.
BLOCKS = {
    "CONTRIBUTING.md": ("(the tests themselves)",),
    "README.md": (
        "(.ci/run, and tests/fresh/run on bare machines)",
        "bitbake/test_mistakes.py::test_the_recipe_of_the_readme_is_one",
        "integration/test_pages.py::test_the_readme_is_true",
    ),
    "kas/README.md": (
        "oecore/test_kas.py::test_a_product_parses_by_the_file_of_the_release",
        "oecore/test_kas.py::test_a_product_parses_by_the_file_of_the_release",
    ),
    "meta-pantavisor/docs/RECIPE-API.md": (
        "bitbake/test_container.py::test_files_of_the_product_are_laid_over_as_the_page_has_it",
    ),
    "meta-pantavisor/docs/builds.md": (
        "integration/test_pages.py::test_a_release_is_checked_as_the_page_of_builds_has_it",
        *("bitbake/test_product.py::test_a_release_is_checked_in_ci_and_built_offline_as_the_page_has_it",)
        * 2,
        "(a mirror and a hash server of its own: oecore/test_caches.py has them on loopback)",
        "(as the block above)",
        "integration/test_pages.py::test_a_release_is_checked_as_the_page_of_builds_has_it",
    ),
    "meta-pantavisor/docs/control.md": (
        "(it is in a container: boot/test_control.py asks the same paths)",
    ),
    "meta-pantavisor/docs/factory.md": (
        *("integration/test_factory_page.py::test_the_page_leads_from_exports_to_units",) * 5,
    ),
    "meta-pantavisor/docs/keys.md": (
        *("integration/test_keys_page.py::test_the_page_leads_to_an_image_without_a_key_in_a_file",) * 5,
        "(bitbake/test_firmware_keys.py builds with these lines)",
        "(the same variable, passed on by kas)",
        "integration/test_keys_page.py::test_the_page_leads_to_an_image_without_a_key_in_a_file",
        "integration/test_keys_page.py::test_a_program_signs_as_the_page_has_it",
    ),
    "meta-pantavisor/docs/library.md": (
        "unit/test_app.py::test_the_example_of_the_page_runs_as_it_stands",
    ),
    "meta-pantavisor/docs/new-board.md": (
        "(the layer of a vendor: oecore/test_boards.py builds such machines)",
        "bitbake/test_mistakes.py::test_the_recipe_of_the_readme_is_one",
        "(as the first)",
    ),
    "meta-pantavisor/docs/own-layer.md": (
        "boot/test_product.py::test_its_app_answers_at_the_address_of_its_network_container",
        "(boot/test_product.py boots that image by what scripts/qemu consists of)",
        "boot/test_product.py::test_a_newer_app_is_built_alone_and_kept_by_the_device",
        "oecore/test_multiconfig.py::test_another_configuration_builds_the_parts",
    ),
    "meta-pantavisor/docs/packages.md": (
        *("integration/test_pages.py::test_the_page_of_packages_is_true",) * 4,
    ),
    "meta-pantavisor/docs/pvr.md": (
        "integration/test_pages.py::test_help_completion_and_manual_are_there_as_the_page_has_them",
        "integration/test_pages.py::test_json_has_the_members_of_the_page",
    ),
    "meta-pantavisor/docs/replay.md": (
        *("bitbake/test_container.py::test_the_step_is_run_again_as_the_page_describes",) * 2,
    ),
    "meta-pantavisor/docs/tutorial.md": (
        "(scripts/quickstart, on which every boot test rests)",
        *("boot/test_tutorial.py::test_a_dockerfile_becomes_a_device_that_boots",) * 6,
    ),
    "meta-pantavisor/docs/updates.md": (
        "boot/test_product.py::test_an_app_is_updated_from_a_laptop",
        "integration/test_pages.py::test_a_card_is_written_as_the_page_has_it",
        "integration/test_pages.py::test_a_stick_is_filled_as_the_page_has_it",
        "(boot/test_usb.py boots with sticks by what scripts/qemu consists of)",
    ),
}
RUNNABLE = re.compile(r"^```(?:sh|bitbake|yaml|python)$", re.MULTILINE)


def section(page: str, heading: str) -> str:
    """The first block of commands behind a heading that has the command."""
    blocks = re.findall(r"```sh\n(.*?)```", page.partition(f"## {heading}\n")[2], re.DOTALL)
    return str(next(block for block in blocks if "pvr " in block))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a root file system, and ``pvr`` on the path."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "bin").mkdir()
    (folder / "bin/pvr").write_text(f'#!/bin/sh\nexec {sys.executable} -m pantavisor "$@"\n')
    (folder / "bin/pvr").chmod(0o755)
    for name in ("sbin/init", "etc/hostname"):
        (folder / "rootfs" / name).parent.mkdir(parents=True)
        (folder / "rootfs" / name).touch(0o755)
    return folder


def shell(commands: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, "PATH": f"{folder / 'bin'}:{ENVIRONMENT['PATH']}", "HOME": str(folder)}
    environment.update(variables)
    return subprocess.run(
        ["bash", "-euc", commands], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )


@pytest.fixture(scope="module")
def made(place: Path) -> Path:
    done = shell(section(REFERENCE, "In ten lines"), place)
    assert done.returncode == 0, done.stderr
    assert "0 problems; checked every part signed by a trusted root" in done.stderr
    assert (place / "web.tgz").exists()
    return place


def test_a_card_is_written_as_the_page_has_it(made: Path) -> None:
    commands = section((DOCS / "updates.md").read_text(), "Onto the card or the disk")
    mount, deploy, umount = commands.splitlines()
    assert mount.startswith("sudo mount /dev/") and umount == "sudo umount /mnt"
    first = shell("pvr deploy --commit card/trails/0 device", made)
    assert "the device boots 0 from now on" in first.stderr
    done = shell(deploy.removeprefix("sudo ").replace("/mnt", str(made / "card")), made)
    assert "the device tries locals/newer once, and returns to 0 if it does not run well" in done.stderr
    assert done.stderr.strip().splitlines()[-1] in (DOCS / "updates.md").read_text()


def test_a_stick_is_filled_as_the_page_has_it(made: Path) -> None:
    commands = section((DOCS / "updates.md").read_text(), "From a USB stick")
    (made / "stick").mkdir()
    done = shell("cd device\n" + commands.replace("/media/", f"{made}/"), made)
    assert done.returncode == 0 and (made / "stick/update.pvrexport.tgz").exists(), done.stderr


def test_the_readme_is_true(place: Path, tmp_path: Path) -> None:
    commands = section((DOCS.parents[1] / "README.md").read_text(), "Without BitBake")
    (tmp_path / "bin").symlink_to(place / "bin")
    with Registry() as registry:
        files = {"bin/sh": b"", "etc/hostname": b"box\n"}
        registry.add("library/nginx", "1.27", images.image(files, platform="linux/arm64"))
        mirror = f"docker.io={registry.host}"
        done = shell(commands, tmp_path, PVR_REGISTRY_MIRRORS=mirror)
    assert done.returncode == 0, done.stderr
    assert "0 problems; checked every part signed" in done.stderr and (tmp_path / "device.html").exists()


def test_a_release_is_checked_as_the_page_of_builds_has_it(place: Path, tmp_path: Path) -> None:
    built.device(tmp_path, release=4)
    (tmp_path / "bin").symlink_to(place / "bin")
    (tmp_path / "ca.crt").symlink_to("given/keys/ca.crt")
    for name in ("product-device-board.img", "previous.img"):
        (tmp_path / name).symlink_to("made/device.img")
    page = (DOCS / "builds.md").read_text()
    lock, build, verify, compare = section(page, "A release in CI").splitlines()
    assert lock.startswith("kas ") and build.startswith("kas ")
    done = shell(f"{verify}\n{compare}", tmp_path)
    assert done.returncode == 0 and "0 problems" in done.stderr, done.stderr
    cache = shell(section(page, "The cache of packed blocks"), tmp_path)
    assert cache.returncode == 0 and str(tmp_path) in cache.stdout, cache.stderr


def test_the_page_of_packages_is_true(place: Path, tmp_path: Path) -> None:
    built.device(tmp_path, release=4)
    (tmp_path / "bin").symlink_to(place / "bin")
    for name in ("device.img", "previous.img"):
        (tmp_path / name).symlink_to("made/device.img")
    # As a class of openembedded-core writes one, and as OSV does.
    document = shell("pvr sbom made/web.tgz --out web-rootfs.spdx.json", tmp_path)
    assert document.returncode == 0, document.stderr
    (tmp_path / "advisories").mkdir()
    advisory = {"id": "X-1", "modified": "2025-01-01T00:00:00Z", "affected": []}
    (tmp_path / "advisories/X-1.json").write_text(json.dumps(advisory))
    blocks = re.findall(r"```sh\n(.*?)```", (DOCS / "packages.md").read_text(), re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        done = shell(block, tmp_path)
        assert done.returncode == 0, f"{block}\n{done.stderr}"
    assert (tmp_path / "changes.html").exists()
    assert json.loads((tmp_path / "device.cdx.json").read_text())["bomFormat"] == "CycloneDX"
    assert "@graph" in json.loads((tmp_path / "device.spdx.json").read_text())


def test_help_completion_and_manual_are_there_as_the_page_has_them(place: Path) -> None:
    (block,) = re.findall(r"```sh\n(pip install.*?)```", REFERENCE, re.DOTALL)
    install, *lines, manual = block.splitlines()
    assert install.startswith("pip ") and manual.startswith("pvr man | man -l -")
    done = shell("\n".join([*lines, manual.replace("man -l -", "head -n 1")]), place)
    assert done.returncode == 0 and "usage: pvr" in done.stdout and ".TH" in done.stdout, done.stderr


def test_each_block_of_each_page_is_run_or_it_is_said_why_not() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("kas/**/*.md"), *DOCS.rglob("*.md")]
    counts = {path.relative_to(ROOT).as_posix(): len(RUNNABLE.findall(path.read_text())) for path in pages}
    assert {page: count for page, count in counts.items() if count} == {
        page: len(runs) for page, runs in BLOCKS.items()
    }
    for run in {run for runs in BLOCKS.values() for run in runs if not run.startswith("(")}:
        file, _, name = run.partition("::")
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(), run


@pytest.mark.parametrize(("call", "members"), CALLS, ids=[call for call, _ in CALLS])
def test_json_has_the_members_of_the_page(call: str, members: str, made: Path) -> None:
    done = shell(f"cd device && {call}", made)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    named = set(re.findall(r"`([#a-z_]+)`", members))
    assert named <= set(found[0] if isinstance(found, list) else found)
    assert named or members.endswith(("src.json](formats/src-json.md)", "device.json itself"))


def test_the_table_has_every_command_with_json() -> None:
    chapters = re.findall(r"^### `(pvr .*?)`\n(.*?)(?=^###|\Z)", REFERENCE, re.MULTILINE | re.DOTALL)
    verbs = {heading for heading, body in chapters if "`--json`" in body}
    assert (
        verbs
        == {
            re.sub(r" --cacerts \S+|( web| DEVICE| LEDGER| IMAGE --\w+ [A-Z]+| \.)? --json$", "", call)
            for call, _ in LISTED
        }
        and len(verbs) == 12
    )


@pytest.mark.parametrize(
    ("words", "status"), [("status", 2), ("verify nothing", 2), ("--version", 0), ("stauts", 2)]
)
def test_exit_statuses_are_those_of_the_page(words: str, status: int, place: Path) -> None:
    assert shell(f"cd bin && pvr {words}", place).returncode == status
