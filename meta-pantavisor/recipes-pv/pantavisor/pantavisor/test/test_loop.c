/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "check.h"
#include "clock.h"

static const int asks[] = {SIGTERM, SIGPWR};

static void test_nothing_came_in_time(const struct pv_loop *loop)
{
	CHECK(pv_loop_wait(loop, 0) == 0);
	CHECK(pv_loop_wait(loop, pv_now_ms() + 1) == 0);
}

static void test_child_that_ends_wakes_up(const struct pv_loop *loop)
{
	pid_t child = fork();

	if (!child)
		_exit(7);
	CHECK(pv_loop_wait(loop, PV_LOOP_FOREVER) == SIGCHLD);
	CHECK(waitpid(child, NULL, 0) == child);
}

static void test_request_comes_before_children(const struct pv_loop *loop)
{
	kill(getpid(), SIGCHLD);
	kill(getpid(), SIGPWR);
	CHECK(pv_loop_wait(loop, PV_LOOP_FOREVER) == SIGPWR);
	CHECK(pv_loop_wait(loop, PV_LOOP_FOREVER) == SIGCHLD);
	CHECK(pv_loop_wait(loop, 0) == 0);
}

/* Where no descriptor is left, children are still seen: the loop has nothing to open. */
static void test_works_without_any_descriptor(void)
{
	const struct rlimit none = {0, 0};
	struct rlimit kept;
	struct pv_loop loop;

	getrlimit(RLIMIT_NOFILE, &kept);
	CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){none.rlim_cur, kept.rlim_max}) == 0);
	pv_loop_init(&loop, asks, PV_COUNT(asks));
	test_child_that_ends_wakes_up(&loop);
	setrlimit(RLIMIT_NOFILE, &kept);
}

int main(void)
{
	struct pv_loop loop;

	signal(SIGCHLD, SIG_IGN);
	pv_loop_init(&loop, asks, PV_COUNT(asks));
	test_nothing_came_in_time(&loop);
	test_child_that_ends_wakes_up(&loop);
	test_request_comes_before_children(&loop);
	test_works_without_any_descriptor();
	return check_done();
}
