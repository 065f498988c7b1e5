# SPDX-License-Identifier: MIT
# The bsp part of the state: kernel, initramfs with PID 1, device tree, modules and firmware, with
# device.json, signed, as <PN>-<MACHINE>.pvrexport.tgz in DEPLOY_DIR_IMAGE.
#
#   PVR_BSP_KERNEL = "bzImage"
#   inherit bsp-pvrexport
#
# Files are named relative to DEPLOY_DIR_IMAGE, where the kernel's and the initramfs's recipes deploy them.

inherit pvr-artifact pantavisor-efi-key

PVR_BSP_KERNEL ??= "${KERNEL_IMAGETYPE}"
PVR_BSP_KERNEL[doc] = "Kernel image in DEPLOY_DIR_IMAGE."
PVR_BSP_INITRAMFS ??= "pantavisor-initramfs-${MACHINE}.cpio.zst"
PVR_BSP_INITRAMFS[doc] = "Initramfs with pantavisor as PID 1, in DEPLOY_DIR_IMAGE."
PVR_BSP_FIT ??= ""
PVR_BSP_FIT[doc] = "FIT in DEPLOY_DIR_IMAGE with kernel, initramfs and device trees, for U-Boot, in place \
of PVR_BSP_KERNEL, PVR_BSP_INITRAMFS and PVR_BSP_FDT."
PVR_BSP_FDT ??= ""
PVR_BSP_FDT[doc] = "Device tree blob in DEPLOY_DIR_IMAGE, for boards whose boot loader needs one. Of \
several, as KERNEL_DEVICETREE lists them, U-Boot takes the one that its fdtfile names, else the first."
PVR_BSP_MODULES ??= "modules-${MACHINE}.tgz"
PVR_BSP_MODULES[doc] = "Tarball with lib/modules/<release>, in DEPLOY_DIR_IMAGE. Empty: no modules."
PVR_BSP_FIRMWARE ??= ""
PVR_BSP_FIRMWARE[doc] = "Tarball with lib/firmware, in DEPLOY_DIR_IMAGE. Empty: no firmware."
PVR_BSP_DEPENDS ??= "virtual/kernel:do_deploy pantavisor-initramfs:do_deploy"
PVR_BSP_DEPENDS[doc] = "Tasks that deploy the files of PVR_BSP_*."
PVR_DEVICE_JSON ??= ""
PVR_DEVICE_JSON[doc] = "device.json of SRC_URI with groups, disks and volumes. Empty: groups data, root, \
platform and app."
PVR_PROFILE ??= "balanced"
PVR_PROFILE[doc] = "Compression of the modules' and the firmware's squashfs: fast, light, balanced, small, \
or a codec such as zstd:19 or lz4."
PVR_SOURCE_DATE_EPOCH ??= "${SOURCE_DATE_EPOCH}"
PVR_SOURCE_DATE_EPOCH[doc] = "Latest time of any file in the modules' and the firmware's squashfs. Empty: \
the times in the tarballs."

PVS_FILES = "${PVS_PART_FILES} PVS_BOOT_KEY PANTAVISOR_EFI_KEY"
PVR_EXPORT = "${B}/${PN}-${MACHINE}.pvrexport.tgz"

PACKAGE_ARCH = "${MACHINE_ARCH}"
# The initramfs is the board's: not every machine has one, so bitbake world leaves this out.
EXCLUDE_FROM_WORLD = "1"

PANTAVISOR_EFI_PROGRAM = "${DEPLOY_DIR_IMAGE}/${PVR_BSP_KERNEL}"
do_efi_sign[depends] += "${PVR_BSP_DEPENDS}"
addtask efi_sign after do_configure before do_pvrexport

python do_pvrexport() {
    pvbb.tasks.export_bsp(d)
}
do_pvrexport[dirs] = "${B}"
do_pvrexport[cleandirs] = "${B}"
# BitBake follows only calls by full dotted name, so what the job reads is listed.
do_pvrexport[vardeps] += "PVR_BSP_KERNEL PVR_BSP_INITRAMFS PVR_BSP_FDT PVR_BSP_MODULES PVR_BSP_FIRMWARE \
    PVR_DEVICE_JSON PVR_BSP_FIT PVS_SIGN"
do_pvrexport[vardeps] += "PVR_PROFILE PVR_SOURCE_DATE_EPOCH PVS_BOOT_KEY PANTAVISOR_EFI_KEY"
do_pvrexport[depends] += "${PVR_BSP_DEPENDS}"
do_pvrexport[file-checksums] += "${PVR_LIB_CHECKSUMS} ${PVS_PART_CHECKSUMS} ${PVS_BOOT_CHECKSUMS}"
python () {
    pvbb.outside.bsp(d)
}
addtask pvrexport after do_configure before do_deploy

do_deploy() {
    install -m 0644 ${PVR_EXPORT} ${DEPLOYDIR}/
}
addtask deploy after do_pvrexport before do_build
