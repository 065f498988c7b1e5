/* SPDX-License-Identifier: MIT */
/* Jobs while the kernel refuses processes: it does so to a user who has as many as RLIMIT_NPROC. */
#include <sys/resource.h>

#include "job.h"

#include "jobs.h"

#define NOBODY 65534

static rlim_t hard;

static void refuse_processes(bool refuse)
{
	const struct rlimit limit = {refuse ? 0 : hard, hard};

	CHECK(setrlimit(RLIMIT_NPROC, &limit) == 0);
}

/* Root is refused none. */
static void become_nobody(void)
{
	struct rlimit limit;

	CHECK(getrlimit(RLIMIT_NPROC, &limit) == 0);
	hard = limit.rlim_max;
	if (getuid() == 0)
		CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
	/* Else the sanitizer cannot look for leaks. */
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
}

static void turn_for(int64_t ms)
{
	for (int64_t until = pv_now_ms() + ms; pv_now_ms() < until;)
		pv_loop_wait(&loop, until);
}

static int order[3], ends;

static int do_nothing(void *argument, struct pv_job_result *result)
{
	(void)argument;
	(void)result;
	return 0;
}

static void done_in_order(void *argument, const struct pv_job_result *result)
{
	*(int *)argument = ++ends;
	CHECK(result->done == 0 && result->is_given);
}

static void test_jobs_wait_for_a_process_and_keep_their_order(void)
{
	struct story story = {.work = find_something};
	struct pv_job job = {.name = "test",
		.work = do_nothing,
		.done = done_in_order,
		.limit_ms = LONG_MS,
		.in_order = true};
	struct pv_err err;

	refuse_processes(true);
	for (size_t i = 0; i < PV_COUNT(order); i++) {
		job.argument = &order[i];
		CHECK(pv_job_start(&jobs, &job, &err) == 0);
	}
	start(&story, LONG_MS);
	turn_for(PV_JOB_PAUSE_MS * 4);
	CHECK(jobs.count == PV_COUNT(order) + 1 && !ends && !story.calls);
	CHECK(jobs.refused_at > 0 && jobs.pause > PV_JOB_PAUSE_MS);
	refuse_processes(false);
	run_all();
	for (size_t i = 0; i < PV_COUNT(order); i++)
		CHECK(order[i] == (int)i + 1);
	CHECK(story.calls == 1 && story.result.done == 0);
	CHECK(!jobs.refused_at);
}

/* The loop sleeps in between. */
static void test_the_pause_grows_to_its_bound(void)
{
	struct story story = {.work = find_something};
	int64_t begin = pv_now_ms();
	int turns = 0;

	refuse_processes(true);
	start(&story, LONG_MS);
	for (; pv_now_ms() < begin + 3500; turns++)
		pv_loop_wait(&loop, begin + 3500);
	/* After 50, 100, 200, 400, 800, 1000 and 1000 ms. */
	CHECK(turns <= 9);
	CHECK(jobs.pause == PV_JOB_LONGEST_PAUSE_MS && jobs.fork_at <= pv_now_ms() + jobs.pause);
	refuse_processes(false);
	run_all();
	CHECK(story.calls == 1 && story.result.done == 0);
}

static void test_a_job_that_is_refused_for_long_fails(void)
{
	struct story old = {.work = find_something}, late = old;

	refuse_processes(true);
	start(&old, LONG_MS);
	turn();
	CHECK(jobs.count == 1 && jobs.refused_at > 0);
	/* As if that were a minute ago. */
	jobs.refused_at -= PV_JOB_FORK_MS;
	jobs.list[0].asked_at -= PV_JOB_FORK_MS;
	start(&late, LONG_MS);
	while (!old.calls)
		turn();
	CHECK(old.calls == 1 && old.result.done < 0 && !old.result.is_given);
	CHECK_TEXT(old.result.err.text, "cannot fork: Resource temporarily unavailable");
	/* Each may wait as long. */
	turn_for(PV_JOB_PAUSE_MS);
	CHECK(!late.calls && jobs.count == 1);
	refuse_processes(false);
	run_all();
	CHECK(late.calls == 1 && late.result.done == 0);
}

static void test_a_job_that_waits_for_a_process_can_be_cancelled(void)
{
	struct story gone = {.work = find_something}, other = gone;

	refuse_processes(true);
	start(&gone, LONG_MS);
	start(&other, LONG_MS);
	turn();
	pv_job_cancel(&jobs, &gone);
	CHECK(gone.calls == 1 && !other.calls);
	CHECK_TEXT(gone.result.err.text, "it was cancelled");
	refuse_processes(false);
	run_all();
	CHECK(other.calls == 1 && other.result.done == 0);
}

int main(void)
{
	become_nobody();
	begin_loop();
	test_jobs_wait_for_a_process_and_keep_their_order();
	test_the_pause_grows_to_its_bound();
	test_a_job_that_is_refused_for_long_fails();
	test_a_job_that_waits_for_a_process_can_be_cancelled();
	pv_loop_free(&loop);
	return check_done();
}
