/* SPDX-License-Identifier: MIT */
#include "sequence.h"

#include "alloc.h"
#include "clock.h"
#include "commit.h"
#include "fault.h"
#include "log.h"
#include "task.h"
#include "text.h"

static const struct pv_group *group_of(const struct pv *pv, const struct pv_task *task)
{
	return &pv->run->state.groups[task->spec->group];
}

static void begin_group(struct pv *pv, int64_t now)
{
	pv->run->group_since = now;
	for (size_t i = 0; i < pv->run->task_count; i++)
		if (pv->run->tasks[i]->spec->group == pv->run->group &&
			pv->run->tasks[i]->status == PV_STATUS_INSTALLED)
			pv_task_begin(pv, pv->run->tasks[i], now);
}

static enum pv_achievement judge_group(const struct pv *pv, int64_t now)
{
	const struct pv_group *group = &pv->run->state.groups[pv->run->group];
	int wanted = 0, reached = 0;

	for (size_t i = 0; i < pv->run->task_count; i++)
		if (group_of(pv, pv->run->tasks[i]) == group) {
			wanted++;
			reached += pv->run->tasks[i]->reached;
		}
	return pv_goal_group(wanted, reached, now - pv->run->group_since, (int64_t)group->timeout_s * 1000);
}

/* The first content of a volume takes its time, which is not the container's: once, or one that never fits
 * would hold up the groups for ever. */
static bool is_preparing(const struct pv *pv)
{
	for (size_t i = 0; i < pv->run->task_count; i++)
		if (pv->run->tasks[i]->spec->group == pv->run->group &&
			pv->run->tasks[i]->status == PV_STATUS_INSTALLED && pv->run->tasks[i]->is_starting)
			return true;
	return false;
}

/* Each container of the group that is late, and why. */
static char *list_late(const struct pv *pv, const struct pv_group *group)
{
	char *list = pv_dup("", 0);

	for (size_t i = 0; i < pv->run->task_count; i++) {
		const struct pv_task *task = pv->run->tasks[i];
		cleanup_free char *before = NULL, *missed = NULL;

		if (group_of(pv, task) != group || task->reached)
			continue;
		before = list;
		missed =
			pv_goal_missed(task->spec->name, task->spec->goal, task->status, task->exit_status);
		list = pv_fmt("%s%s%s", before, *before ? "; " : "", missed);
	}
	return list;
}

static void end_group(struct pv *pv, enum pv_achievement achievement)
{
	const struct pv_group *group = &pv->run->state.groups[pv->run->group];

	if (achievement == PV_ACHIEVED) {
		pv_info("group", "group %s ACHIEVED", group->name);
	} else {
		cleanup_free char *late = list_late(pv, group);

		pv_warn("group", "group %s TIMEDOUT after %d s: %s", group->name, group->timeout_s, late);
		pv->run->groups_late++;
	}
	pv->run->group++;
	pv->run->group_since = 0;
	if (achievement == PV_TIMEDOUT)
		pv_fault_try(pv, PV_OCCASION_LATE, "the goals of the tried revision were not reached");
}

void pv_sequence_tick(struct pv *pv, int64_t now, int64_t *next)
{
	while (!pv->end && !pv->change.failed && pv->run->group < pv->run->state.group_count) {
		enum pv_achievement achievement;

		if (!pv->run->group_since)
			begin_group(pv, now);
		if (is_preparing(pv)) {
			pv->run->group_since = now;
			return;
		}
		achievement = judge_group(pv, now);
		if (achievement == PV_UNACHIEVED) {
			*next = pv_earlier_of(*next,
				pv->run->group_since +
					(int64_t)pv->run->state.groups[pv->run->group].timeout_s * 1000);
			return;
		}
		end_group(pv, achievement);
	}
	if (pv->end || pv->change.failed || pv->run->running)
		return;
	pv->run->running = true;
	pv_watchdog_up(&pv->watchdog);
	if (pv->run->groups_late)
		pv_warn("revision", "revision %s is up, but %d groups missed their goals",
			pv->run->revision, pv->run->groups_late);
	else
		pv_info("revision", "revision %s RUNNING", pv->run->revision);
	pv_commit_begin(pv, now);
}
