# SPDX-License-Identifier: MIT
# The initramfs as an image of openembedded-core: pantavisor-initramfs-<MACHINE>.cpio.zst in
# DEPLOY_DIR_IMAGE. Its C library is the distribution's.
require recipes-pv/pantavisor-initramfs/pantavisor-initramfs-content.inc

# No shell, no package manager, nothing of the distribution's.
PACKAGE_INSTALL = "packagegroup-pantavisor-initramfs"
PACKAGE_EXCLUDE = "kernel-image-*"
IMAGE_FEATURES = ""
IMAGE_LINGUAS = ""
IMAGE_FSTYPES = "cpio.zst"
IMAGE_NAME_SUFFIX = ""
IMAGE_ROOTFS_SIZE = "8192"
IMAGE_ROOTFS_EXTRA_SPACE = "0"
PACKAGE_ARCH = "${MACHINE_ARCH}"

inherit image pvr-image-bill

initramfs_places() {
    for place in ${PANTAVISOR_INITRAMFS_DIRECTORIES}; do
        mkdir -p ${IMAGE_ROOTFS}$place
    done
    for pair in ${PANTAVISOR_INITRAMFS_LINKS}; do
        mkdir -p $(dirname ${IMAGE_ROOTFS}${pair%%=*})
        # What packages made there in place of the link is empty, or the build stops.
        [ -h ${IMAGE_ROOTFS}${pair%%=*} ] || [ ! -d ${IMAGE_ROOTFS}${pair%%=*} ] || \
            rmdir ${IMAGE_ROOTFS}${pair%%=*}
        ln -sfn ${pair#*=} ${IMAGE_ROOTFS}${pair%%=*}
    done
    # The kernel opens it for PID 1 before anything is mounted.
    [ -e ${IMAGE_ROOTFS}/dev/console ] || mknod -m 0600 ${IMAGE_ROOTFS}/dev/console c 5 1
}
ROOTFS_POSTPROCESS_COMMAND += "initramfs_places"

# depmod runs after ROOTFS_POSTPROCESS_COMMAND.
python initramfs_modules() {
    pvbb.initramfs.list_modules(d)
}
IMAGE_PREPROCESS_COMMAND += "initramfs_modules"
do_image[file-checksums] += "${PANTAVISOR_LAYERDIR}/lib/pvbb/initramfs.py:True"
# openembedded-core appends to it without a blank.
do_image[vardeps] += "PANTAVISOR_INITRAMFS_MODULES PANTAVISOR_INITRAMFS_MODULES_OPTIONAL "

# The name by which PVR_BSP_DEPENDS waits for it.
do_deploy[noexec] = "1"
addtask deploy after do_image_complete before do_build
