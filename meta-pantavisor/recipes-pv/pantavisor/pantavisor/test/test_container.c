/* SPDX-License-Identifier: MIT */
/* Why a container does not start, where its process finds out before LXC begins. */
#include "container.h"

#include "log.h"
#include "lxcfile.h"
#include "monitor.h"
#include "run.h"
#include "world.h"

#define CONF                                                 \
	"lxc.rootfs.path = dir:/run/pantavisor/rootfs/web\n" \
	"lxc.mount.entry = /volumes/web/data data none bind,create=dir 0 0\n"

int pv_monitor_run(const struct pv_task *task)
{
	(void)task;
	return 3;
}

/* Its exit status. */
static int run(struct pv_task *task)
{
	struct pv_err err;
	int status = 0;

	CHECK(pv_container_spawn(NULL, task, &err) == 0);
	CHECK(waitpid(task->monitor, &status, 0) == task->monitor && WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What a record keeps is what PID 1 itself logged. */
static void test_reason_is_in_the_log_of_pid_1(struct pv_task *task)
{
	char last[PV_LOG_LAST_BYTES + 1];

	tree_link("/etc", "run/pantavisor/rootfs/web/data");
	CHECK(run(task) == PV_CONTAINER_NOT_STARTED);
	pv_container_log_errors(task);
	pv_log_last(last, sizeof(last));
	CHECK_HAS(last, "container web cannot be started: line 2: a symbolic link is in the way of its ");
}

static void test_reason_is_gone_with_the_next_start(struct pv_task *task)
{
	char last[PV_LOG_LAST_BYTES + 1], *first;

	CHECK(unlink("/run/pantavisor/rootfs/web/data") == 0);
	CHECK(run(task) == 3);
	pv_container_log_errors(task);
	pv_log_last(last, sizeof(last));
	first = strstr(last, "cannot be started");
	CHECK(first && !strstr(first + 1, "cannot be started"));
}

int main(void)
{
	static struct pv_container web = {.name = "web"};
	static struct pv_task task = {.spec = &web};

	world_begin();
	world_enter();
	tree_folder("run/pantavisor/rootfs/web");
	tree_folder("run/pantavisor/lxc-logs");
	tree_file(PV_LXC_DIR "/web/config" + 1, CONF);
	test_reason_is_in_the_log_of_pid_1(&task);
	test_reason_is_gone_with_the_next_start(&task);
	return check_done();
}
