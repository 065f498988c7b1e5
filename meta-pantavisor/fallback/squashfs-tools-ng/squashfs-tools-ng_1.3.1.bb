# SPDX-License-Identifier: MIT
# For builds without meta-oe, which has the whole package: of it the library alone, by which root.squashfs
# is packed.
SUMMARY = "libsquashfs: squashfs images, read and written"
HOMEPAGE = "https://github.com/AgentD/squashfs-tools-ng"
SECTION = "libs"
# SPDX's own word came after wrynose.
LICENSE_AND = "${@'&' if d.getVar('LAYERSERIES_CORENAMES') in ('scarthgap', 'wrynose') else 'AND'}"
LICENSE = "BSD-2-Clause ${LICENSE_AND} LGPL-3.0-or-later ${LICENSE_AND} MIT"
LIC_FILES_CHKSUM = "\
    file://licenses/LGPLv3.txt;md5=3000208d539ec061b899bce1d9ce9404 \
    file://licenses/hash_table.txt;md5=874823605326caeaabaa95bfbd0f9fb0 \
    file://licenses/xxhash.txt;md5=f042a9be092bd6d7fe6f217d8d00f4ca \
"

DEPENDS = "lz4 xz zlib zstd"

# The tag v1.3.1.
SRC_URI = "git://github.com/AgentD/squashfs-tools-ng.git;protocol=https;branch=fixes-1.3.0;destsuffix=${BP}"
SRCREV = "8f9966c8ea3ea8a854941d041e7fcb9eb4f772fb"

inherit autotools pkgconfig

EXTRA_OECONF = "--without-tools --without-bzip2 --without-lzo --without-selinux --with-gzip --with-lz4 \
    --with-xz --with-zstd"

BBCLASSEXTEND = "native nativesdk"
