# SPDX-License-Identifier: MIT
# A recipe of files only: no compiler, and nothing to configure.

INHIBIT_DEFAULT_DEPS = "1"
# scarthgap unpacks into WORKDIR itself; later releases need S below UNPACKDIR, and existing.
S = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}"
B = "${WORKDIR}/build"

do_configure[noexec] = "1"
