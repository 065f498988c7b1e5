# SPDX-License-Identifier: MIT
SUMMARY = "What a task sees of the world"
LICENSE = "MIT"

export PROBE_EXPORTED = "two words ${PN}"
PROBE_KEPT = "not exported"

do_compile() {
	env | sort >env.txt
	{ umask; id -u; id -g; readlink /proc/self/fd/0; } >facts.txt
	ls /proc/self/fd | wc -l >descriptors.txt
	echo data >data.txt
	chown $(id -u):$(id -g) data.txt
}
