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

inherit pvr-artifact pvroot-parts

DEPENDS += "dosfstools-native mtools-native e2fsprogs-native"

python () {
    pvbb.recipe.need_no_image(d)
}

python () {
    pvbb.outside.image(d)
}

python do_pvroot() {
    pvbb.root.build_root(d)
}
do_pvroot[vardeps] += "IMAGE_BOOT_FILES"
do_pvroot[depends] += "${PVROOT_BOOT_DEPENDS}"
addtask pvroot after do_configure before do_deploy

do_deploy() {
    cp --sparse=always ${B}/${PVROOT_NAME}.img ${DEPLOYDIR}/
    install -m 0644 ${B}/${PVROOT_NAME}.img.bmap ${DEPLOYDIR}/
    for bill in ${B}/${PVROOT_NAME}.spdx.json ${B}/${PVROOT_NAME}.cdx.json; do
        [ ! -e "$bill" ] || install -m 0644 "$bill" ${DEPLOYDIR}/
    done
}
addtask deploy after do_pvroot before do_build
