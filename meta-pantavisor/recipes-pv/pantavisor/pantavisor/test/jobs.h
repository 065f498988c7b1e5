/* SPDX-License-Identifier: MIT */
/* Real children, and the loop that reaps them. */
#ifndef PV_TEST_JOBS_H
#define PV_TEST_LOOP_OF_JOBS_H

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "job.h"

#define LONG_MS 60000

static struct pv_loop loop;
static struct pv_jobs jobs;
static int orphans;

struct story {
	int (*work)(struct pv_job_result *result);
	int calls;
	struct pv_job_result result;
};

/* To begin with; the children of a killed child come to us, as they come to PID 1. */
static inline void begin_loop(void)
{
	const int asks[] = {SIGTERM};

	pv_loop_init(&loop, asks, 1);
	pv_jobs_init(&jobs, &loop);
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
}

static inline int work(void *argument, struct pv_job_result *result)
{
	return ((struct story *)argument)->work(result);
}

static inline void done(void *argument, const struct pv_job_result *result)
{
	struct story *story = argument;

	story->calls++;
	story->result = *result;
}

static inline void start(struct story *story, int64_t limit_ms)
{
	const struct pv_job job = {
		.name = "test", .work = work, .done = done, .argument = story, .limit_ms = limit_ms};
	struct pv_err err;

	CHECK(pv_job_start(&jobs, &job, &err) == 0);
}

static inline void turn(void)
{
	int status;
	pid_t pid;

	pv_loop_wait(&loop, pv_now_ms() + LONG_MS);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		orphans += !pv_jobs_reaped(&jobs, pid, status);
}

static inline void run_all(void)
{
	while (jobs.count)
		turn();
}

static inline int find_something(struct pv_job_result *result)
{
	memcpy(result->bytes, "found", 5);
	result->length = 5;
	return 0;
}

static inline int hang(struct pv_job_result *result)
{
	(void)result;
	while (getpid())
		pause();
	return 0;
}

#endif
