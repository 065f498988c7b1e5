# SPDX-License-Identifier: MIT
"""Whether a kernel's final configuration has what the features of a device need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sim import bitbake_library

bitbake_library.need()

import bb  # noqa: E402
import bb.data  # noqa: E402
import bb.parse  # noqa: E402
import pvbb.kernelconfig  # noqa: E402

LAYER = Path(__file__).parents[2] / "meta-pantavisor"
FRAGMENTS = sorted((LAYER / "files/kernel").glob("*.cfg"))


def kernel(folder: Path, config: str, features: str) -> Any:
    (folder / ".config").write_text(config)
    d = bb.data.init()
    values = {"PN": "linux", "B": str(folder), "PANTAVISOR_LAYERDIR": str(LAYER),
              "PANTAVISOR_KERNEL_FEATURES": features}  # fmt: skip
    for name, value in values.items():
        d.setVar(name, value)
    return d


def whole(*features: str) -> str:
    return "".join((LAYER / f"files/kernel/pantavisor-{name}.cfg").read_text() for name in features)


def test_a_kernel_with_all_options_passes(tmp_path: Path) -> None:
    pvbb.kernelconfig.check(kernel(tmp_path, whole("runtime", "verity"), "runtime verity"))


def test_what_may_be_a_module_may_be_one(tmp_path: Path) -> None:
    config = whole("runtime").replace("CONFIG_EXT4_FS=y", "CONFIG_EXT4_FS=m")
    pvbb.kernelconfig.check(kernel(tmp_path, config, "runtime"))


def test_each_missing_option_is_named_with_the_line_to_add(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = whole("runtime", "containers").replace("CONFIG_UNIX=y", "CONFIG_UNIX=m")
    config = config.replace("CONFIG_MEMCG=y", "# CONFIG_MEMCG is not set")
    with pytest.raises(bb.BBHandledException):
        pvbb.kernelconfig.check(kernel(tmp_path, config, "runtime containers"))
    assert "lacks 2 options" in caplog.text
    lines = caplog.text.splitlines()
    assert "CONFIG_MEMCG=y  # containers; it is not set" in lines
    assert "CONFIG_UNIX=y  # runtime; it is m" in lines
    assert "hint: add to the kernel's configuration" in caplog.text


def test_a_kernel_that_has_merged_the_lines_is_not_asked_to_add_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    d = kernel(tmp_path, "# CONFIG_SQUASHFS_XZ is not set", "xz")
    d.setVar("__inherit_cache", ["/layer/classes/kernel-yocto.bbclass"])
    with pytest.raises(bb.BBHandledException):
        pvbb.kernelconfig.check(d)
    assert "lacks 1 option that" in caplog.text
    assert "hint: remove what turns them off again, such as a fragment of KERNEL_FEATURES" in caplog.text


def test_a_misspelt_feature_skips_the_kernel_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(bb.parse.SkipRecipe, match='"containrs".*use "containers"'):
        pvbb.kernelconfig.fragments(kernel(tmp_path, "", "containrs"))


def test_fragments_are_merged_without_the_place_of_the_layer(tmp_path: Path) -> None:
    d = kernel(tmp_path, "", "xz zstd")
    assert pvbb.kernelconfig.sources(d) == ""
    d.setVar("__inherit_cache", ["/layer/classes/kernel-yocto.bbclass"])
    assert pvbb.kernelconfig.sources(d) == "file://pantavisor-xz.cfg file://pantavisor-zstd.cfg"


def test_a_kernel_that_is_not_configured_is_a_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    d = kernel(tmp_path, "", "xz")
    (tmp_path / ".config").unlink()
    with pytest.raises(bb.BBHandledException):
        pvbb.kernelconfig.check(d)
    assert ".config cannot be read: No such file or directory" in caplog.text


@pytest.mark.parametrize(
    ("feature", "menus"),
    [
        ("runtime", "BLOCK NET TTY SHMEM BLK_DEV MISC_FILESYSTEMS"),
        ("containers", "MULTIUSER NET NETDEVICES NET_CORE SECCOMP SYSVIPC"),
        ("verity", "MD CRYPTO"),
        ("usb", "USB_SUPPORT NLS USB SCSI BLK_DEV_SD"),
    ],
)
def test_a_fragment_brings_what_its_options_depend_on(feature: str, menus: str) -> None:
    """Without MD, which multi_v7_defconfig leaves out, BLK_DEV_DM is dropped in silence."""
    lines = whole(feature).splitlines()
    assert {f"CONFIG_{menu}=y" for menu in menus.split()} <= set(lines)


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.stem)
def test_a_fragment_holds_options_only_and_its_name_is_documented(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# ")
    options = [line for line in lines if line and not line.startswith("#")]
    assert options and all(line.startswith("CONFIG_") and line.endswith("=y") for line in options)
    words = (LAYER / "classes/pantavisor-kernel.bbclass").read_text()
    assert path.stem.removeprefix("pantavisor-") in words.partition("[doc]")[2].partition("\n\n")[0]
