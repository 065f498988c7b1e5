# SPDX-License-Identifier: MIT
# Deploys what PROBE_FILES names.
PROBE_FILES ??= "one.txt two/two.txt"
PROBE_TEXT ??= "text"

inherit deploy nopackages

do_deploy() {
	for name in ${PROBE_FILES}; do
		install -d $(dirname ${DEPLOYDIR}/$name)
		echo "${PROBE_TEXT} $name" >${DEPLOYDIR}/$name
	done
}
addtask deploy after do_compile before do_build
