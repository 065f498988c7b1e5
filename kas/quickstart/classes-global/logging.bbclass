# SPDX-License-Identifier: MIT
# How shell tasks speak to bitbake's console and to their log: a line each into the pipe that bb.build
# reads.

LOGFIFO = "${T}/fifo.${@os.getpid()}"

bbplain() {
	quickstart_say bbplain "$*"
}

bbnote() {
	quickstart_say bbnote "$*"
}

bbverbnote() {
	quickstart_say bbverbnote "$*"
}

bbwarn() {
	quickstart_say bbwarn "$*"
}

bberror() {
	quickstart_say bberror "$*"
}

bbfatal() {
	quickstart_say bbfatal "$*"
	exit 1
}

# As bbfatal; the console shows the log's end too.
bbfatal_log() {
	quickstart_say bbfatal_log "$*"
	exit 1
}

bbdebug() {
	quickstart_say bbdebug "$*"
}

die() {
	bbfatal_log "$*"
}

quickstart_say() {
	if [ -p "${LOGFIFO}" ]; then
		printf '%s\0' "$*" >"${LOGFIFO}"
	else
		echo "$*"
	fi
}
