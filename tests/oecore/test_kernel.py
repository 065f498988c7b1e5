# SPDX-License-Identifier: MIT
"""The final configuration of real kernels, as openembedded-core's classes make it from the kernel's source,
and what do_pantavisor_kernel finds in it.
"""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import kernels
import pytest
from checkouts import Checkout, find, why_missing

PC, *ARM = kernels.MACHINES
MISSING = re.compile(r"^(CONFIG_\w+=y)  # (\w+); it is not set$", re.MULTILINE)
# What the kernel's own configuration for PCs lacks, with what needs it.
LACKING = {"CONFIG_SQUASHFS=y": "runtime", "CONFIG_OVERLAY_FS=y": "runtime", "CONFIG_VETH=y": "containers",
           "CONFIG_MEMCG=y": "containers", "CONFIG_DM_VERITY=y": "verity"}  # fmt: skip
# What is lost with CONFIG_SQUASHFS, and by itself.
LEAN = "# CONFIG_MEMCG is not set\nCONFIG_SQUASHFS=n\n"
LOST = {"CONFIG_MEMCG=y": "containers", "CONFIG_SQUASHFS=y": "runtime",
        "CONFIG_SQUASHFS_XATTR=y": "runtime", "CONFIG_SQUASHFS_XZ=y": "xz",
        "CONFIG_SQUASHFS_ZSTD=y": "zstd"}  # fmt: skip


@dataclass(frozen=True)
class Desk:
    """The kernels of a release, a build directory for each machine in ``root``."""

    checkout: Checkout
    source: Path
    root: Path

    def run(self, kernel: str, machine: kernels.Machine, lines: str) -> str:
        """What BitBake prints, up to the check."""
        place = self.root / machine.name
        place.mkdir(exist_ok=True)
        text = f'KERNEL_FILES = "{self.root}"\n{lines}'
        build = kernels.make(self.checkout, machine, self.source, place, kernel, text)
        return build.bitbake("-c", "pantavisor_kernel", kernel).stdout

    def plain(self) -> str:
        return self.run("linux-plain", PC, "")

    def merged(self, machine: kernels.Machine, lines: str = "") -> str:
        return self.run("linux-merged", machine, lines)

    def config(self, machine: kernels.Machine) -> str:
        """The final one of the merged kernel."""
        work = self.root / machine.name / "build"
        (found,) = work.glob("tmp*/work/*/linux-merged/*/build/.config")
        return found.read_text()


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kernels.source(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def desk(checkout: Checkout, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    root = tmp_path_factory.mktemp(checkout.release)
    yield Desk(checkout, source, root)
    shutil.rmtree(root, ignore_errors=True)


def missing(printed: str) -> dict[str, str]:
    """The lines to add, with the feature that needs each."""
    return dict(MISSING.findall(printed))


def test_a_plain_kernel_lacks_what_the_printed_lines_bring(desk: Desk) -> None:
    config = desk.root / "defconfig"
    with tarfile.open(desk.source) as archive:
        found = archive.extractfile(f"{desk.source.stem}/arch/x86/configs/{PC.defconfig}")
        assert found is not None
        config.write_bytes(found.read())
    printed = desk.plain()
    lines = missing(printed)
    assert LACKING.items() <= lines.items(), printed
    assert f"lacks {len(lines)} options" in printed and "hint: add to the kernel's configuration" in printed
    with config.open("a") as stream:
        stream.writelines(f"{line}\n" for line in lines)
    printed = desk.plain()
    assert "do_pantavisor_kernel: Succeeded" in printed, printed


def test_fragments_are_merged_after_those_of_the_recipe(desk: Desk) -> None:
    board = desk.root / "board.cfg"
    board.write_text("# CONFIG_OVERLAY_FS is not set\nCONFIG_SOFT_WATCHDOG=y\n")
    printed = desk.merged(PC, f'KERNEL_FRAGMENTS = "file://{board.name}"\n')
    assert "do_pantavisor_kernel: Succeeded" in printed, printed
    assert {"CONFIG_OVERLAY_FS=y", "CONFIG_SOFT_WATCHDOG=y"} <= set(desk.config(PC).splitlines())


def test_what_a_later_fragment_turns_off_is_named(desk: Desk) -> None:
    fragment = desk.root / "lean.cfg"
    fragment.write_text(LEAN)
    printed = desk.merged(
        PC, f'KERNEL_FRAGMENTS = "file://{fragment.name}"\nKERNEL_FEATURES = "lean.cfg"\n'
    )
    assert missing(printed) == LOST, printed
    assert "hint: remove what turns them off again, such as a fragment of KERNEL_FEATURES" in printed


@pytest.mark.parametrize("machine", ARM, ids=[machine.name for machine in ARM])
def test_the_fragments_are_enough_on_arm(machine: kernels.Machine, source: Path, tmp_path: Path) -> None:
    scarthgap = find("scarthgap")
    if scarthgap is None:
        pytest.skip(why_missing("scarthgap"))
    printed = Desk(scarthgap, source, tmp_path).merged(machine)
    assert "do_pantavisor_kernel: Succeeded" in printed, printed
