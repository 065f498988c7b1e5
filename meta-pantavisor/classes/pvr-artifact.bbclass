# SPDX-License-Identifier: MIT
# A recipe that deploys what the library makes: no compiler, no packages, nothing for the sysroots of
# others. Inherited by pvrexport, bsp-pvrexport and pvroot-image, whose task is between do_configure and
# do_deploy.

inherit pantavisor-deployed pantavisor-tool pvs-keys

DEPENDS += "${PVR_TOOL_DEPENDS} ${@'python3-pkcs11-native' if d.getVar('PVS_PKCS11') else ''}"

do_compile[noexec] = "1"
