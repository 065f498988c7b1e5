# SPDX-License-Identifier: MIT
# do_deploy: files in DEPLOYDIR go to DEPLOY_DIR_IMAGE. Files that a later do_deploy no longer makes vanish
# there.
#
#   inherit deploy
#   do_deploy() {
#       install -m 0644 ${B}/firmware.bin ${DEPLOYDIR}/
#   }
#   addtask deploy after do_compile before do_build

DEPLOYDIR = "${WORKDIR}/deploy-${PN}"
DEPLOYDIR[vardepvalue] = ""

do_deploy[dirs] = "${DEPLOYDIR} ${B}"
do_deploy[cleandirs] = "${DEPLOYDIR}"
do_deploy[stamp-extra-info] = "${MACHINE_ARCH}"
do_deploy[postfuncs] += "quickstart_publish"

python quickstart_publish() {
    quickstart.deploy.publish(d)
}
