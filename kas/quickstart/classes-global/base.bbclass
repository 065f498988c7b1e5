# SPDX-License-Identifier: MIT
# The tasks of every recipe, in openembedded-core's order:
#
#   do_fetch do_unpack do_patch do_prepare_recipe_sysroot do_configure do_compile do_install
#   do_populate_sysroot do_build
#
# and do_populate_lic in addition, do_deploy where deploy.bbclass is inherited, do_clean and do_cleanall on
# demand. Tasks have no network unless their flag [network] is "1".

inherit logging

OE_TERMINAL ??= "none"
# Recipes for the target have the C library in their sysroot unless they set INHIBIT_DEFAULT_DEPS = "1".
BASEDEPENDS = ""
BASEDEPENDS:class-target = "${@'' if d.getVar('INHIBIT_DEFAULT_DEPS') else 'virtual/libc'}"
DEPENDS:prepend = "${BASEDEPENDS} "

python base_do_fetch() {
    quickstart.source.fetch(d)
}
do_fetch[dirs] = "${DL_DIR}"
do_fetch[network] = "1"
# BitBake follows only calls by full dotted name, so what they read is listed, here and below.
do_fetch[vardeps] += "SRC_URI"
do_fetch[file-checksums] = "${@bb.fetch.get_checksum_file_list(d)}"
do_fetch[prefuncs] += "fetcher_hashes_dummyfunc"
addtask fetch

# Revisions that a fetcher resolves are part of do_fetch's hash.
fetcher_hashes_dummyfunc() {
	return
}
fetcher_hashes_dummyfunc[vardepvalue] = "${@bb.fetch.get_hashvalue(d)}"

python base_do_unpack() {
    quickstart.source.unpack(d)
}
do_unpack[dirs] = "${UNPACKDIR}"
do_unpack[cleandirs] = "${UNPACKDIR}"
do_unpack[vardeps] += "SRC_URI"
addtask unpack after do_fetch

python base_do_patch() {
    quickstart.source.patch(d)
}
do_patch[dirs] = "${WORKDIR}"
do_patch[vardeps] += "SRC_URI"
addtask patch after do_unpack

python do_populate_lic() {
    quickstart.licences.check(d)
}
do_populate_lic[vardeps] += "LICENSE LIC_FILES_CHKSUM"
addtask populate_lic after do_patch before do_build

python do_prepare_recipe_sysroot() {
    quickstart.sysroot.prepare(d)
}
do_prepare_recipe_sysroot[deptask] = "do_populate_sysroot"
addtask prepare_recipe_sysroot after do_fetch before do_configure

base_do_configure() {
	:
}
do_configure[dirs] = "${B}"
addtask configure after do_patch

oe_runmake() {
	bbnote make ${PARALLEL_MAKE} ${EXTRA_OEMAKE} "$@"
	make ${PARALLEL_MAKE} ${EXTRA_OEMAKE} "$@" || die "make failed"
}

base_do_compile() {
	if [ -e Makefile ] || [ -e makefile ] || [ -e GNUmakefile ]; then
		oe_runmake
	else
		bbnote "nothing to compile"
	fi
}
do_compile[dirs] = "${B}"
addtask compile after do_configure

base_do_install() {
	:
}
do_install[dirs] = "${B}"
do_install[cleandirs] = "${D}"
addtask install after do_compile

python do_populate_sysroot() {
    quickstart.sysroot.populate(d)
}
do_populate_sysroot[vardeps] += "SYSROOT_DIRS PACKAGE_ARCH"
addtask populate_sysroot after do_install

base_do_build() {
	:
}
do_build[noexec] = "1"
addtask build after do_populate_sysroot

python do_clean() {
    quickstart.clean.outputs(d)
}
do_clean[nostamp] = "1"
addtask clean

python do_cleansstate() {
    quickstart.clean.outputs(d)
}
do_cleansstate[nostamp] = "1"
addtask cleansstate

python do_cleanall() {
    quickstart.clean.everything(d)
}
do_cleanall[nostamp] = "1"
addtask cleanall

python do_listtasks() {
    for name in sorted(name for name in d.keys() if d.getVarFlag(name, "task", False)):
        bb.plain(f"{name:28}{d.getVarFlag(name, 'doc') or ''}".rstrip())
}
do_listtasks[nostamp] = "1"
addtask listtasks

EXPORT_FUNCTIONS do_fetch do_unpack do_patch do_configure do_compile do_install do_build

python () {
    quickstart.recipe.admit(d)
}
