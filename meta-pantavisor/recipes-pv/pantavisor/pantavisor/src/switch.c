/* SPDX-License-Identifier: MIT */
#include "switch.h"

#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "current.h"
#include "ending.h"
#include "log.h"
#include "record.h"
#include "task.h"
#include "text.h"

/* For containers to end, and for their mounts to go: more than either may take. */
#define LEAVE_MS (4 * 60 * 1000)

/* Those of what runs that are others, or none, in the other revision. */
static const enum pv_change *changes_of_run(const struct pv *pv)
{
	return pv->change.phase == PV_PHASE_LEAVING ? pv->change.diff.before : pv->change.diff.after;
}

static const enum pv_change *changes_of_other(const struct pv *pv)
{
	return pv->change.phase == PV_PHASE_LEAVING ? pv->change.diff.after : pv->change.diff.before;
}

static void leave(struct pv *pv, enum pv_phase phase, int64_t now)
{
	pv->change.phase = phase;
	pv->change.until = now + LEAVE_MS;
	for (size_t i = 0; i < pv->run->task_count; i++)
		if (changes_of_run(pv)[i] != PV_CHANGE_KEEP)
			pv_task_leave(pv, pv->run->tasks[i], now);
}

static bool is_left(struct pv *pv)
{
	bool all = true;

	for (size_t i = 0; i < pv->run->task_count; i++)
		if (changes_of_run(pv)[i] != PV_CHANGE_KEEP && !pv_task_is_gone(pv, pv->run->tasks[i]))
			all = false;
	return all;
}

/* What runs on is the other's from now on; one that had failed has its chance with that one. */
static void exchange(struct pv *pv)
{
	struct pv_run *from = pv->run, *to = pv->change.other;
	bool is_kept[PV_CONTAINERS] = {false};

	for (size_t i = 0; i < to->task_count; i++)
		is_kept[i] = changes_of_other(pv)[i] == PV_CHANGE_KEEP;
	pv_run_move_tasks(from, to, is_kept);
	for (size_t i = 0; i < to->task_count; i++) {
		struct pv_task *task = to->tasks[i];

		if (!is_kept[i] || (task->status == PV_STATUS_STOPPED && !task->reached))
			pv_task_renew(task);
		/* Its user wants it so. */
		task->reached |= task->user_stopped;
	}
	to->group = 0;
	to->group_since = to->stable_at = 0;
	to->groups_late = 0;
	to->running = false;
	pv->run = to;
	pv->change.other = from;
	pv_current_show(pv);
}

static void arrive(struct pv *pv)
{
	exchange(pv);
	pv->change.phase = PV_PHASE_TESTING;
	pv->run->standing = PV_STANDING_LIVE;
	pv->run->least_release = pv_run_least_release(pv->change.other);
	pv->run->release_at = pv->change.other->release_at;
	pv_info("update", "revision %s takes the place of %s without a reboot", pv->run->revision,
		pv->change.other->revision);
}

static void forget(struct pv *pv)
{
	pv_run_free(pv->change.other);
	pv->change = (struct pv_change_over){0};
}

static void come_back(struct pv *pv)
{
	exchange(pv);
	pv_info("update", "revision %s runs again, in the place of %s", pv->run->revision,
		pv->change.other->revision);
	forget(pv);
}

/* A boot would be one of the old revision: so is what runs, and what is recorded. */
static void give_back(struct pv *pv, const struct pv_note *note, const struct pv_job_result *result)
{
	cleanup_free char *why = pv_fmt("It cannot be recorded for the boot loader: %s", result->err.text);

	pv_note_again(pv, note->tried);
	/* Meanwhile; the next tick sees to it. */
	pv->change.phase = PV_PHASE_TESTING;
	if (pv->change.failed)
		return;
	pv_record(pv, PV_UPDATE_BROKEN, why);
	pv->change.failed = true;
}

static void noted(const struct pv_note *note, const struct pv_job_result *result)
{
	struct pv *pv = note->pv;

	if (pv->end)
		return;
	if (pv->change.failed || result->done < 0) {
		give_back(pv, note, result);
		return;
	}
	pv_record(pv, PV_UPDATE_STABLE, NULL);
	pv->run->standing = PV_STANDING_UPDATED;
	pv_info("revision", "revision %s UPDATED", pv->run->revision);
	forget(pv);
}

static void settle(struct pv *pv)
{
	pv->change.phase = PV_PHASE_NOTING;
	pv_note_boot(pv, pv->run->revision, noted);
}

void pv_switch_begin(struct pv *pv, struct pv_run *next, int64_t now)
{
	pv_run_make_tasks(next);
	pv->change = (struct pv_change_over){.other = next};
	pv_diff_states(&pv->run->state, &next->state, &pv->change.diff);
	pv_info("update", "revision %s makes room for %s", pv->run->revision, next->revision);
	leave(pv, PV_PHASE_LEAVING, now);
}

bool pv_switch_is_moving(const struct pv *pv)
{
	return pv->change.phase == PV_PHASE_LEAVING || pv->change.phase == PV_PHASE_RETURNING;
}

void pv_switch_tick(struct pv *pv, int64_t now, int64_t *next)
{
	if (pv->change.phase == PV_PHASE_TESTING && pv->change.failed)
		leave(pv, PV_PHASE_RETURNING, now);
	else if (pv->change.phase == PV_PHASE_TESTING && pv->change.stable)
		settle(pv);
	if (!pv_switch_is_moving(pv))
		return;
	if (!is_left(pv)) {
		*next = pv_earlier_of(*next, pv->change.until);
		/* What hangs in the kernel keeps its container: the boot is one of the old revision. */
		if (now >= pv->change.until)
			pv_ending_begin(pv, PV_END_REBOOT, "a container that has to go does not end");
		return;
	}
	if (pv->change.phase == PV_PHASE_LEAVING)
		arrive(pv);
	else
		come_back(pv);
	/* Its groups begin. */
	*next = now;
}
