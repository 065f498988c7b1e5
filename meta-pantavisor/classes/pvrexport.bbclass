# SPDX-License-Identifier: MIT
# A container of the state from a Docker/OCI image, as <PN>.pvrexport.tgz in DEPLOY_DIR_IMAGE.
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
# The variables below set what runs and how; files named in PVR_*_JSON must be in SRC_URI.

inherit pvr-artifact

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
PVR_DOCKER_PLATFORM ??= ""
PVR_DOCKER_PLATFORM[doc] = "os/architecture[/variant] to take from the image. Empty: follows the machine."
PVR_ROOTFS ??= ""
PVR_ROOTFS[doc] = "Directory or tarball with a root file system, in place of PVR_DOCKER_REF. A \
directory's files belong to root; what is to start is in PVR_CONFIG_JSON, else /sbin/init."
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

PVR_CONTAINER ??= "${PN}"
PVR_CONTAINER[doc] = "Name of the container on the device."
PVR_GROUP ??= "app"
PVR_GROUP[doc] = "Group of device.json that the container starts in: data, root, platform, app or one of \
your own."
PVR_STATUS_GOAL ??= "STARTED"
PVR_STATUS_GOAL[doc] = "What the container must reach for a revision to be good: MOUNTED, STARTED or READY."
PVR_RESTART_POLICY ??= "container"
PVR_RESTART_POLICY[doc] = "What a change or a failure of the container affects: only the container, or the \
whole system."
PVR_ROLES ??= "nobody"
PVR_ROLES[doc] = "Roles of the container at the control socket: mgmt or nobody."
PVR_CONFINED ??= "1"
PVR_CONFINED[doc] = "1: few capabilities and devices, no privileges gained, a filter of system calls; what \
else the container needs is added by PVR_ARGS (PV_SECURITY_CAP_ADD=net_admin). 0: all rights, as the \
published tool gives them."
PVR_VOLUMES ??= ""
PVR_VOLUMES[doc] = "Entries path:persistence[@disk] or ovl:path:persistence[@disk]; persistence is \
permanent, revision or boot."
PVR_ARGS ??= ""
PVR_ARGS[doc] = "Further template arguments NAME=value, separated by blanks (docs/formats/container.md \
lists them)."
PVR_ARGS_JSON ??= ""
PVR_ARGS_JSON[doc] = "JSON file of SRC_URI with template arguments whose values are lists or objects."
PVR_CONFIG_JSON ??= ""
PVR_CONFIG_JSON[doc] = "JSON file of SRC_URI that overrides members of the image's config (Entrypoint, \
Cmd, Env, ...)."
PVR_LOGS_JSON ??= ""
PVR_LOGS_JSON[doc] = "JSON file of SRC_URI with the list of log files that the device is to collect."
PVR_EXPORTS_JSON ??= ""
PVR_EXPORTS_JSON[doc] = "JSON file of SRC_URI with the list of what the container exports."
PVR_PROFILE ??= "balanced"
PVR_PROFILE[doc] = "Compression of root.squashfs: fast (zstd 3), balanced (xz 3), small (xz 6 with BCJ), \
or a codec such as zstd:19 or lz4."
# Not SOURCE_DATE_EPOCH by default: an image's times are the same wherever it is built, and cutting them
# would make programs distrust what they derived from older files, as Python does with its .pyc files.
PVR_SOURCE_DATE_EPOCH ??= ""
PVR_SOURCE_DATE_EPOCH[doc] = "Latest time of any file in root.squashfs (seconds since 1970). Empty: the \
times of the image."
PVR_VERITY ??= "0"
PVR_VERITY[doc] = "1: the device checks every block of root.squashfs as it reads it (dm-verity); needs \
kernel support."

PVS_FILES = "${PVS_PART_FILES}"
PVR_EXPORT = "${B}/${PN}.pvrexport.tgz"

python () {
    pvbb.recipe.container_source(d)
}

# What an unpinned tag names may change; the build goes on with what it named first, and warns at every
# build.
python do_check_tag() {
    pvbb.tags.check(d)
}
do_check_tag[nostamp] = "1"
do_check_tag[network] = "1"
addtask check_tag after do_fetch before do_build

# For scripts/lock: bitbake --runall=lock_image TARGET
python do_lock_image() {
    pvbb.tags.report(d)
}
do_lock_image[nostamp] = "1"
do_lock_image[network] = "1"
addtask lock_image

python do_pvrexport() {
    pvbb.tasks.export_container(d)
}
do_pvrexport[dirs] = "${B}"
do_pvrexport[cleandirs] = "${B}"
# BitBake follows only calls by full dotted name, so what the job reads is listed.
do_pvrexport[vardeps] += "PVR_DOCKER_REF PVR_ROOTFS PVR_PLATFORM PVR_CONTAINER PVR_GROUP PVR_STATUS_GOAL \
    PVR_RESTART_POLICY PVR_ROLES PVR_CONFINED"
do_pvrexport[vardeps] += "PVR_VOLUMES PVR_ARGS PVR_ARGS_JSON PVR_CONFIG_JSON PVR_LOGS_JSON PVR_EXPORTS_JSON"
do_pvrexport[vardeps] += "PVS_SIGN PVR_PROFILE PVR_VERITY PVR_SOURCE_DATE_EPOCH"
do_pvrexport[file-checksums] += "${PVR_LIB_CHECKSUMS} ${PVS_PART_CHECKSUMS}"
addtask pvrexport after do_configure before do_deploy

do_deploy() {
    install -m 0644 ${PVR_EXPORT} ${DEPLOYDIR}/
}
addtask deploy after do_pvrexport before do_build
