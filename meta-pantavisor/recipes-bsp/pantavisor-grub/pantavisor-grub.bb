# SPDX-License-Identifier: MIT
SUMMARY = "GRUB for EFI machines, choosing the revision to boot"
DESCRIPTION = "One EFI program with its modules, its configuration and the key of what it loads inside: no \
file on the boot partition decides what boots."
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

SRC_URI = "file://grub.cfg"
# scarthgap unpacks into WORKDIR itself.
PANTAVISOR_GRUB_CFG = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}/grub.cfg"

DEPENDS = "grub-efi grub-efi-native"
COMPATIBLE_HOST = "(x86_64|aarch64).*-linux"
PACKAGE_ARCH = "${MACHINE_ARCH}"

PVS_FILES = "PVS_BOOT_KEY PANTAVISOR_EFI_KEY"
inherit pvr-artifact pantavisor-efi-key

PANTAVISOR_CONSOLE ??= "ttyS0,115200"
PANTAVISOR_CONSOLE:aarch64 ??= "ttyAMA0,115200"
PANTAVISOR_CONSOLE[doc] = "Serial console of the machine, as in the kernel's console=."
PANTAVISOR_CMDLINE ??= "console=tty0 console=${PANTAVISOR_CONSOLE}"
PANTAVISOR_CMDLINE[doc] = "The kernel's command line, without the revision."
PANTAVISOR_GRUB_MODULES ??= "part_gpt part_msdos fat ext2 search search_label regexp loadenv linux normal \
    test true echo sleep reboot memdisk tar configfile minicmd efi_gop gzio probe pgp gcry_rsa gcry_sha256 \
    gcry_sha512 ${PANTAVISOR_GRUB_MODULES_BOARD}"
PANTAVISOR_GRUB_MODULES[doc] = "Modules inside the program."
PANTAVISOR_GRUB_MODULES_BOARD ??= ""
PANTAVISOR_GRUB_MODULES_BOARD:aarch64 ??= "fdt"
PANTAVISOR_GRUB_MODULES_BOARD[doc] = "Further modules for the machine."

GRUB_FORMAT = "x86_64-efi"
GRUB_FORMAT:aarch64 = "arm64-efi"
EFI_BOOT_IMAGE ??= "bootx64.efi"
EFI_BOOT_IMAGE:aarch64 ??= "bootaa64.efi"

# With a key inside, GRUB loads only what is signed by it.
python do_boot_key() {
    pvbb.tasks.write_boot_key(d)
}
do_boot_key[dirs] = "${B}"
do_boot_key[cleandirs] = "${B}"
do_boot_key[vardeps] += "PVS_BOOT_KEY"
do_boot_key[file-checksums] += "${PVR_LIB_CHECKSUMS} ${PVS_BOOT_CHECKSUMS}"
addtask boot_key after do_configure before do_mkimage

do_mkimage() {
    rm -rf ${B}/memdisk
    # A memory disk of our own: the times in it are given ones, unlike those in grub-mkstandalone's.
    install -D -m 0644 ${PANTAVISOR_GRUB_CFG} ${B}/memdisk/boot/grub/grub.cfg
    echo 'set board_args="${PANTAVISOR_CMDLINE}"' > ${B}/memdisk/boot/grub/board.cfg
    chmod 0644 ${B}/memdisk/boot/grub/board.cfg
    tar -C ${B}/memdisk --create --file ${B}/memdisk.tar --format=ustar --sort=name \
        --mtime=@${SOURCE_DATE_EPOCH} --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX boot
    set --
    if [ -e ${B}/boot-key.gpg ]; then
        # The key verifies the kernel, in place of a shim that may be missing.
        set -- --pubkey=${B}/boot-key.gpg --disable-shim-lock
    elif [ "${PANTAVISOR_EFI_IS_SIGNED}" = 1 ]; then
        bbfatal "PVS_BOOT_KEY is empty, so a GRUB that PANTAVISOR_EFI_KEY signs" \
            "would boot any kernel under Secure Boot"
    fi
    grub-mkimage "$@" --directory=${STAGING_LIBDIR}/grub/${GRUB_FORMAT} --format=${GRUB_FORMAT} \
        --memdisk=${B}/memdisk.tar --prefix='(memdisk)/boot/grub' \
        --output=${B}/pantavisor-grub-${EFI_BOOT_IMAGE} ${PANTAVISOR_GRUB_MODULES}
}
do_mkimage[dirs] = "${B}"
addtask mkimage after do_boot_key before do_efi_sign

PANTAVISOR_EFI_PROGRAM = "${B}/pantavisor-grub-${EFI_BOOT_IMAGE}"
addtask efi_sign after do_mkimage before do_deploy

do_deploy() {
    signed="${PANTAVISOR_EFI_DIR}/pantavisor-grub-${EFI_BOOT_IMAGE}"
    [ -e "$signed" ] || signed="${PANTAVISOR_EFI_PROGRAM}"
    install -m 0644 "$signed" ${DEPLOYDIR}/
}
addtask deploy after do_efi_sign before do_build
