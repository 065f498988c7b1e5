# SPDX-License-Identifier: MIT
# What a device consists of and what is signed over it: inherited by pvroot-image and pvroot-wic, whose task
# do_pvroot makes the storage tree of it, and with a disk image.

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
PVROOT_SIZE[doc] = "Size of the disk image in MiB; of its storage partition where wic lays it out. Empty: \
the content and as much again for updates."
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
PANTAVISOR_BOOTLOADER ??= "${@pvbb.boards.loader(d)}"
PVROOT_BOOT_DEPENDS ??= "pantavisor-${PANTAVISOR_BOOTLOADER}:do_deploy"
PVROOT_BOOT_DEPENDS[doc] = "Tasks that deploy what IMAGE_BOOT_FILES names."
PVROOT_EFI_FILES = "pantavisor-grub-${EFI_BOOT_IMAGE};EFI/BOOT/${@d.getVar('EFI_BOOT_IMAGE').upper()}"
PVROOT_SCRIPT = "${@pvbb.boards.script(d)}"
IMAGE_BOOT_FILES ??= "${@d.getVar('PVROOT_SCRIPT') or d.getVar('PVROOT_EFI_FILES')}"
IMAGE_BOOT_FILES[doc] = "Files of DEPLOY_DIR_IMAGE for the boot partition: source[;name there], separated \
by blanks. Default: GRUB, or the script of pantavisor-uboot."
EFI_BOOT_IMAGE ??= "bootx64.efi"
EFI_BOOT_IMAGE:aarch64 = "bootaa64.efi"

PVROOT_NAME ??= "${PN}-${MACHINE}"
PVROOT_NAME[doc] = "Name of the disk image, without .img or .wic."

PACKAGE_ARCH = "${MACHINE_ARCH}"
# As images of openembedded-core.
EXCLUDE_FROM_WORLD = "1"

python () {
    pvbb.recipe.need_containers(d)
}

do_pvroot[dirs] = "${B}"
do_pvroot[cleandirs] = "${B}"
# BitBake follows only calls by full dotted name, so what the job reads is listed.
do_pvroot[vardeps] += "PVS_SIGNERS PVROOT_RELEASE PVROOT_CONTAINERS PVROOT_CONTAINERS_CORE PVROOT_BSP \
    PVROOT_MULTICONFIG PVROOT_SIZE PVROOT_MEMORY PVROOT_SBOM PVROOT_NAME SOURCE_DATE_EPOCH PVS_SIGN"
do_pvroot[depends] += "${@pvbb.recipe.part_tasks(d)}"
# What openembedded-core lists of the images that parts come from, for the bill of materials.
do_pvroot[recrdeptask] += "${@pvbb.bills.task(d)}"
do_pvroot[mcdepends] += "${@pvbb.recipe.part_tasks_elsewhere(d)}"
# Of containers only do_deploy is needed; their warnings are kept all the same.
do_build[recrdeptask] += "do_check_tag"
do_pvroot[file-checksums] += "${PVR_LIB_CHECKSUMS} ${PVS_CHECKSUMS} ${PVS_SIGNERS_CHECKSUMS}"
