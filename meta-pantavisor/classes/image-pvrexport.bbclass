# SPDX-License-Identifier: MIT
# Ordinary images as containers too, where their IMAGE_FSTYPES names the type "pvrexportit". In the
# configuration:
#
#   IMAGE_CLASSES += "image-pvrexport"
#   IMAGE_FSTYPES:append:pn-core-image-minimal = " pvrexportit"

inherit_defer ${@bb.utils.contains('IMAGE_FSTYPES', 'pvrexportit', 'pvr-image', '', d)}
