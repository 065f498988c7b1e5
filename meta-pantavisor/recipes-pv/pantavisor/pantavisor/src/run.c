/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "text.h"

struct pv_run *pv_run_new(const char *revision)
{
	struct pv_run *run = pv_alloc(1, sizeof(*run));

	run->revision = pv_dup(revision, strlen(revision));
	return run;
}

void pv_run_make_tasks(struct pv_run *run)
{
	run->task_count = run->state.container_count;
	run->tasks = pv_alloc(run->task_count, sizeof(*run->tasks));
	for (size_t i = 0; i < run->task_count; i++)
		run->tasks[i] = (struct pv_task){
			.run = run, .spec = &run->state.containers[i], .status = PV_STATUS_INSTALLED};
}

void pv_run_free(struct pv_run *run)
{
	if (!run)
		return;
	free(run->tasks);
	pv_held_close(&run->held);
	pv_state_free(&run->state);
	free(run->revision);
	free(run);
}
