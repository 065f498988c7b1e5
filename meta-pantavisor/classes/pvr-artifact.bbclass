# SPDX-License-Identifier: MIT
# A recipe that deploys what the library makes: no compiler, no packages, nothing for the sysroots of
# others. Inherited by pvrexport, bsp-pvrexport and pvroot-image, whose task is between do_configure and
# do_deploy.

inherit pantavisor-tool pvs-keys deploy nopackages

INHIBIT_DEFAULT_DEPS = "1"
DEPENDS += "${PVR_TOOL_DEPENDS} ${@'python3-pkcs11-native' if d.getVar('PVS_PKCS11') else ''}"
# scarthgap unpacks into WORKDIR itself; later releases need S below UNPACKDIR, and existing.
S = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}"
B = "${WORKDIR}/build"

do_configure[noexec] = "1"
do_compile[noexec] = "1"
do_install[noexec] = "1"
deltask do_populate_sysroot
