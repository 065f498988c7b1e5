# SPDX-License-Identifier: MIT
SUMMARY = "Kernel, modules, device trees, initramfs and GRUB, as far as their first bytes go"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"
PROVIDES = "virtual/kernel"

INHIBIT_DEFAULT_DEPS = "1"
PACKAGE_ARCH = "${MACHINE_ARCH}"
S = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}"

inherit deploy nopackages

do_configure[noexec] = "1"
do_compile[noexec] = "1"
do_install[noexec] = "1"
deltask do_populate_sysroot

python do_deploy() {
    import io, os, struct, tarfile

    machine = d.getVar("MACHINE")
    trees = [os.path.basename(name) for name in (d.getVar("KERNEL_DEVICETREE") or "").split()]
    arm = d.getVar("TARGET_ARCH") == "aarch64"
    coff = b"PE\0\0" + struct.pack("<H", 0xAA64 if arm else 0x8664)
    files = {
        d.getVar("KERNEL_IMAGETYPE"): b"kernel" * 30000,
        **{name: name.encode() * 999 for name in trees},
        f"pantavisor-initramfs-{machine}.cpio.zst": b"initramfs" * 7000,
        f"pantavisor-grub-boot{'aa' if arm else 'x'}64.efi":
            b"MZ" + bytes(58) + struct.pack("<I", 64) + coff + bytes(9000),
    }
    modules = io.BytesIO()
    with tarfile.open(fileobj=modules, mode="w") as archive:
        for name, content in {"kernel/loop.ko": b"loop" * 999, "modules.dep": b"kernel/loop.ko:\n"}.items():
            member = tarfile.TarInfo(f"lib/modules/6.6.1/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    files[f"modules-{machine}.tgz"] = modules.getvalue()
    for name, content in files.items():
        with open(os.path.join(d.getVar("DEPLOYDIR"), name), "wb") as stream:
            stream.write(content)
}
addtask deploy after do_configure before do_build
