/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "check.h"
#include "clock.h"
#include "log.h"

static const int asks[] = {SIGTERM, SIGPWR};

static void test_nothing_came_in_time(struct pv_loop *loop)
{
	CHECK(pv_loop_wait(loop, 0) == 0);
	CHECK(pv_loop_wait(loop, pv_now_ms() + 1) == 0);
}

static void test_child_that_ends_wakes_up(struct pv_loop *loop)
{
	pid_t child = fork();

	if (!child)
		_exit(7);
	CHECK(pv_loop_wait(loop, PV_LOOP_FOREVER) == SIGCHLD);
	CHECK(waitpid(child, NULL, 0) == child);
}

static void test_request_comes_before_children(struct pv_loop *loop)
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
	pv_loop_free(&loop);
}

struct pipe {
	struct pv_loop *loop;
	struct pv_source source, late;
	struct pv_timer timer;
	int write, calls, late_calls, rings;
};

static void on_late(struct pv_source *source, short events)
{
	(void)events;
	((struct pipe *)source->data)->late_calls++;
}

static void on_byte(struct pv_source *source, short events)
{
	struct pipe *pipe = source->data;
	char byte;

	CHECK(events & POLLIN && read(source->fd, &byte, 1) == 1);
	pipe->calls++;
	pv_loop_remove(pipe->loop, source);
	pv_loop_add(pipe->loop, &pipe->late);
}

static void on_ring(struct pv_timer *timer, int64_t now)
{
	struct pipe *pipe = timer->data;

	CHECK(now >= timer->at);
	if (++pipe->rings < 3)
		pv_loop_arm(pipe->loop, timer, now);
}

static void open_pipe(struct pipe *pipe, struct pv_loop *loop)
{
	int ends[2];

	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	*pipe = (struct pipe){.loop = loop,
		.source = {ends[0], POLLIN, on_byte, pipe},
		.late = {ends[0], POLLIN, on_late, pipe},
		.timer = {.handle = on_ring, .data = pipe},
		.write = ends[1]};
}

static void test_source_is_called_and_may_change_the_list(struct pv_loop *loop)
{
	struct pipe pipe;

	open_pipe(&pipe, loop);
	pv_loop_add(loop, &pipe.source);
	CHECK(pv_loop_wait(loop, 0) == 0 && !pipe.calls);
	CHECK(write(pipe.write, "xy", 2) == 2);
	CHECK(pv_loop_wait(loop, PV_LOOP_FOREVER) == 0);
	CHECK(pipe.calls == 1 && !pipe.late_calls);
	CHECK(pv_loop_wait(loop, PV_LOOP_FOREVER) == 0);
	CHECK(pipe.calls == 1 && pipe.late_calls == 1);
	pv_loop_remove(loop, &pipe.late);
	CHECK(pv_loop_wait(loop, 0) == 0 && pipe.late_calls == 1);
	close(pipe.source.fd);
	close(pipe.write);
}

static void test_closed_descriptor_is_waited_for_no_more(struct pv_loop *loop)
{
	struct pipe pipe;

	open_pipe(&pipe, loop);
	pipe.late.fd = pipe.source.fd;
	pv_loop_add(loop, &pipe.late);
	close(pipe.source.fd);
	pv_loop_wait(loop, PV_LOOP_FOREVER);
	CHECK(pipe.late_calls == 1);
	CHECK(pv_loop_wait(loop, pv_now_ms() + 1) == 0 && pipe.late_calls == 1);
	close(pipe.write);
}

static void test_timer_rings_once_for_each_time_it_is_armed(struct pv_loop *loop)
{
	struct pipe pipe;
	int64_t now = pv_now_ms();

	open_pipe(&pipe, loop);
	pv_loop_arm(loop, &pipe.timer, now + 1000000);
	pv_loop_arm(loop, &pipe.timer, now + 5);
	CHECK(pv_loop_wait(loop, PV_LOOP_FOREVER) == 0);
	CHECK(pipe.rings == 1 && pv_now_ms() >= now + 5);
	/* Armed again for now by its handler: one turn each. */
	pv_loop_wait(loop, PV_LOOP_FOREVER);
	pv_loop_wait(loop, PV_LOOP_FOREVER);
	CHECK(pipe.rings == 3);
	pv_loop_arm(loop, &pipe.timer, now);
	pv_loop_disarm(loop, &pipe.timer);
	CHECK(pv_loop_wait(loop, pv_now_ms() + 1) == 0 && pipe.rings == 3);
	close(pipe.source.fd);
	close(pipe.write);
}

static void test_request_comes_before_sources(struct pv_loop *loop)
{
	struct pipe pipe;

	open_pipe(&pipe, loop);
	pv_loop_add(loop, &pipe.late);
	CHECK(write(pipe.write, "x", 1) == 1);
	kill(getpid(), SIGPWR);
	CHECK(pv_loop_wait(loop, PV_LOOP_FOREVER) == SIGPWR && !pipe.late_calls);
	pv_loop_remove(loop, &pipe.late);
	close(pipe.source.fd);
	close(pipe.write);
}

int main(void)
{
	struct pv_loop loop;

	signal(SIGCHLD, SIG_IGN);
	pv_loop_init(&loop, asks, PV_COUNT(asks));
	test_nothing_came_in_time(&loop);
	test_child_that_ends_wakes_up(&loop);
	test_request_comes_before_children(&loop);
	test_source_is_called_and_may_change_the_list(&loop);
	test_timer_rings_once_for_each_time_it_is_armed(&loop);
	test_request_comes_before_sources(&loop);
	pv_log_set_level(-1);
	test_closed_descriptor_is_waited_for_no_more(&loop);
	pv_loop_free(&loop);
	test_works_without_any_descriptor();
	return check_done();
}
