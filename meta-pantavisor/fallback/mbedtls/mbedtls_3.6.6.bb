# SPDX-License-Identifier: MIT
# For builds without meta-networking: the libraries, no programs.
SUMMARY = "mbed TLS: the cryptography of the runtime"
HOMEPAGE = "https://www.trustedfirmware.org/projects/mbed-tls/"
SECTION = "libs"
# One of the two licences that it is offered under.
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=379d5819937a6c2f1ef1630d341e026d"

SRC_URI = "https://github.com/Mbed-TLS/mbedtls/releases/download/mbedtls-${PV}/mbedtls-${PV}.tar.bz2"
SRC_URI[sha256sum] = "8fb65fae8dcae5840f793c0a334860a411f884cc537ea290ce1c52bb64ca007a"

inherit cmake

# The tarball holds what would be generated.
EXTRA_OECMAKE = "-DENABLE_PROGRAMS=OFF -DENABLE_TESTING=OFF -DGEN_FILES=OFF -DMBEDTLS_FATAL_WARNINGS=OFF \
    -DUSE_SHARED_MBEDTLS_LIBRARY=ON -DUSE_STATIC_MBEDTLS_LIBRARY=ON"
