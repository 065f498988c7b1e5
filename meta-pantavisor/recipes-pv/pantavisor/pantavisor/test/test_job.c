/* SPDX-License-Identifier: MIT */
/* Real children, and the loop that reaps them. */
#include "job.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"

#define LONG_MS 60000

static struct pv_loop loop;
static struct pv_jobs jobs;
static int orphans;

struct story {
	int (*work)(struct pv_job_result *result);
	int calls;
	int running; /* at the end of it */
	struct pv_job_result result;
};

static int work(void *argument, struct pv_job_result *result)
{
	return ((struct story *)argument)->work(result);
}

static void done(void *argument, const struct pv_job_result *result)
{
	struct story *story = argument;

	story->calls++;
	story->result = *result;
}

static void start(struct story *story, int64_t limit_ms)
{
	const struct pv_job job = {
		.name = "test", .work = work, .done = done, .argument = story, .limit_ms = limit_ms};
	struct pv_err err;

	CHECK(pv_job_start(&jobs, &job, &err) == 0);
}

static void turn(void)
{
	int status;
	pid_t pid;

	pv_loop_wait(&loop, pv_now_ms() + LONG_MS);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		orphans += !pv_jobs_reaped(&jobs, pid, status);
}

static void run_all(void)
{
	while (jobs.count)
		turn();
}

static int find_something(struct pv_job_result *result)
{
	memcpy(result->bytes, "found", 5);
	result->length = 5;
	return 0;
}

static int fail(struct pv_job_result *result)
{
	pv_err_set(&result->err, "no such thing");
	pv_err_hint(&result->err, "look elsewhere");
	return -1;
}

static int crash(struct pv_job_result *result)
{
	(void)result;
	kill(getpid(), SIGKILL);
	return 0;
}

static int write_too_much(struct pv_job_result *result)
{
	result->length = PV_JOB_BYTES + 1;
	return 0;
}

static int leave(struct pv_job_result *result)
{
	(void)result;
	_exit(0);
}

static int hang(struct pv_job_result *result)
{
	(void)result;
	while (getpid())
		pause();
	return 0;
}

static int started[2];

/* What it starts is to end with it. */
static int hang_with_child(struct pv_job_result *result)
{
	if (fork() == 0)
		CHECK(write(started[1], "x", 1) == 1);
	return hang(result);
}

static int listen_for_signals(struct pv_job_result *result)
{
	sigset_t blocked;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	return sigismember(&blocked, SIGTERM) ? pv_err_set(&result->err, "SIGTERM is blocked") : 0;
}

static void test_result_and_error_come_back(void)
{
	struct story good = {.work = find_something}, bad = {.work = fail},
		     deaf = {.work = listen_for_signals};

	start(&good, LONG_MS);
	start(&bad, LONG_MS);
	start(&deaf, LONG_MS);
	CHECK(!good.calls && !bad.calls);
	run_all();
	CHECK(good.calls == 1 && good.result.done == 0 && good.result.length == 5);
	CHECK(!memcmp(good.result.bytes, "found", 5));
	CHECK(bad.calls == 1 && bad.result.done == -1);
	CHECK_TEXT(bad.result.err.text, "no such thing");
	CHECK_TEXT(bad.result.err.hint, "look elsewhere");
	CHECK(deaf.result.done == 0);
}

static void test_child_that_gives_no_result_is_an_error(void)
{
	static const struct {
		int (*work)(struct pv_job_result *result);
		const char *text;
	} ends[] = {{crash, "its process ended with status 137"},
		{leave, "its process ended with status 0"}, {write_too_much, "its result is too long"}};

	for (size_t i = 0; i < PV_COUNT(ends); i++) {
		struct story story = {.work = ends[i].work};

		start(&story, LONG_MS);
		run_all();
		CHECK(story.calls == 1 && story.result.done < 0 && !story.result.length);
		CHECK_TEXT(story.result.err.text, ends[i].text);
	}
}

static void test_job_that_takes_too_long_is_killed(void)
{
	struct story story = {.work = hang};

	start(&story, 1);
	turn();
	CHECK(jobs.count == 1 && jobs.list[0].pid > 0);
	run_all();
	CHECK(story.calls == 1 && story.result.done < 0);
	CHECK_TEXT(story.result.err.text, "it did not end within 0 s");
}

static void test_what_a_job_started_ends_with_it(void)
{
	struct story story = {.work = hang_with_child};
	char byte;

	CHECK(pipe(started) == 0);
	start(&story, LONG_MS);
	turn();
	CHECK(read(started[0], &byte, 1) == 1);
	pv_job_cancel(&jobs, &story);
	while (!orphans || jobs.count)
		turn();
	CHECK(orphans == 1 && story.calls == 1);
	CHECK_TEXT(story.result.err.text, "it was cancelled");
}

static void test_few_run_at_once_and_the_others_in_their_order(void)
{
	struct story stories[PV_JOBS_AT_ONCE + 2];

	for (size_t i = 0; i < PV_COUNT(stories); i++) {
		stories[i] = (struct story){.work = i < PV_JOBS_AT_ONCE ? hang : find_something};
		start(&stories[i], LONG_MS);
	}
	turn();
	for (size_t i = 0; i < PV_COUNT(stories); i++)
		CHECK((jobs.list[i].pid > 0) == (i < PV_JOBS_AT_ONCE));
	/* One that waits ends at once, one that runs when it was reaped. */
	pv_job_cancel(&jobs, &stories[PV_JOBS_AT_ONCE + 1]);
	CHECK(stories[PV_JOBS_AT_ONCE + 1].calls == 1);
	CHECK_TEXT(stories[PV_JOBS_AT_ONCE + 1].result.err.text, "it was cancelled");
	pv_job_cancel(&jobs, &stories[0]);
	CHECK(!stories[0].calls);
	while (!stories[PV_JOBS_AT_ONCE].calls)
		turn();
	CHECK(stories[0].calls == 1 && stories[PV_JOBS_AT_ONCE].result.done == 0);
	CHECK_TEXT(stories[0].result.err.text, "it was cancelled");
	pv_job_cancel(&jobs, &stories[1]);
	run_all();
}

