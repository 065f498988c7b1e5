# SPDX-License-Identifier: MIT
SUMMARY = "The building machine's own C library in the place of the target's"
DESCRIPTION = "Debian's compiler for another machine brings that machine's along."
LICENSE = "LGPL-2.1-or-later"
PROVIDES = "virtual/libc"
INHIBIT_DEFAULT_DEPS = "1"
PACKAGE_ARCH = "${MACHINE_ARCH}"
B = "${WORKDIR}/build"

do_install() {
	[ "${TARGET_ARCH}" = "${BUILD_ARCH}" ] || return 0
	install -d ${D}/usr/lib ${D}/usr/lib64
	ln -s usr/lib ${D}/lib
	ln -s usr/lib64 ${D}/lib64
	dpkg-query -L libc6 libc6-dev linux-libc-dev | grep -E '^(/usr)?/(include|lib|lib64)/' |
	while read -r name; do
		[ -d "$name" ] || echo "$name"
	done >files.txt
	tar -C / --create --files-from=files.txt |
		tar -C ${D} --extract --no-same-owner --keep-directory-symlink
}
