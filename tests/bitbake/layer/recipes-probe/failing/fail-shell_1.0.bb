# SPDX-License-Identifier: MIT
SUMMARY = "A shell task that fails"
LICENSE = "MIT"

do_compile() {
	echo "before the shell failure"
	false
	echo "never reached"
}
