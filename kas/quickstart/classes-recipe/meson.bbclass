# SPDX-License-Identifier: MIT
# Builds with meson, always with a cross file: what is found on the building machine by chance is not used.
#
#   inherit meson pkgconfig
#   EXTRA_OEMESON += "-Dtests=false"

DEPENDS:append = " meson-native ninja-native"

B = "${WORKDIR}/build"
do_configure[cleandirs] = "${B}"
MESON_SOURCEPATH ?= "${S}"
MESON_BUILDTYPE ?= "plain"
MESON_TARGET ?= ""
MESON_INSTALL_TAGS ?= ""
MESON_CROSS_FILE = "${WORKDIR}/meson.cross"
EXTRA_OEMESON ??= ""
MESONOPTS = "\
    --prefix ${prefix} \
    --buildtype ${MESON_BUILDTYPE} \
    --bindir ${@quickstart.mesonfile.below(d, 'bindir')} \
    --sbindir ${@quickstart.mesonfile.below(d, 'sbindir')} \
    --libdir ${@quickstart.mesonfile.below(d, 'libdir')} \
    --libexecdir ${@quickstart.mesonfile.below(d, 'libexecdir')} \
    --includedir ${@quickstart.mesonfile.below(d, 'includedir')} \
    --datadir ${@quickstart.mesonfile.below(d, 'datadir')} \
    --mandir ${@quickstart.mesonfile.below(d, 'mandir')} \
    --sysconfdir ${sysconfdir} \
    --localstatedir ${localstatedir} \
    --wrap-mode nodownload \
    --cross-file ${MESON_CROSS_FILE} \
"

python do_write_config() {
    quickstart.mesonfile.write(d)
}
do_write_config[vardeps] += "CC CXX AR NM OBJCOPY STRIP READELF CFLAGS CXXFLAGS LDFLAGS HOST_ARCH HOST_OS \
    PKG_CONFIG_LIBDIR"
do_write_config[dirs] = "${WORKDIR}"
addtask write_config after do_patch before do_configure

meson_do_configure() {
	# The cross file has the compiler; what meson finds in the environment it takes for the building
	# machine's.
	unset CC CXX CPP LD AR AS NM OBJCOPY OBJDUMP RANLIB READELF STRIP CPPFLAGS CFLAGS CXXFLAGS LDFLAGS
	CC="${BUILD_CC}" CFLAGS="${BUILD_CFLAGS}" LDFLAGS="${BUILD_LDFLAGS}" \
		meson setup ${MESONOPTS} ${EXTRA_OEMESON} "${B}" "${MESON_SOURCEPATH}" ||
			bbfatal_log "meson setup failed"
}

meson_do_compile() {
	meson compile -v ${PARALLEL_MAKE} ${MESON_TARGET}
}

meson_do_install() {
	meson install --no-rebuild --destdir "${D}" \
		${@'--tags ' + d.getVar('MESON_INSTALL_TAGS') if d.getVar('MESON_INSTALL_TAGS') else ''}
}

EXPORT_FUNCTIONS do_configure do_compile do_install
