# SPDX-License-Identifier: MIT
SUMMARY = "A shared library for the target"
LICENSE = "MIT"
SRC_URI = "file://probe.c file://probe.h"
S = "${UNPACKDIR}"

do_compile() {
	${CC} ${CFLAGS} ${LDFLAGS} -shared -fPIC -Wl,-soname,libprobe.so.1 -o libprobe.so.1 probe.c
}

do_install() {
	install -d ${D}${libdir}/pkgconfig ${D}${includedir}
	install -m 0644 probe.h ${D}${includedir}/
	install -m 0755 libprobe.so.1 ${D}${libdir}/
	ln -s libprobe.so.1 ${D}${libdir}/libprobe.so
	cat >${D}${libdir}/pkgconfig/probe.pc <<-END
		Name: probe
		Description: test
		Version: 1.0
		Cflags: -I${includedir}
		Libs: -L${libdir} -lprobe
	END
}
