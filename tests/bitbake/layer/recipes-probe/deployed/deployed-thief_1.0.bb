# SPDX-License-Identifier: MIT
SUMMARY = "Deploys a file that another recipe deploys"
LICENSE = "MIT"
PROBE_FILES = "one.txt"

inherit probe-deploy