static void test_too_many_are_refused(void)
{
	struct story many[PV_JOBS];
	struct pv_job one_more = {.name = "test", .work = work, .done = done};
	struct pv_err err;

	for (size_t i = 0; i < PV_JOBS; i++) {
		many[i] = (struct story){.work = find_something};
		start(&many[i], LONG_MS);
	}
	CHECK(pv_job_start(&jobs, &one_more, &err) < 0);
	CHECK_HAS(err.text, "256 jobs");
	for (size_t i = 0; i < PV_JOBS; i++)
		pv_job_cancel(&jobs, &many[i]);
	CHECK(!jobs.count && many[0].calls == 1 && many[PV_JOBS - 1].calls == 1);
}

static int take_memory(struct pv_job_result *result)
{
	void *memory = malloc(256 * 1024 * 1024);

	free(memory);
	return memory ? pv_err_set(&result->err, "there is no limit") : 0;
}

static void test_memory_is_limited(void)
{
#ifdef __SANITIZE_ADDRESS__
	(void)take_memory;
	fputs("skipped: a limit of memory, since the sanitizer takes more than any\n", stderr);
#else
	struct story story = {.work = take_memory};
	const struct pv_job job = {.name = "test",
		.work = work,
		.done = done,
		.argument = &story,
		.limit_ms = LONG_MS,
		.memory = 64 * 1024 * 1024};
	struct pv_err err;

	CHECK(pv_job_start(&jobs, &job, &err) == 0);
	run_all();
	CHECK(story.calls == 1 && story.result.done == 0);
#endif
}

static int order[3], ends;

static void done_in_order(void *argument, const struct pv_job_result *result)
{
	*(int *)argument = ++ends;
	CHECK(result->done == 0 && result->is_given);
	/* Alone. */
	CHECK(pv_jobs_in_order(&jobs) == (size_t)(PV_COUNT(order) - (size_t)ends));
}

static int do_nothing(void *argument, struct pv_job_result *result)
{
	(void)argument;
	(void)result;
	return 0;
}

/* Whatever else takes long: one after another. */
static void test_jobs_in_order_wait_for_each_other_alone(void)
{
	struct story stories[PV_JOBS_AT_ONCE + 1];
	struct pv_job job = {.name = "test",
		.work = do_nothing,
		.done = done_in_order,
		.limit_ms = LONG_MS,
		.in_order = true};
	struct pv_err err;

	for (size_t i = 0; i < PV_COUNT(stories); i++) {
		stories[i] = (struct story){.work = hang};
		start(&stories[i], LONG_MS);
	}
	for (size_t i = 0; i < PV_COUNT(order); i++) {
		job.argument = &order[i];
		CHECK(pv_job_start(&jobs, &job, &err) == 0);
	}
	while (ends < (int)PV_COUNT(order))
		turn();
	for (size_t i = 0; i < PV_COUNT(order); i++)
		CHECK(order[i] == (int)i + 1);
	for (size_t i = 0; i < PV_COUNT(stories); i++)
		pv_job_cancel(&jobs, &stories[i]);
	run_all();
	CHECK(!stories[0].result.is_given && stories[0].calls == 1);
}

/* No process hangs in the kernel at will: the places are taken as those would take them. */
static void test_few_that_hang_are_all_that_may(void)
{
	struct story hanging[PV_JOBS_HANGING], refused = {.work = find_something}, later = refused;

	for (size_t i = 0; i < PV_COUNT(hanging); i++) {
		hanging[i] = (struct story){.work = hang};
		start(&hanging[i], LONG_MS);
		turn();
		CHECK(jobs.list[i].pid > 0);
		jobs.list[i].given_up = true;
	}
	CHECK(pv_jobs_hang(&jobs));
	start(&refused, LONG_MS);
	turn();
	CHECK(refused.calls == 1 && refused.result.done < 0 && jobs.count == PV_JOBS_HANGING);
	CHECK_TEXT(refused.result.err.text, "8 jobs hang in the kernel already");
	/* Once one of them has ended, work goes on. */
	kill(jobs.list[0].pid, SIGKILL);
	while (jobs.count == PV_JOBS_HANGING)
		turn();
	start(&later, LONG_MS);
	while (!later.calls)
		turn();
	CHECK(later.result.done == 0);
	for (size_t i = 0; i < jobs.count; i++)
		kill(jobs.list[i].pid, SIGKILL);
	run_all();
	CHECK(!pv_jobs_hang(&jobs) && !hanging[0].calls);
}

int main(void)
{
	const int asks[] = {SIGTERM};

	pv_loop_init(&loop, asks, 1);
	pv_jobs_init(&jobs, &loop);
	/* The children of a killed child come to us, as they come to PID 1. */
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	test_result_and_error_come_back();
	test_child_that_gives_no_result_is_an_error();
	test_job_that_takes_too_long_is_killed();
	test_what_a_job_started_ends_with_it();
	test_few_run_at_once_and_the_others_in_their_order();
	test_too_many_are_refused();
	test_memory_is_limited();
	test_jobs_in_order_wait_for_each_other_alone();
	test_few_that_hang_are_all_that_may();
	pv_loop_free(&loop);
	return check_done();
}
