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
#include "echo.h"
#include "file.h"
#include "halt.h"
#include "leftover.h"
#include "log.h"
#include "lxcfile.h"
#include "monitor.h"
#include "process.h"
#include "pv.h"
#include "seccomp.h"
#include "targets.h"
#include "text.h"

#define COMPLAINTS 4
#define CONSOLE_MS 1000
#define LXC_LOG_BYTES (4 * 1024 * 1024)
#define LXC_CONF_BYTES (4 * 1024 * 1024) /* that of the state, with our lines */

/* What the container left in its root is looked at before each start. */
static int settle_conf(struct pv_task *task, struct pv_err *err)
{
	cleanup_free char *rootfs = pv_lxcfile_rootfs(task), *lxc_path = pv_lxcfile_path(task);
	cleanup_free char *path = pv_fmt("%s.now", lxc_path);
	cleanup_free char *text = NULL, *settled = NULL;
	size_t length;

	if (pv_read_file(lxc_path, LXC_CONF_BYTES, &text, &length, err) < 0 ||
		pv_targets_check(rootfs, text, &settled, err) < 0)
		return -1;
	return pv_write_file(path, settled, strlen(settled), err);
}

/* For PID 1, which logs what it finds there: lines of another process are in no record. */
static void explain(const struct pv_task *task, const struct pv_err *why)
{
	cleanup_free char *path = pv_lxcfile_log(task);
	cleanup_free char *line = pv_fmt(
		"pantavisor ERROR container %s cannot be started: %s\n", task->spec->name, why->text);
	struct pv_err err;

	if (pv_write_file(path, line, strlen(line), &err) == 0)
		return;
	pv_error("container", "container %s cannot be started: %s", task->spec->name, why->text);
	pv_log_drain(CONSOLE_MS);
}

/* Before the container's first line. */
static void begin_echo(const struct pv *pv, const struct pv_task *task)
{
	cleanup_free char *log = pv_lxcfile_console(task);
	struct pv_echo echo;

	if (!strstr(pv_config_text(&pv->config, PV_LOG_SERVER_OUTPUTS), "stdout.containers"))
		return;
	pv_echo_init(&echo, pv->storage, log, task->spec->name, PV_CONSOLE_DEVICE);
	pv_echo_join(&echo, pv->echoes);
	pv_echo_begin(&echo);
}

/* The root may be on a storage that hangs, which is then this process's trouble. */
static _Noreturn void be_monitor(const struct pv *pv, struct pv_task *task)
{
	struct pv_err err;

	pv_log_forked();
	if (settle_conf(task, &err) == 0) {
		begin_echo(pv, task);
		_exit(pv_monitor_run(task));
	}
	explain(task, &err);
	_exit(PV_CONTAINER_NOT_STARTED);
}

int pv_container_spawn(const struct pv *pv, struct pv_task *task, struct pv_err *err)
{
	cleanup_free char *lxc_log = pv_lxcfile_log(task);
	pid_t pid;

	/* LXC starts nothing in groups that are there already. */
	if (pv_leftover_remove(PV_CGROUP_DIR, task->spec->name, err) < 0)
		return -1;
	unlink(lxc_log);
	pid = fork();
	if (pid < 0)
		return pv_err_errno(err, "cannot fork");
	if (!pid)
		be_monitor(pv, task);
	task->monitor = pid;
	task->init = 0;
	task->started_at = pv_now_ms();
	return 0;
}

static void stop_watching(struct pv_task *task)
{
	if (!task->is_watched)
		return;
	task->is_watched = false;
	pv_loop_remove(&task->pv->loop, &task->group);
	close(task->group.fd);
}

void pv_container_clear(struct pv_task *task)
{
	struct pv_err err;

	stop_watching(task);
	task->emptied_at = 0;
	if (task->init)
		close(task->init_process);
	task->init = 0;
	task->monitor = 0;
	pv_leftover_kill(PV_CGROUP_DIR, task->spec->name);
	if (pv_leftover_remove(PV_CGROUP_DIR, task->spec->name, &err) < 0)
		pv_debug("container", "%s", err.text);
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

/* An empty group sends no more events. That it ended without its monitor is the supervisor's matter. */
static void on_group(struct pv_source *source, short events)
{
	struct pv_task *task = source->data;

	(void)events;
	if (pv_leftover_is_populated(source->fd))
		return;
	task->emptied_at = pv_now_ms();
	stop_watching(task);
}

static void watch_group(struct pv *pv, struct pv_task *task)
{
	int fd = pv_leftover_open_events(PV_CGROUP_DIR, task->spec->name);

	task->pv = pv;
	task->emptied_at = 0;
	if (fd < 0)
		return;
	task->group = (struct pv_source){.fd = fd, .events = POLLPRI, .handle = on_group, .data = task};
	task->is_watched = true;
	pv_loop_add(&pv->loop, &task->group);
	/* What happened before it was opened makes no event. */
	on_group(&task->group, 0);
}

bool pv_container_find_init(struct pv *pv, struct pv_task *task)
{
	int process = pv_process_find(task->monitor, &task->init);

	if (process < 0)
		return false;
	task->init_process = process;
	look_at_filter(task);
	watch_group(pv, task);
	return true;
}

bool pv_container_find_next_init(struct pv *pv, struct pv_task *task)
{
	int before = task->init_process;

	if (!pv_container_find_init(pv, task))
		return false;
	close(before);
	return true;
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
	pv_process_signal(task->init_process, number);
}

void pv_container_kill(const struct pv_task *task)
{
	/* All of it at once; the monitor then cleans up and follows. But one that has no container, or none
	 * any more, is all that there is. */
	pv_leftover_kill_payload(PV_CGROUP_DIR, task->spec->name);
	if (task->init)
		pv_process_signal(task->init_process, SIGKILL);
	if (task->monitor && (!task->init || task->emptied_at))
		kill(task->monitor, SIGKILL);
}

void pv_container_log_errors(const struct pv_task *task)
{
	cleanup_free char *path = pv_lxcfile_log(task);
	cleanup_free char *text = NULL;
	struct pv_err err;
	size_t length;
	int reported = 0;
	char *rest, *line;

	if (!pv_exists(path) || pv_read_file(path, LXC_LOG_BYTES, &text, &length, &err) < 0)
		return;
	for (rest = text; reported < COMPLAINTS && (line = strsep(&rest, "\n"));)
		if (strstr(line, " ERROR ") && ++reported)
			pv_error("lxc", "%s", strstr(line, " ERROR ") + strlen(" ERROR "));
}
