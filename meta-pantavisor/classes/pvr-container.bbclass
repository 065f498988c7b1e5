# SPDX-License-Identifier: MIT
# What every container is made with, whatever it is made from. Inherited by pvrexport and pvr-image, which
# add its task where they have it.
#
# The variables below set what runs and how; files named in PVR_*_JSON must be in SRC_URI.

inherit pantavisor-tool pvs-keys

PVR_DOCKER_PLATFORM ??= ""
PVR_DOCKER_PLATFORM[doc] = "os/architecture[/variant] to take from the image. Empty: follows the machine."
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
PVR_MEMORY ??= ""
PVR_MEMORY[doc] = "Memory that the container may take at most, such as 64M or 1.5G. Empty: no limit."
PVR_SWAP ??= ""
PVR_SWAP[doc] = "Swap that the container may take at most beyond PVR_MEMORY, such as 32M; 0: none. Needs a \
kernel with swap. Empty: no limit."
PVR_CPUS ??= ""
PVR_CPUS[doc] = "Processors whose time the container may take at most, such as 0.5. Empty: no limit."
PVR_PIDS ??= ""
PVR_PIDS[doc] = "Processes and threads that the container may have at most. Empty: no limit of its own."
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
PVR_NETWORK_JSON ??= ""
PVR_NETWORK_JSON[doc] = "JSON file of SRC_URI with the container's place in a network of device.json: \
pool, hostname, ip, mac."
PVR_SERVICES_JSON ??= ""
PVR_SERVICES_JSON[doc] = "JSON file of SRC_URI with the list of services that the container offers."
PVR_CONFIG_OVERLAY ??= ""
PVR_CONFIG_OVERLAY[doc] = "Directory of SRC_URI whose files are laid over the container's root file system."
PV_DBUS_PROVIDER ??= ""
PV_DBUS_PROVIDER[doc] = "What takes the place of ::PV_DBUS_PROVIDER:: in the JSON files above: the \
container with the bus."
PVR_APP_ADD_EXTRA_ARGS ??= ""
PVR_APP_ADD_EXTRA_ARGS[doc] = "Options of 'pvr app add', as recipes of the published layer have them; new \
ones use the variables above."
PVR_LOGS_JSON ??= ""
PVR_LOGS_JSON[doc] = "JSON file of SRC_URI with the list of log files that the device is to collect."
PVR_EXPORTS_JSON ??= ""
PVR_EXPORTS_JSON[doc] = "JSON file of SRC_URI with the list of what the container exports."
PVR_PROFILE ??= "balanced"
PVR_PROFILE[doc] = "Compression of root.squashfs: fast (zstd 3), light (zstd 15 in larger blocks), \
balanced (xz 3), small (xz 6 with BCJ), or a codec such as zstd:19 or lz4. The kernel must know the codec."
# Not SOURCE_DATE_EPOCH by default: an image's times are the same wherever it is built, and cutting them
# would make programs distrust what they derived from older files, as Python does with its .pyc files.
PVR_SOURCE_DATE_EPOCH ??= ""
PVR_SOURCE_DATE_EPOCH[doc] = "Latest time of any file in root.squashfs (seconds since 1970). Empty: the \
times of the image, and of a directory in PVR_ROOTFS none after SOURCE_DATE_EPOCH."
PVR_VERITY ??= "0"
PVR_VERITY[doc] = "1: the device checks every block of root.squashfs as it reads it (dm-verity); needs \
kernel support."

PVS_FILES = "${PVS_PART_FILES}"
PVR_EXPORT = "${WORKDIR}/pvrexport/${PN}.pvrexport.tgz"

python do_pvrexport() {
    pvbb.tasks.export_container(d)
}
do_pvrexport[dirs] = "${WORKDIR}/pvrexport"
do_pvrexport[cleandirs] = "${WORKDIR}/pvrexport"
# BitBake follows only calls by full dotted name, so what the job reads is listed.
do_pvrexport[vardeps] += "PVR_DOCKER_REF PVR_ROOTFS PVR_PLATFORM PVR_CONTAINER PVR_GROUP PVR_STATUS_GOAL \
    PVR_RESTART_POLICY PVR_MEMORY PVR_SWAP PVR_CPUS PVR_PIDS PVR_ROLES PVR_CONFINED"
do_pvrexport[vardeps] += "PVR_VOLUMES PVR_ARGS PVR_ARGS_JSON PVR_CONFIG_JSON PVR_LOGS_JSON PVR_EXPORTS_JSON"
do_pvrexport[vardeps] += "PVR_SRC_PART PVR_PART PVR_APP_WORDS PVR_NETWORK_JSON PVR_SERVICES_JSON \
    PVR_CONFIG_OVERLAY PV_DBUS_PROVIDER"
do_pvrexport[vardeps] += "PVS_SIGN PVR_PROFILE PVR_VERITY PVR_SOURCE_DATE_EPOCH"
do_pvrexport[file-checksums] += "${PVR_LIB_CHECKSUMS} ${PVS_PART_CHECKSUMS}"
python () {
    pvbb.outside.container(d)
}
