# SPDX-License-Identifier: MIT
SUMMARY = "A task that gives up with a sentence"
LICENSE = "MIT"

do_compile() {
	bbfatal "the sentence of bbfatal"
}
