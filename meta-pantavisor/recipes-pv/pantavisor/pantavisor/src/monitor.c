/* SPDX-License-Identifier: MIT */
#include "monitor.h"

#include <fcntl.h>
#include <lxc/lxccontainer.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "alloc.h"
#include "argv.h"
#include "exitstatus.h"
#include "file.h"
#include "lxcfile.h"
#include "text.h"

static void limit_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = PV_CONTAINER_FILES;
	setrlimit(RLIMIT_NOFILE, &files);
}

void pv_monitor_leave_pid1(const char *name)
{
	sigset_t none;
	int null;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	prctl(PR_SET_NAME, name);
	pv_close_range(0, ~0U);
	limit_files();
	null = open("/dev/null", O_RDWR);
	(void)dup2(null, 1);
	(void)dup2(null, 2);
}

/* LXC itself splits the command line at blanks and leaves the quotes in. Without one it runs /sbin/init,
 * and so do we. */
static char **command_of(struct lxc_container *c)
{
	int length = c->get_config_item(c, "lxc.init.cmd", NULL, 0);
	cleanup_free char *text = pv_alloc(1, length > 0 ? (size_t)length + 1 : 1);
	char **words = NULL;
	struct pv_err err;

	if (length > 0)
		c->get_config_item(c, "lxc.init.cmd", text, length + 1);
	return pv_argv_split(*text ? text : "/sbin/init", &words, &err) < 0 ? NULL : words;
}

struct lxc_container *pv_monitor_open(const struct pv_task *task)
{
	cleanup_free char *path = pv_lxcfile_path(task);
	cleanup_free char *conf = pv_fmt("%s.now", path);
	struct lxc_container *c = lxc_container_new(task->spec->name, PV_LXC_DIR);

	if (!c)
		return NULL;
	c->clear_config(c);
	if (!c->load_config(c, conf))
		return NULL;
	/* There are no profiles here; a liblxc without AppArmor refuses the key, which is as good. */
	if (!task->has_apparmor)
		c->set_config_item(c, "lxc.apparmor.profile", "unconfined");
	return c;
}

int pv_monitor_run(const struct pv_task *task)
{
	struct lxc_container *c;
	char **command;

	pv_monitor_leave_pid1(task->spec->name);
	/* liblxc takes commands at an abstract socket, from any root in the same network: console, cgroups,
	 * end of the container. The container itself shares PID 1's network by its conf, or has one of its
	 * own. */
	if (task->hides_monitor && unshare(CLONE_NEWNET) < 0)
		return PV_CONTAINER_NOT_STARTED;
	c = pv_monitor_open(task);
	if (!c)
		return PV_CONTAINER_NOT_STARTED;
	c->want_daemonize(c, false);
	c->want_close_all_fds(c, true);
	command = command_of(c);
	if (!command)
		return PV_CONTAINER_NOT_STARTED;
	/* A wait status; but 0 or 1 where LXC itself failed. */
	if (!c->start(c, 0, command) && c->error_num <= 1)
		return PV_CONTAINER_NOT_STARTED;
	return pv_exit_status(c->error_num);
}
