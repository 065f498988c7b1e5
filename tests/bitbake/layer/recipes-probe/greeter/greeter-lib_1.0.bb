# SPDX-License-Identifier: MIT
SUMMARY = "Brings hello to those that depend on this"
LICENSE = "MIT"
DEPENDS = "hello"
