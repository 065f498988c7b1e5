# SPDX-License-Identifier: MIT
# How a task calls the library.
#
# BitBake's own Python has the standard library only, so a task writes a JSON job and runs PVR_CMD on it in
# a process of its own. The first line of the task's log is that command: paste it into a shell to replay
# the step. Every source file of the library is in the checksums of such tasks, so an edit to it rebuilds
# what it made.

PVR_PYTHON ??= "${STAGING_BINDIR_NATIVE}/python3-native/python3"
PVR_PYTHON[doc] = "Python interpreter that runs the pantavisor library in tasks; needs openssl or \
python3-cryptography, and libsquashfs."
PVR_LIBSQUASHFS ??= "${@'libsquashfs.so.1' \
    if 'squashfs-tools-ng-native' in (d.getVar('ASSUME_PROVIDED') or '').split() \
    else '${STAGING_LIBDIR_NATIVE}/libsquashfs.so.1'}"
PVR_LIBSQUASHFS[doc] = "libsquashfs of squashfs-tools-ng: a path, or a name for the dynamic loader."

PVR_PYTHON[vardepvalue] = ""
PVR_LIBSQUASHFS[vardepvalue] = ""

PVR_LIB_CHECKSUMS = "${@pvbb.tool.library_checksums(d)}"
PVR_LIB_CHECKSUMS[vardepvalue] = ""

# What the library runs or loads; a configuration whose host or sysroot has them lists them in
# ASSUME_PROVIDED. Not python3-cryptography-native, which is built by Rust.
PVR_TOOL_DEPENDS ??= "python3-native openssl-native squashfs-tools-ng-native"
PVR_TOOL_DEPENDS[doc] = "Native recipes that provide the library's interpreter and engine."

python () {
    pvbb.variables.check(d)
}
