# SPDX-License-Identifier: MIT
SUMMARY = "A python task that fails"
LICENSE = "MIT"

python do_compile() {
    bb.note("before the python failure")
    raise ValueError("this python task fails")
}
