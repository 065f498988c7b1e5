/* SPDX-License-Identifier: MIT */
/* Many jobs: how many run at once, and in which order. */
#include "job.h"

#include "jobs.h"

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

static void test_one_that_waits_begins_although_another_is_cancelled(void)
{
	struct story gone = {.work = find_something}, other = gone;

	start(&gone, LONG_MS);
	start(&other, LONG_MS);
	pv_job_cancel(&jobs, &gone);
	turn();
	/* On a busy machine it has ended by now. */
	CHECK(other.calls == 1 || (jobs.count == 1 && jobs.list[0].pid > 0));
	run_all();
	CHECK(gone.calls == 1 && other.calls == 1 && other.result.done == 0);
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
	begin_loop();
	test_few_run_at_once_and_the_others_in_their_order();
	test_one_that_waits_begins_although_another_is_cancelled();
	test_too_many_are_refused();
	test_jobs_in_order_wait_for_each_other_alone();
	test_few_that_hang_are_all_that_may();
	pv_loop_free(&loop);
	return check_done();
}
