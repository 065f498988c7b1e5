# SPDX-License-Identifier: MIT
# The whole device: containers and bsp -> one signed state -> storage tree -> flashable disk image with a
# .bmap.
#
#   LICENSE = "MIT"
#   PVROOT_CONTAINERS = "demo-system demo-nginx"
#   inherit pvroot-image
#
# The state is verified strictly (signatures, coverage, references, every object) before an image is
# written.

inherit pvr-artifact

PVROOT_CONTAINERS ??= ""
PVROOT_CONTAINERS[doc] = "Recipes whose pvrexport goes into the image; none: an image that runs nothing \
but the bsp."
PVROOT_CONTAINERS_CORE ??= ""
PVROOT_CONTAINERS_CORE[doc] = "The same, as images of the published layer call it; not next to \
PVROOT_CONTAINERS, which means something else there."
PVROOT_MULTICONFIG ??= ""
PVROOT_MULTICONFIG[doc] = "Configuration of BBMULTICONFIG in which the containers and the bsp are built. \
Empty: this one."
PVROOT_DEPLOY_DIR ??= "${DEPLOY_DIR_IMAGE}"
PVROOT_DEPLOY_DIR[doc] = "Where the exports of the containers and the bsp are deployed: DEPLOY_DIR_IMAGE \
of PVROOT_MULTICONFIG."
PVROOT_DEPLOY_DIR[vardepvalue] = ""
PVROOT_BSP ??= "pantavisor-bsp"
PVROOT_BSP[doc] = "Recipe whose pvrexport is the bsp."
PVROOT_SIZE ??= ""
PVROOT_SIZE[doc] = "Size of the disk image in MiB. Empty: the content and as much again for updates."
PVROOT_MEMORY ??= ""
PVROOT_MEMORY[doc] = "Memory that the board has for containers, such as 400M: the limits of all \
(PVR_MEMORY) must fit in it, and a container without one is warned of. Empty: not checked."
PVROOT_RELEASE ??= "1"
PVROOT_RELEASE[doc] = "Number of this release, which rises with each: PVS_KEY signs the set of all parts \
with it, so that none can be taken out or exchanged for that of another release. Empty: parts are not \
bound together."
PVROOT_SBOM ??= "spdx"
PVROOT_SBOM[doc] = "Formats of the bills of materials that are deployed with the image: spdx \
(<image>.spdx.json, SPDX 3, with what create-spdx-3.0 lists of image recipes), cyclonedx \
(<image>.cdx.json). Empty: none."
PVROOT_BOOT_DEPENDS ??= "pantavisor-grub:do_deploy"
PVROOT_BOOT_DEPENDS[doc] = "Tasks that deploy what IMAGE_BOOT_FILES names."
IMAGE_BOOT_FILES ??= "pantavisor-grub-${EFI_BOOT_IMAGE};EFI/BOOT/${@d.getVar('EFI_BOOT_IMAGE').upper()}"
IMAGE_BOOT_FILES[doc] = "Files of DEPLOY_DIR_IMAGE for the boot partition: source[;name there], separated \
by blanks."
EFI_BOOT_IMAGE ??= "bootx64.efi"
EFI_BOOT_IMAGE:aarch64 = "bootaa64.efi"

PVROOT_NAME ??= "${PN}-${MACHINE}"
PVROOT_NAME[doc] = "Name of the disk image, without .img."

PACKAGE_ARCH = "${MACHINE_ARCH}"
# As images of openembedded-core.
EXCLUDE_FROM_WORLD = "1"
DEPENDS += "dosfstools-native mtools-native e2fsprogs-native"

python () {
    pvbb.recipe.need_containers(d)
}

python do_pvroot() {
    pvbb.tasks.build_root(d)
}
do_pvroot[dirs] = "${B}"
do_pvroot[cleandirs] = "${B}"
# BitBake follows only calls by full dotted name, so what the job reads is listed.
do_pvroot[vardeps] += "PVS_SIGNERS PVROOT_RELEASE PVROOT_CONTAINERS PVROOT_CONTAINERS_CORE PVROOT_BSP \
    PVROOT_MULTICONFIG PVROOT_SIZE PVROOT_MEMORY PVROOT_SBOM PVROOT_NAME IMAGE_BOOT_FILES \
    SOURCE_DATE_EPOCH PVS_SIGN"
do_pvroot[depends] += "${@pvbb.recipe.part_tasks(d)} ${PVROOT_BOOT_DEPENDS}"
# What openembedded-core lists of the images that parts come from, for the bill of materials.
do_pvroot[recrdeptask] += "${@pvbb.bills.task(d)}"
do_pvroot[mcdepends] += "${@pvbb.recipe.part_tasks_elsewhere(d)}"
# Of containers only do_deploy is needed; their warnings are kept all the same.
do_build[recrdeptask] += "do_check_tag"
do_pvroot[file-checksums] += "${PVR_LIB_CHECKSUMS} ${PVS_CHECKSUMS} ${PVS_SIGNERS_CHECKSUMS}"
addtask pvroot after do_configure before do_deploy

do_deploy() {
    cp --sparse=always ${B}/${PVROOT_NAME}.img ${DEPLOYDIR}/
    install -m 0644 ${B}/${PVROOT_NAME}.img.bmap ${DEPLOYDIR}/
    for bill in ${B}/${PVROOT_NAME}.spdx.json ${B}/${PVROOT_NAME}.cdx.json; do
        [ ! -e "$bill" ] || install -m 0644 "$bill" ${DEPLOYDIR}/
    done
}
addtask deploy after do_pvroot before do_build
