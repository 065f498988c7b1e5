# SPDX-License-Identifier: MIT
# An image recipe of openembedded-core as a container, as <PN>.pvrexport.tgz in DEPLOY_DIR_IMAGE. Inherited
# by container-pvrexport and image-pvrexport.
#
# do_image_pvrexportit packs the root file system as openembedded-core packs one, with owners and extended
# attributes; the tarball is read by do_pvrexport, an ordinary task.

inherit pvr-container pvr-image-bill

PVR_ROOTFS = "${WORKDIR}/${PN}.rootfs.tar"
# As the published class has them.
PVR_GROUP ??= "root"
PVR_VOLUMES ??= "ovl:/var:permanent"

DEPENDS += "${PVR_TOOL_DEPENDS}"

python () {
    pvbb.sources.image(d)
}

# What an image unpacks are files of its own, not a source in a directory.
do_qa_unpack() {
    :
}

IMAGE_CMD:pvrexportit = "${IMAGE_CMD_TAR} --sort=name --format=posix --numeric-owner --xattrs \
    --xattrs-include='*' -cf ${PVR_ROOTFS} -C ${IMAGE_ROOTFS} ."

pvrexport_to_image() {
    install -m 0644 ${PVR_EXPORT} ${IMGDEPLOYDIR}/
}
do_pvrexport[postfuncs] += "pvrexport_to_image"
addtask pvrexport after do_image_pvrexportit before do_image_complete

# The name by which pvroot-image waits for it.
do_deploy() {
    :
}
addtask deploy after do_image_complete before do_build
