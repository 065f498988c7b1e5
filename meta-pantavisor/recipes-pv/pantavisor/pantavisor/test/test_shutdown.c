/* SPDX-License-Identifier: MIT */
/* The end of a PID 1, in a PID namespace of its own, where reboot() ends the namespace by SIGHUP and
 * powering off by SIGINT. */
#include "shutdown.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "alloc.h"
#include "file.h"
#include "log.h"
#include "prepare.h"
#include "world.h"

#define CONSOLE WORLD_ROOT "/console"
#define VOLUME WORLD_ROOT "/volume"

void pv_prepare_undo(const struct pv_task *task)
{
	(void)task;
}

static void say_goodbye(int number)
{
	(void)number;
	close(open(WORLD_ROOT "/asked", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	_exit(0);
}

/* An orphan that holds the volume; returns once it is one. */
static void leave_stray(void (*on_term)(int))
{
	int ready[2];
	char byte;

	CHECK(pipe(ready) == 0);
	if (!fork()) {
		if (fork())
			_exit(0);
		signal(SIGTERM, on_term);
		if (chdir(VOLUME) == 0)
			(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	close(ready[1]);
}

static void be_pid_1(enum pv_end end)
{
	static struct pv_run run;
	static struct pv pv = {.run = &run};
	struct pv_err err;

	CHECK(pv_mount(&pv.mounts, "tmpfs", VOLUME, "tmpfs", 0, NULL, &err) == 0);
	close(open(CONSOLE, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	pv_log_open_console(CONSOLE);
	leave_stray(say_goodbye);
	leave_stray(SIG_IGN);
	pv.end = end;
	if (!check_failures)
		pv_shutdown(&pv);
	_exit(1);
}

/* A namespace ends with its PID 1, so each gets its own, from a process of its own. The signal that ended
 * it.
 */
static int run(enum pv_end end)
{
	int status = 0;
	pid_t child = fork(), first;

	if (!child) {
		if (unshare(CLONE_NEWPID) < 0)
			_exit(WORLD_SKIPPED);
		first = fork();
		if (!first)
			be_pid_1(end);
		waitpid(first, &status, 0);
		_exit(WIFSIGNALED(status) ? WTERMSIG(status) : 100);
	}
	waitpid(child, &status, 0);
	world_need(WEXITSTATUS(status) != WORLD_SKIPPED, "a PID namespace");
	return WEXITSTATUS(status);
}

static void test_strays_end_before_the_mounts_and_the_kernel(enum pv_end end, int number)
{
	cleanup_free char *console = NULL;
	size_t length;
	struct pv_err err;

	unlink(CONSOLE);
	unlink(WORLD_ROOT "/asked");
	CHECK(run(end) == number);
	CHECK(pv_exists(WORLD_ROOT "/asked"));
	CHECK(pv_read_file(CONSOLE, 4096, &console, &length, &err) == 0);
	CHECK_HAS(console ? console : "", end == PV_END_REBOOT ? "rebooting" : "powering off");
	CHECK(console && !strstr(console, "are left") && !strstr(console, "was busy"));
}

int main(void)
{
	world_begin();
	test_strays_end_before_the_mounts_and_the_kernel(PV_END_REBOOT, SIGHUP);
	test_strays_end_before_the_mounts_and_the_kernel(PV_END_POWEROFF, SIGINT);
	return check_done();
}
