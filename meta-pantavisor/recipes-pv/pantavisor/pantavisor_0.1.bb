# SPDX-License-Identifier: MIT
SUMMARY = "PID 1 of the device: mounts a revision, starts its containers, rolls back what fails"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

DEPENDS = "lxc mbedtls zlib"

# Below the directory that S means by default.
SRC_URI = "\
    file://meson.build;subdir=${BP} \
    file://meson_options.txt;subdir=${BP} \
    file://src;subdir=${BP} \
    file://pvcontrol;subdir=${BP} \
    file://pv-sdk;subdir=${BP} \
"

inherit meson pkgconfig

PANTAVISOR_STATIC ??= "0"
PANTAVISOR_STATIC[doc] = "1: PID 1 is one program with LXC, mbed TLS and the C library in it, for the \
smallest initramfs; kas/feature/small.yml sets what it takes."
EXTRA_OEMESON += "-Dstatic=${@bb.utils.to_boolean(d.getVar('PANTAVISOR_STATIC')) and 'true' or 'false'}"

# They are for the building machine; .ci/run builds and runs them.
EXTRA_OEMESON += "-Dtests=false"

# The roots of the containers pv-sdk and pv-usb are these programs alone.
EXTRA_OEMESON += "-Dstatic_tools=true"

# Commands on the control socket, for containers: no part of the initramfs.
PACKAGES =+ "pvcontrol pantavisor-sdk pantavisor-usb"
SUMMARY:pvcontrol = "Commands on a device's control socket, for its containers"
FILES:pvcontrol = "${bindir}/pvcontrol"
SUMMARY:pantavisor-sdk = "A device's state for laptops, at http://DEVICE:12368/cgi-bin/pvr"
FILES:pantavisor-sdk = "${libdir}/pantavisor/pv-sdk"
SUMMARY:pantavisor-usb = "Has a device try the state of a signed export on a USB stick"
FILES:pantavisor-usb = "${libdir}/pantavisor/pv-usb"
