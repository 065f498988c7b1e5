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

long pv_run_least_release(const struct pv_run *run)
{
	bool was_committed = !pv_revision_is_tried(run->standing) && run->standing != PV_STANDING_UPDATED;

	return was_committed && run->release > run->least_release ? run->release : run->least_release;
}

void pv_run_make_tasks(struct pv_run *run)
{
	run->task_count = run->state.container_count;
	run->tasks = pv_alloc(run->task_count, sizeof(*run->tasks));
	for (size_t i = 0; i < run->task_count; i++) {
		run->tasks[i] = pv_alloc(1, sizeof(**run->tasks));
		*run->tasks[i] = (struct pv_task){
			.run = run, .spec = &run->state.containers[i], .status = PV_STATUS_INSTALLED};
	}
}

static size_t find_task(const struct pv_run *run, const char *name)
{
	size_t i = 0;

	while (i < run->task_count && (!run->tasks[i] || strcmp(run->tasks[i]->spec->name, name)))
		i++;
	return i;
}

void pv_run_move_tasks(struct pv_run *from, struct pv_run *to, const bool *is_kept)
{
	for (size_t i = 0; i < to->task_count; i++) {
		size_t old = find_task(from, to->state.containers[i].name);

		if (!is_kept[i] || old == from->task_count)
			continue;
		free(to->tasks[i]);
		to->tasks[i] = from->tasks[old];
		from->tasks[old] = NULL;
		to->tasks[i]->run = to;
		to->tasks[i]->spec = &to->state.containers[i];
	}
}

void pv_run_free(struct pv_run *run)
{
	if (!run)
		return;
	for (size_t i = 0; i < run->task_count; i++)
		free(run->tasks[i]);
	free(run->tasks);
	pv_held_close(&run->held);
	pv_state_free(&run->state);
	free(run->revision);
	free(run);
}
