/* SPDX-License-Identifier: MIT */
/* One job: its result, its errors, its limits. */
#include "job.h"

#include "jobs.h"

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

int main(void)
{
	begin_loop();
	test_result_and_error_come_back();
	test_child_that_gives_no_result_is_an_error();
	test_job_that_takes_too_long_is_killed();
	test_what_a_job_started_ends_with_it();
	test_memory_is_limited();
	pv_loop_free(&loop);
	return check_done();
}
