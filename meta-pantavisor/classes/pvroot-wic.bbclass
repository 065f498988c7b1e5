# SPDX-License-Identifier: MIT
# The whole device as a disk image that wic lays out, as BSP layers do. In the image's recipe:
#
#   LICENSE = "MIT"
#   PVROOT_CONTAINERS = "web"
#   inherit pvroot-wic
#
# do_pvroot makes the storage partition, without fakeroot. do_image_wic puts it, as it is, where a line of
# the wks has: part --source rawcopy --sourceparams="file=${PVROOT_STORAGE}". The boot partition has
# IMAGE_BOOT_FILES of the machine, wildcards included, with a list of digests. do_pvroot_check reads the
# finished image back by the independent verifier.

inherit pvroot-parts pantavisor-files pantavisor-tool pvs-keys

PVROOT_WKS ??= "${@pvbb.boards.layout(d)}"
PVROOT_WKS[doc] = "File for wic that describes the disk. Default: one of this layer for the machine, in \
place of the WKS_FILE of its BSP layer."
PVROOT_STORAGE = "${B}/${PVROOT_NAME}.ext4"
PVROOT_STORAGE[doc] = "The storage partition, for rawcopy in a wks. Set by the class."
PVROOT_SUMS = "${WORKDIR}/boot-files/SHA256SUMS"
IMAGE_BOOT_FILES ??= "${@oe.utils.conditional('PANTAVISOR_BOOTLOADER', 'grub', \
    '${PVROOT_EFI_FILES}', '', d)}"
# The machine's own default stays, but for what U-Boot would start before the script.
IMAGE_BOOT_FILES:remove = "extlinux.conf;extlinux/extlinux.conf"
IMAGE_BOOT_FILES:append = " ${PVROOT_SCRIPT} ${PVROOT_SUMS};SHA256SUMS"

WKS_FILE = "${PVROOT_WKS}"
WKS_FILES = "${PVROOT_WKS}"
WKS_SEARCH_PATH:append = ":${PANTAVISOR_LAYERDIR}/wic"
# What the layer's own need, do_image_wic waits for anyway.
WKS_FILE_DEPENDS ?= ""
WICVARS:append = " PVROOT_STORAGE"
IMAGE_FSTYPES = "wic wic.bmap"
IMAGE_FSTYPES_DEBUGFS = ""

python () {
    pvbb.boards.install_nothing(d)
}

inherit image

# There is no root file system: containers bring their own.
PACKAGE_INSTALL = ""
IMAGE_FEATURES = ""
IMAGE_LINGUAS = ""
IMAGE_PREPROCESS_COMMAND = ""
IMAGE_POSTPROCESS_COMMAND = ""
IMAGE_QA_COMMANDS = ""
DEPENDS:remove = "qemuwrapper-cross depmodwrapper-cross cross-localedef-native"
DEPENDS += "${PVR_TOOL_DEPENDS} ${@'python3-pkcs11-native' if d.getVar('PVS_PKCS11') else ''} \
    e2fsprogs-native"
# Unlike other images, this one is kept in shared state, as what pvroot-image makes is.
SSTATE_SKIP_CREATION:task-image-complete = "0"
do_rootfs[cleandirs] = "${IMAGE_ROOTFS} ${IMGDEPLOYDIR}"

python do_pvroot() {
    pvbb.root.build_storage(d)
}
addtask pvroot after do_prepare_recipe_sysroot before do_image_wic

python pvroot_list_boot_files() {
    pvbb.root.list_boot_files(d)
}
do_image_wic[prefuncs] += "pvroot_list_boot_files"
do_image_wic[depends] += "${PVROOT_BOOT_DEPENDS}"
python () {
    pvbb.outside.image(d)
}

python do_pvroot_check() {
    pvbb.root.check_image(d)
}
do_pvroot_check[vardeps] += "PVS_SIGNERS PVROOT_RELEASE PVROOT_SBOM PVROOT_NAME SOURCE_DATE_EPOCH"
do_pvroot_check[file-checksums] += "${PVR_LIB_CHECKSUMS} ${PVS_CA}:True ${PVS_SIGNERS_CHECKSUMS}"
addtask pvroot_check after do_image_wic before do_image_complete
