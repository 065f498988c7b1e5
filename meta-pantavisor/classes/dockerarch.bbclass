# SPDX-License-Identifier: MIT
# Platform and architecture as file names of prebuilt containers have them, for published recipes:
#
#   inherit dockerarch pvrexport
#   PVR_SRC_URI = "https://.../app.${PV}.${DOCKER_ARCH}.tgz;sha256sum=..."

DOCKER_PLATFORM ?= "${@pvbb.recipe.platform(d)}"
DOCKER_ARCH ?= "${@pvbb.recipe.docker_arch(d)}"
