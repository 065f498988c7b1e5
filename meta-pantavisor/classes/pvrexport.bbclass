# SPDX-License-Identifier: MIT
# A container of the state from a Docker/OCI image, an export or a directory, as <PN>.pvrexport.tgz in
# DEPLOY_DIR_IMAGE.
#
# A whole recipe:
#
#   SUMMARY = "Web server"
#   LICENSE = "BSD-2-Clause"
#   LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/BSD-2-Clause;md5=cb641bc04cda31daea161b1bc15da69f"
#   PVR_DOCKER_REF = "docker.io/library/nginx:1.27"
#   inherit pvrexport
#
# The image is fetched into DL_DIR by do_fetch, every blob checked by its digest. Without PVR_DOCKER_DIGEST
# the tag is resolved once, and the fetcher prints the line that pins it; PVR_DOCKER_LOCK names a file with
# the digests of all images of a build.
# What runs and how is set by the variables of pvr-container.

inherit pvr-artifact pvr-container

PVR_DOCKER_REF ??= ""
PVR_DOCKER_REF[doc] = "Image reference, for example docker.io/library/nginx:1.27."
PVR_DOCKER_DIGEST ??= ""
PVR_DOCKER_DIGEST[doc] = "Digest (sha256:...) of the image's index or manifest. Pins the image."
PVR_DOCKER_PIN ??= "warn"
PVR_DOCKER_PIN[doc] = "What becomes of an image that no digest pins: warn, with the line that pins it, or \
require, an error."
PVR_DOCKER_LOCK ??= ""
PVR_DOCKER_LOCK[doc] = "Lock file with the digests of images that recipes name by a tag, as scripts/lock \
writes it."
# What it has for the recipe is in SRC_URI.
PVR_DOCKER_PIN[vardepvalue] = ""
PVR_DOCKER_LOCK[vardepvalue] = ""
PVR_ROOTFS ??= ""
PVR_ROOTFS[doc] = "Directory or tarball with a root file system, in place of PVR_DOCKER_REF. A \
directory's files belong to root; what is to start is in PVR_CONFIG_JSON, else /sbin/init."
PVR_SRC_URI ??= ""
PVR_SRC_URI[doc] = "Export (pvrexport) with the container, as an entry of SRC_URI with a checksum, in \
place of PVR_DOCKER_REF. It is taken as it is, with what this recipe sets, and signed by this build; what \
else its own signature covers is left out."
PVR_SRC_DIR ??= ""
PVR_SRC_DIR[doc] = "Directory with the container's files as a state has them (NAME/run.json, ...), or a \
pvr repository, in place of PVR_DOCKER_REF; absolute, or a directory of SRC_URI."
PVR_SRC_PART ??= ""
PVR_SRC_PART[doc] = "Container to take from there. Empty: PVR_CONTAINER, else the only one."
PVR_DOCKER_AUTHFILE ??= ""
PVR_DOCKER_AUTHFILE[doc] = "File with registry credentials in the form of ~/.docker/config.json. Never \
copied."
PVR_DOCKER_AUTHFILE[vardepvalue] = ""
PVR_INSECURE_REGISTRIES ??= ""
PVR_INSECURE_REGISTRIES[doc] = "Registries (host[:port]) that may be reached by plain HTTP; loopback \
always may."
PVR_REGISTRY_MIRRORS ??= ""
PVR_REGISTRY_MIRRORS[doc] = "Pairs host=mirror-host[:port][/prefix], tried before the registry itself."
# Where bytes come from does not change them: each is checked by its digest.
PVR_REGISTRY_MIRRORS[vardepvalue] = ""

python () {
    pvbb.sources.container(d)
}

# What an unpinned tag names may change; the build goes on with what it named first, and warns at every
# build.
python do_check_tag() {
    pvbb.tags.check(d)
}
do_check_tag[nostamp] = "1"
do_check_tag[network] = "1"
addtask check_tag after do_fetch
# Not one of the tasks from do_fetch to do_build, none of which may use the network: nothing is made of it.
do_build[recrdeptask] += "do_check_tag"

# For scripts/lock: bitbake --runall=lock_image TARGET
python do_lock_image() {
    pvbb.tags.report(d)
}
do_lock_image[nostamp] = "1"
do_lock_image[network] = "1"
addtask lock_image

addtask pvrexport after do_configure before do_deploy

do_deploy() {
    install -m 0644 ${PVR_EXPORT} ${DEPLOYDIR}/
}
addtask deploy after do_pvrexport before do_build
