/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* A child that has one itself, which executes `sleep` when it is told to. */
static pid_t start_parent(int go)
{
	pid_t parent = fork(), child;
	char byte;

	if (parent)
		return parent;
	child = fork();
	if (!child) {
		if (read(go, &byte, 1) == 1)
			execlp("sleep", "sleep", "1000", NULL);
		_exit(1);
	}
	waitpid(child, NULL, 0);
	_exit(7);
}

static void test_child_counts_once_it_runs_its_own_program(void)
{
	int go[2], process, status;
	pid_t parent, found = 0;

	CHECK(pipe(go) == 0);
	parent = start_parent(go[0]);
	CHECK(pv_process_find(parent, &found) < 0 && !found);
	CHECK(write(go[1], "x", 1) == 1);
	while ((process = pv_process_find(parent, &found)) < 0)
		usleep(1000);
	CHECK(found > 0 && found != parent && kill(found, 0) == 0);
	/* It is not a child of others. */
	CHECK(pv_process_find(getpid(), &found) < 0);
	pv_process_signal(process, SIGTERM);
	CHECK(waitpid(parent, &status, 0) == parent && WEXITSTATUS(status) == 7);
	CHECK(poll(&(struct pollfd){.fd = process, .events = POLLIN}, 1, 0) == 1);
	/* The process that has that number now is not meant. */
	pv_process_signal(process, SIGKILL);
	close(process);
	close(go[0]);
	close(go[1]);
}

int main(void)
{
	test_child_counts_once_it_runs_its_own_program();
	return check_done();
}
