/* SPDX-License-Identifier: MIT */
/* The memory that a job may have. Without sanitizers, which take more than any. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "alloc.h"
#include "check.h"
#include "clock.h"
#include "launch.h"

#define MIB (1024UL * 1024)

static int take(void *argument, struct pv_job_result *result)
{
	size_t bytes = *(const size_t *)argument;
	char *memory = malloc(bytes);

	if (!memory)
		return pv_err_set(&result->err, "there is not enough memory");
	memset(memory, 1, bytes);
	result->bytes[0] = (unsigned char)memory[bytes / 2];
	free(memory);
	return 0;
}

static int found;

static void note(void *argument, const struct pv_job_result *result)
{
	(void)argument;
	found = result->is_given ? result->done : 1;
}

static int run(size_t bytes)
{
	static struct pv_loop loop;
	static struct pv_jobs jobs;
	const struct pv_job job = {.name = "test",
		.work = take,
		.done = note,
		.argument = &bytes,
		.limit_ms = 600 * 1000,
		.memory = PV_LAUNCH_MEMORY};
	struct pv_err err;
	int status;
	pid_t pid;

	found = 2;
	pv_loop_init(&loop, NULL, 0);
	pv_jobs_init(&jobs, &loop);
	CHECK(pv_job_start(&jobs, &job, &err) == 0);
	while (jobs.count) {
		pv_loop_wait(&loop, pv_now_ms() + 1000);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			CHECK(pv_jobs_reaped(&jobs, pid, status));
	}
	pv_loop_free(&loop);
	return found;
}

int main(void)
{
	/* All that a state of the largest size needs, and not what it takes to push others out. */
	CHECK(run(200 * MIB) == 0);
	CHECK(run(256 * MIB) == -1);
	/* PID 1 has no limit, whatever its jobs have. */
	free(pv_alloc(512 * MIB, 1));
	return check_done();
}
