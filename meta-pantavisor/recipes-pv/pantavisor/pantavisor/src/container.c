/* SPDX-License-Identifier: MIT */
#include "container.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "file.h"
#include "halt.h"
#include "leftover.h"
#include "log.h"
#include "lxcfile.h"
#include "monitor.h"
#include "pv.h"
#include "seccomp.h"
#include "targets.h"
#include "text.h"

#define COMPLAINTS 4
#define LXC_LOG_BYTES (4 * 1024 * 1024)
#define LXC_CONF_BYTES (4 * 1024 * 1024) /* that of the state, with our lines */

char *pv_container_rootfs(const struct pv_task *task)
{
	return pv_fmt(PV_RUN_DIR "/rootfs/%s", task->spec->name);
}

/* What the container left in its root is looked at before each start. */
static int settle_conf(struct pv_task *task, struct pv_err *err)
{
	cleanup_free char *rootfs = pv_container_rootfs(task), *lxc_path = pv_lxcfile_path(task);
	cleanup_free char *path = pv_fmt("%s.now", lxc_path);
	cleanup_free char *text = NULL, *settled = NULL;
	size_t length;

	if (pv_read_file(lxc_path, LXC_CONF_BYTES, &text, &length, err) < 0 ||
		pv_targets_check(rootfs, text, &settled, err) < 0)
		return -1;
	return pv_write_file(path, settled, strlen(settled), err);
}

int pv_container_spawn(const struct pv *pv, struct pv_task *task, struct pv_err *err)
{
	cleanup_free char *lxc_log = pv_lxcfile_log(task);
	pid_t pid;

	(void)pv;
	/* LXC starts nothing in groups that are there already. */
	if (pv_leftover_remove(PV_CGROUP_DIR, task->spec->name, err) < 0)
		return -1;
	if (settle_conf(task, err) < 0)
		return -1;
	unlink(lxc_log);
	pid = fork();
	if (pid < 0)
		return pv_err_errno(err, "cannot fork");
	if (!pid)
		_exit(pv_monitor_run(task));
	task->monitor = pid;
	task->init = 0;
	task->started_at = pv_now_ms();
	return 0;
}

void pv_container_clear(const struct pv_task *task)
{
	struct pv_err err;

	pv_leftover_kill(PV_CGROUP_DIR, task->spec->name);
	if (pv_leftover_remove(PV_CGROUP_DIR, task->spec->name, &err) < 0)
		pv_debug("container", "%s", err.text);
}

static bool is_child_of(const char *pid, pid_t parent)
{
	cleanup_free char *path = pv_fmt("/proc/%s/stat", pid);
	cleanup_free char *text = NULL;
	struct pv_err err;
	size_t length;
	char *after;

	if (pv_read_file(path, 4096, &text, &length, &err) < 0)
		return false;
	/* "pid (name) state ppid": the name may hold anything, so look behind its last bracket. */
	after = strrchr(text, ')');
	return after && strlen(after) > 4 && strtol(after + 4, NULL, 10) == parent;
}

/* Until it executes the container's program, the init is a copy of us. */
static bool runs_our_program(const char *pid)
{
	cleanup_free char *path = pv_fmt("/proc/%s/exe", pid);
	struct stat theirs, ours;

	if (stat(path, &theirs) < 0 || stat("/proc/self/exe", &ours) < 0)
		return true;
	return theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

/* A liblxc or a kernel without filters starts a container all the same. */
static void look_at_filter(const struct pv_task *task)
{
	cleanup_free char *path = pv_fmt("/proc/%d/status", task->init);
	cleanup_free char *status = NULL;
	struct pv_err err;
	size_t length;

	if (task->filters_calls && pv_read_file(path, 16384, &status, &length, &err) == 0 &&
		!pv_seccomp_is_filtered(status))
		pv_error("container",
			"container %s runs WITHOUT the filter of system calls that its profile asks for: "
			"liblxc or "
			"the kernel has no seccomp",
			task->spec->name);
}

bool pv_container_find_init(struct pv_task *task)
{
	cleanup_dir DIR *proc = opendir("/proc");
	struct dirent *entry;

	/* What an error hides is looked for again. */
	for (errno = 0; proc && (entry = readdir(proc)); errno = 0) {
		if (*entry->d_name < '1' || *entry->d_name > '9')
			continue;
		if (!is_child_of(entry->d_name, task->monitor) || runs_our_program(entry->d_name))
			continue;
		task->init = (pid_t)strtol(entry->d_name, NULL, 10);
		look_at_filter(task);
		return true;
	}
	return false;
}

void pv_container_halt(const struct pv_task *task)
{
	cleanup_free char *path = pv_fmt("/proc/%d/status", task->init);
	cleanup_free char *text = NULL;
	struct pv_err err;
	size_t length;
	int number;

	if (!task->init) {
		pv_container_kill(task);
		return;
	}
	if (pv_read_file(path, 16384, &text, &length, &err) < 0)
		return;
	number = pv_halt_signal(*task->halt_signal ? task->halt_signal : NULL, text);
	pv_debug("container", "%s is asked to end by signal %d", task->spec->name, number);
	kill(task->init, number);
}

void pv_container_kill(const struct pv_task *task)
{
	/* The end of an init is the end of its PID namespace; the monitor then cleans up and follows. */
	if (task->init)
		kill(task->init, SIGKILL);
	else if (task->monitor)
		kill(task->monitor, SIGKILL);
}

void pv_container_log_errors(const struct pv_task *task)
{
	cleanup_free char *path = pv_lxcfile_log(task);
	cleanup_free char *text = NULL;
	struct pv_err err;
	size_t length;
	int told = 0;
	char *rest, *line;

	if (!pv_exists(path) || pv_read_file(path, LXC_LOG_BYTES, &text, &length, &err) < 0)
		return;
	for (rest = text; told < COMPLAINTS && (line = strsep(&rest, "\n"));)
		if (strstr(line, " ERROR ") && ++told)
			pv_error("lxc", "%s", strstr(line, " ERROR ") + strlen(" ERROR "));
}
