# SPDX-License-Identifier: MIT
# A recipe that only deploys files: no packages, nothing for the sysroots of others.

inherit pantavisor-files deploy nopackages

do_install[noexec] = "1"
deltask do_populate_sysroot
