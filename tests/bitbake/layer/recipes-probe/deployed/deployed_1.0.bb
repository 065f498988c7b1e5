SUMMARY = "Deploys files by a class"
LICENSE = "MIT"

inherit probe-deploy
