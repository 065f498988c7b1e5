/* SPDX-License-Identifier: MIT */
/* What happens before LXC begins: why a container does not start, and whether its lines are shown. */
#include "container.h"

#include <poll.h>

#include "log.h"
#include "lxcfile.h"
#include "monitor.h"
#include "run.h"
#include "world.h"

#define CONF                                                 \
	"lxc.rootfs.path = dir:/run/pantavisor/rootfs/web\n" \
	"lxc.mount.entry = /volumes/web/data data none bind,create=dir 0 0\n"

static const char *printed = "";
static int held[2] = {-1, -1}; /* a pipe of PID 1 */

/* Only the monitor closes what it has of PID 1. */
static bool is_let_go(void)
{
	struct pollfd end = {.fd = held[0]};

	close(held[1]);
	return poll(&end, 1, 5000) == 1;
}

int pv_monitor_run(const struct pv_task *task)
{
	(void)task;
	if (held[0] >= 0)
		return is_let_go() ? 5 : 4;
	tree_file("storage/logs/0/web/console.log", printed);
	return 3;
}

/* Its exit status. */
static int run(struct pv_task *task)
{
	struct pv_err err;
	int status = 0;

	CHECK(pv_container_spawn(task->pv, task, &err) == 0);
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

/* By a process that is there until the container's own has ended, and then shows its last line. */
static void test_lines_are_shown_where_that_is_configured(struct pv_task *task)
{
	cleanup_close int console = -1;
	char shown[256] = "";
	struct pv_err err;

	CHECK(mkfifo("/run/console", 0600) == 0);
	console = open("/run/console", O_RDWR | O_CLOEXEC);
	printed = "hello\n";
	CHECK(run(task) == 3);
	CHECK(pv_config_read_file(
		      &task->pv->config, "PV_LOG_SERVER_OUTPUTS=filetree,stdout.containers", &err) == 0);
	printed = "hello\nworld\n";
	CHECK(run(task) == 3);
	CHECK(read(console, shown, sizeof(shown) - 1) > 0);
	CHECK_TEXT(shown, "web | world\n");
}

/* An object that is removed takes its room until no process has it open. */
static void test_process_that_shows_them_has_nothing_else_open(struct pv_task *task)
{
	struct pv_err err;
	int status = 0;

	CHECK(pipe2(held, O_CLOEXEC) == 0);
	CHECK(pv_container_spawn(task->pv, task, &err) == 0);
	close(held[1]);
	CHECK(waitpid(task->monitor, &status, 0) == task->monitor && WEXITSTATUS(status) == 5);
}

int main(void)
{
	static struct pv pv;
	static struct pv_container web = {.name = "web"};
	static struct pv_task task = {.pv = &pv, .spec = &web, .home = "0"};

	world_begin();
	world_enter();
	tree_folder("run/pantavisor/rootfs/web");
	tree_folder("run/pantavisor/lxc-logs");
	tree_file(PV_LXC_DIR "/web/config" + 1, CONF);
	tree_folder("storage/logs/0/web");
	pv_config_init(&pv.config);
	pv.storage = open("/storage", O_PATH | O_DIRECTORY | O_CLOEXEC);
	test_reason_is_in_the_log_of_pid_1(&task);
	test_reason_is_gone_with_the_next_start(&task);
	test_lines_are_shown_where_that_is_configured(&task);
	test_process_that_shows_them_has_nothing_else_open(&task);
	return check_done();
}
