# The compiler is the distribution's; C library, headers and start files are the sysroot's alone, for both machines alike.
HOST_CC_ARCH:append = " --sysroot=${STAGING_DIR_TARGET}"
TARGET_CPPFLAGS = ""
TARGET_LDFLAGS = "-Wl,-O1"
