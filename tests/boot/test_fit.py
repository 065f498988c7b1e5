# SPDX-License-Identifier: MIT
"""What U-Boot starts besides a kernel with the firmware's device tree: a FIT, one that it verifies by its
own key, and a kernel with one of several device trees. Real kernels, in devices that run.

The device trees are QEMU's own with another model, which the kernel prints. U-Boot's public key is in the
device tree that QEMU hands to it, as boards have it in U-Boot's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from card import deploy, mounted
from contract import run
from devtools import guest as qemu
from made import Desk
from place import BOOT_SECONDS
from sim import tools
from storage import Storage

NEXT = "locals/next"
MEMORY = 512
HEADS = 64 + 8  # of an image of U-Boot, and of its list of one script
KERNEL_AT = 0x40400000  # kernel_addr_r of U-Boot
# What each image of the FIT is; the kernel's place is the only one that cannot be left to U-Boot.
SOURCE = """/dts-v1/;
/ {{
	description = "a device";
	#address-cells = <1>;
	images {{
		kernel {{
			data = /incbin/("{kernel}");
			type = "kernel"; arch = "arm64"; os = "linux"; compression = "none";
			load = <{at:#x}>; entry = <{at:#x}>;
			hash {{ algo = "sha256"; }};
		}};
		ramdisk {{
			data = /incbin/("{initramfs}");
			type = "ramdisk"; arch = "arm64"; os = "linux"; compression = "none";
			hash {{ algo = "sha256"; }};
		}};
		fdt {{
			data = /incbin/("{tree}");
			type = "flat_dt"; arch = "arm64"; compression = "none";
			hash {{ algo = "sha256"; }};
		}};
	}};
	configurations {{
		default = "board";
		board {{
			kernel = "kernel"; ramdisk = "ramdisk"; fdt = "fdt";
			{signature}
		}};
	}};
}};
"""
SIGNATURE = 'signature {{ algo = "sha256,rsa2048"; key-name-hint = "{key}"; \
sign-images = "kernel", "ramdisk", "fdt"; }};'


@pytest.fixture(scope="module")
def made(desk: Desk) -> Desk:
    """Where to make devices that U-Boot starts."""
    tools.need_root()
    if not desk.machine.endswith("-uboot"):
        pytest.skip(f"{desk.machine} is not started by U-Boot; use --machine qemuarm64-uboot")
    tools.need("dtc", package="device-tree-compiler")
    return desk


@pytest.fixture(scope="module")
def tree(made: Desk) -> Path:
    """The device tree of the machine."""
    path = made.folder / "qemu.dtb"
    program, *options = qemu.MACHINES[made.machine].argv()
    run(program, *options, "-machine", f"dumpdtb={path}", "-m", str(MEMORY), "-display", "none")
    return path


def with_model(tree: Path, model: str) -> Path:
    path = tree.with_name(f"{model.replace(' ', '-')}.dtb")
    path.write_bytes(tree.read_bytes())
    run("fdtput", "-t", "s", str(path), "/", "model", model)
    return path


def make_key(folder: Path, name: str) -> None:
    """A private key and a certificate, as mkimage looks for them."""
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=boot", "-days", "30"]
    run(*argv, "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt"))


def make_fit(desk: Desk, tree: Path, *, key: str = "", control: Path | None = None) -> Path:
    """Of the build's kernel and initramfs, signed by ``key``, whose public half gets into ``control``."""
    source, fit = desk.folder / "board.its", desk.folder / "board.fit"
    source.write_text(
        SOURCE.format(
            kernel=desk.kernel, initramfs=desk.initramfs, tree=tree, at=KERNEL_AT,
            signature=SIGNATURE.format(key=key) if key else "",
        )
    )  # fmt: skip
    signing = ["-k", str(desk.folder)] if key else []
    signing += ["-K", str(control), "-r"] if control else []
    run("mkimage", "-f", str(source), *signing, str(fit))
    return fit


def device(desk: Desk, first: Path, second: Path) -> Storage:
    """A device of such an image, which is to try the revision of another one's."""
    storage, other = (
        Storage.of(image(desk, name, bsp)) for name, bsp in (("first", first), ("second", second))
    )
    with mounted(storage, desk.folder / "card") as card, mounted(other, desk.folder / "other") as revision:
        deploy(card / "trails" / NEXT, revision / "trails/0")
    return storage


def image(desk: Desk, name: str, bsp: Path) -> Path:
    alone = Desk(desk.folder / name, desk.machine)
    alone.folder.mkdir()
    return alone.image([bsp, desk.export("demo-system")])


@contextmanager
def started(storage: Storage, desk: Desk, *extra: str) -> Iterator[qemu.Guest]:
    setup = qemu.Setup(
        storage.image, desk.machine, qemu.free_ports(80), persist=True, memory_mib=MEMORY, extra=extra
    )
    with qemu.Guest(setup) as running:
        yield running


def test_a_fit_boots_and_another_one_is_tried_and_kept(made: Desk, tree: Path) -> None:
    desk = Desk(made.folder / "plain", made.machine)
    desk.folder.mkdir()
    first, second = (
        keep(desk.bsp_of(fit=make_fit(desk, with_model(tree, model))), model.partition(" ")[0])
        for model in ("first board", "second board")
    )
    storage = device(desk, first, second)
    with started(storage, desk) as running:
        running.wait_for(r"Machine model: second board", timeout=BOOT_SECONDS)
        running.wait_for(rf"revision {NEXT} COMMITTED", timeout=BOOT_SECONDS)
        assert "Machine model: first board" not in running.console
    storage.replay(desk.folder)
    assert storage.boot_environment(desk.machine, desk.folder) == (NEXT, "", "0")


def test_a_fit_that_another_key_signed_is_not_booted(made: Desk, tree: Path) -> None:
    desk = Desk(made.folder / "signed", made.machine)
    desk.folder.mkdir()
    control = desk.folder / "u-boot.dtb"
    control.write_bytes(tree.read_bytes())
    for key in ("ours", "theirs"):
        make_key(desk.folder, key)
    first = keep(desk.bsp_of(fit=make_fit(desk, tree, key="ours", control=control)), "first")
    second = keep(desk.bsp_of(fit=make_fit(desk, tree, key="theirs")), "second")
    storage = device(desk, first, second)
    with started(storage, desk, "-dtb", str(control)) as running:
        running.wait_for(rf"revision {NEXT} cannot be booted", timeout=BOOT_SECONDS)
        running.wait_for(rf"the try of revision {NEXT} is over, revision 0 stays", timeout=BOOT_SECONDS)
        assert "Failed to verify required signature" in running.console
        assert "sha256,rsa2048:ours+ OK" in running.console
        assert running.console.count("Starting kernel") == 1


def test_of_several_device_trees_the_one_of_the_board_is_taken(made: Desk, tree: Path) -> None:
    desk = Desk(made.folder / "trees", made.machine)
    desk.folder.mkdir()
    first, other = (with_model(tree, model) for model in ("first board", "other board"))
    bsp = desk.bsp_of(
        kernel=desk.kernel, initramfs=desk.initramfs, fdt=first, device_trees={"other-board.dtb": other}
    )
    for fdtfile, model in (("other-board.dtb", "other board"), ("absent.dtb", "first board")):
        script = desk.folder / "boot.scr"
        text = desk.folder / "boot.cmd"
        text.write_text(f"fdtfile={fdtfile}\n" + deployed_script(desk))
        run("mkimage", "-A", "arm64", "-T", "script", "-C", "none", "-d", str(text), str(script))
        files = {**desk.boot_files, "boot.scr": str(script)}
        disk = desk.image([bsp, desk.export("demo-system")], board={"boot": [{"files": files}]})
        with started(Storage.of(disk), desk) as running:
            running.wait_for(rf"Machine model: {model}", timeout=BOOT_SECONDS)
            running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)


def keep(export: Path, name: str) -> Path:
    """The next one is written in its place."""
    return export.rename(export.with_name(f"{name}.tgz"))


def deployed_script(desk: Desk) -> str:
    """The text of the build's boot.scr, after the two heads of a script."""
    return Path(desk.boot_files["boot.scr"]).read_bytes()[HEADS:].decode()
