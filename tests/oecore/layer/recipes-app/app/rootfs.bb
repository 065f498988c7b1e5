# SPDX-License-Identifier: MIT
SUMMARY = "A container from a root file system"
LICENSE = "MIT"
SRC_URI = "file://rootfs.args.json file://greeting"
PVR_APP_ADD_EXTRA_ARGS += "--config=Entrypoint=/sbin/init"

inherit container-pvrexport

# In place of packages, which need a toolchain.
fakeroot do_rootfs() {
    install -d ${IMAGE_ROOTFS}/sbin ${IMAGE_ROOTFS}/home/app ${IMAGE_ROOTFS}/etc
    printf 'init\n' > ${IMAGE_ROOTFS}/sbin/init
    chmod 0755 ${IMAGE_ROOTFS}/sbin/init
    install -m 0644 ${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}/greeting ${IMAGE_ROOTFS}/etc/greeting
    chown 1000:100 ${IMAGE_ROOTFS}/home/app
}
do_rootfs[depends] = "virtual/fakeroot-native:do_populate_sysroot"
do_rootfs[recrdeptask] = ""
PACKAGE_INSTALL = ""
IMAGE_LINGUAS = ""
IMAGE_QA_COMMANDS = ""
IMAGE_PREPROCESS_COMMAND = ""
IMAGE_POSTPROCESS_COMMAND = ""
# No SDK of it is made.
TOOLCHAIN_TARGET_TASK = ""
TOOLCHAIN_HOST_TASK = ""
TOOLCHAIN_HOST_TASK_ESDK:forcevariable = ""
