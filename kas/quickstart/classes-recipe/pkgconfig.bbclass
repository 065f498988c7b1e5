# SPDX-License-Identifier: MIT
# pkg-config is the distribution's and looks into the sysroot only: see PKG_CONFIG_* in bitbake.conf.
DEPENDS:prepend = "pkgconfig-native "
