# SPDX-License-Identifier: MIT
# For recipes whose outputs are the same on every machine.
PACKAGE_ARCH = "all"
INHIBIT_DEFAULT_DEPS = "1"
