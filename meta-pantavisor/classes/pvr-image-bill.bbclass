# SPDX-License-Identifier: MIT
# What openembedded-core lists of an image of which a part is made, for the bill of materials of the
# device: inherited by pvr-image and pantavisor-initramfs. Its file is named after IMAGE_NAME, which a
# recipe or a distribution may set; the link has a name that the device's recipe knows.

image_bill_link() {
    ln -sf ${IMAGE_NAME}.spdx.json ${SPDXIMAGEDEPLOYDIR}/${PN}.built.spdx.json
}
do_create_image_sbom_spdx[postfuncs] += "image_bill_link"
