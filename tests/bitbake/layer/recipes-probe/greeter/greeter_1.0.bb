# SPDX-License-Identifier: MIT
SUMMARY = "Runs what its DEPENDS installs, by way of the sysroot"
LICENSE = "MIT"
DEPENDS = "greeter-lib"

do_compile() {
	sh ${RECIPE_SYSROOT}${bindir}/hello >said.txt
	stat -c %h ${RECIPE_SYSROOT}${bindir}/hello >links.txt
}
