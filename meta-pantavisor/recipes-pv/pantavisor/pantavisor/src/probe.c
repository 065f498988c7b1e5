/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <lxc/lxccontainer.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "exitstatus.h"
#include "monitor.h"
#include "run.h"
#include "text.h"

#define GROUPS 1024
#define ITEM_BYTES 16384
#define NOT_FOUND 127 /* as shells have it */

/* Its parts of the conf, as text; empty where there is none. The caller frees it. */
static char *item_of(struct lxc_container *c, const char *key)
{
	char *text = pv_alloc(1, ITEM_BYTES);
	int length = c->get_config_item(c, key, text, ITEM_BYTES);

	if (length < 0 || length >= ITEM_BYTES)
		*text = '\0';
	return text;
}

static uint32_t number_of(struct lxc_container *c, const char *key)
{
	cleanup_free char *text = item_of(c, key);

	return (uint32_t)strtoul(text, NULL, 10);
}

static void take_groups(struct lxc_container *c, lxc_groups_t *groups)
{
	cleanup_free char *text = item_of(c, "lxc.init.groups");
	char *rest = text, *word;

	groups->list = pv_alloc(GROUPS, sizeof(*groups->list));
	while (groups->size < GROUPS && (word = strsep(&rest, ", \n")))
		if (*word)
			groups->list[groups->size++] = (gid_t)strtoul(word, NULL, 10);
}

/* As the container's first program. */
static lxc_attach_options_t options_of(struct lxc_container *c)
{
	lxc_attach_options_t options = LXC_ATTACH_OPTIONS_DEFAULT;
	cleanup_free char *folder = item_of(c, "lxc.init.cwd");

	options.env_policy = LXC_ATTACH_CLEAR_ENV;
	options.initial_cwd = pv_dup(*folder ? folder : "/", strlen(*folder ? folder : "/"));
	options.uid = number_of(c, "lxc.init.uid");
	options.gid = number_of(c, "lxc.init.gid");
	take_groups(c, &options.groups);
	options.attach_flags |= LXC_ATTACH_SETGROUPS;
	if (number_of(c, "lxc.no_new_privs"))
		options.attach_flags |= LXC_ATTACH_NO_NEW_PRIVS;
	return options;
}

/* Inside. It must not outlive who waits for it. */
static int run_words(void *argument)
{
	char **words = argument;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	execvp(words[0], words);
	return NOT_FOUND;
}

static char **words_of(const struct pv_task *task)
{
	const struct pv_json *doc = &task->run->state.doc;
	const struct pv_json_node *test = task->spec->health.test;
	char **words = pv_alloc(test->count + 1, sizeof(*words)), **next = words;

	for (const struct pv_json_node *n = pv_json_first(doc, test); n; n = pv_json_next(doc, n)) {
		const char *word = pv_json_string(doc, n);

		*next++ = pv_dup(word, strlen(word));
	}
	return words;
}

static int wait_for(pid_t pid, int timeout_s)
{
	struct pollfd ended = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	int status, found = poll(&ended, 1, timeout_s * 1000);

	if (found != 1)
		kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		return PV_PROBE_NOT_RUN;
	return found == 1 ? pv_exit_status(status) : PV_PROBE_TIMED_OUT;
}

/* liblxc asks the monitor, by a socket of the network that it is in. */
static int reach_monitor(const struct pv_task *task)
{
	cleanup_free char *path = pv_fmt("/proc/%d/ns/net", task->monitor);
	cleanup_close int network = task->hides_monitor ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	return task->hides_monitor && setns(network, CLONE_NEWNET) < 0 ? -1 : 0;
}

static int run(const struct pv_task *task)
{
	lxc_attach_options_t options;
	struct lxc_container *c;
	char **words = words_of(task);
	pid_t pid;

	pv_monitor_leave_pid1("pv-probe");
	c = reach_monitor(task) < 0 ? NULL : pv_monitor_open(task);
	if (!c)
		return PV_PROBE_NOT_RUN;
	options = options_of(c);
	if (c->attach(c, run_words, words, &options, &pid) < 0)
		return PV_PROBE_NOT_RUN;
	return wait_for(pid, task->spec->health.timeout_s);
}

pid_t pv_probe_spawn(const struct pv_task *task, struct pv_err *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return pv_err_errno(err, "cannot fork");
	if (!pid)
		_exit(run(task));
	return pid;
}

void pv_probe_kill(pid_t probe)
{
	kill(-probe, SIGKILL);
	kill(probe, SIGKILL);
}
