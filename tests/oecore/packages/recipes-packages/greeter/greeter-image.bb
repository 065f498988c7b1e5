# SPDX-License-Identifier: MIT
# As any image of openembedded-core: nothing in it names a container.
SUMMARY = "An ordinary image"
LICENSE = "MIT"
IMAGE_INSTALL = "greeter"
IMAGE_LINGUAS = ""

inherit image
