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

# Next to DL_DIR, since builds share both, and no task takes the contents of either for granted.
PVR_CACHE_DIR ??= "${@os.path.normpath(d.getVar('DL_DIR') + '/../pvr-cache')}"
PVR_CACHE_DIR[doc] = "Directory of the cache of packed blocks, which saves time and changes no result: \
only the user may write to it, builds may share it, and it may be deleted at any time. Empty: no cache."
PVR_CACHE_SIZE ??= "4G"
PVR_CACHE_SIZE[doc] = "What the cache holds at most, a number with M, G or T: the least recently used \
goes first."

PVR_PYTHON[vardepvalue] = ""
PVR_LIBSQUASHFS[vardepvalue] = ""
PVR_CACHE_DIR[vardepvalue] = ""
PVR_CACHE_SIZE[vardepvalue] = ""

PVR_LIB_CHECKSUMS = "${@pvbb.tool.library_checksums(d)}"
PVR_LIB_CHECKSUMS[vardepvalue] = ""

# What the library runs or loads; a configuration whose host or sysroot has them lists them in
# ASSUME_PROVIDED. Not python3-cryptography-native, which is built by Rust.
PVR_TOOL_DEPENDS ??= "python3-native openssl-native squashfs-tools-ng-native"
PVR_TOOL_DEPENDS[doc] = "Native recipes that provide the library's interpreter and engine."

python () {
    pvbb.variables.check(d)
}
