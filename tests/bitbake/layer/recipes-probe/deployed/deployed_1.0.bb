# SPDX-License-Identifier: MIT
SUMMARY = "Deploys files by a class"
LICENSE = "MIT"

inherit probe-deploy
