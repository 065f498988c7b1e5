# SPDX-License-Identifier: MIT
SUMMARY = "A file:// source, a licence with a checksum, a patch, shell and python tasks"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://COPYING;md5=5d41402abc4b2a76b9719d911017c592"
SRC_URI = "file://hello-1.0/ file://shout.patch"

inherit deploy nopackages

python do_speak() {
    with open(d.expand("${B}/greeting.txt"), "w") as stream:
        stream.write(probe.words.greeting(d))
}
addtask speak after do_configure before do_compile

do_install() {
	install -d ${D}${bindir} ${D}${datadir}/hello
	install -m 0755 ${S}/hello.sh ${D}${bindir}/hello
	ln -s ../../bin/hello ${D}${datadir}/hello/link
}

do_deploy() {
	install -m 0644 ${B}/greeting.txt ${DEPLOYDIR}/greeting.txt
	bbnote "deployed by $(id -u)"
}
addtask deploy after do_compile before do_build
