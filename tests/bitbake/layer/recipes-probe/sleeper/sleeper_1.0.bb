# SPDX-License-Identifier: MIT
SUMMARY = "Runs until the test lets it go on"
LICENSE = "MIT"

do_compile() {
	sleep 1000 &
	echo $! >child.pid
	echo $$ >shell.pid.new
	mv shell.pid.new shell.pid
	while [ ! -e ${TOPDIR}/go-on ]; do
		sleep 0.05
	done
	kill $(cat child.pid)
}

do_install() {
	:
}
