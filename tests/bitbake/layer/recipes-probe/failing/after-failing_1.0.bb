# SPDX-License-Identifier: MIT
SUMMARY = "Cannot be built, for what it needs fails"
LICENSE = "MIT"
DEPENDS = "fail-shell"
