/* SPDX-License-Identifier: MIT */
#include "supervise.h"

#include "checkup.h"
#include "clock.h"
#include "commit.h"
#include "exitstatus.h"
#include "log.h"
#include "sequence.h"
#include "switch.h"
#include "task.h"

#define STARTING_POLL_MS 50
#define HANGING_POLL_MS 1000
#define QUICK_START_MS 10000
/* For a monitor to clean up after its container. */
#define MONITOR_MS 5000
#define STOP_AGAIN_MS 1000

/* When it is worth looking at it again. Each look at a container that starts goes through all processes:
 * one that hangs is looked at less often. */
static void note_due(const struct pv_task *task, int64_t now, int64_t *next)
{
	if (task->status == PV_STATUS_STARTING)
		*next = pv_earlier_of(
			*next, now + (now - task->started_at < QUICK_START_MS ? STARTING_POLL_MS
									      : HANGING_POLL_MS));
	else if (task->kill_at)
		*next = pv_earlier_of(*next, task->kill_at);
	else if (task->status == PV_STATUS_RECOVERING && !task->is_starting)
		*next = pv_earlier_of(*next, task->retry_at);
}

/* Only the monitor's end is the end of a container, so one that hangs would keep it for ever. But one that
 * was asked for another start by reboot(2) goes on. */
static void look_at_monitor(struct pv *pv, struct pv_task *task, int64_t now, int64_t *next)
{
	int64_t due = task->emptied_at + MONITOR_MS;

	if (!task->monitor || !task->emptied_at)
		return;
	if (task->status != PV_STATUS_STOPPING && pv_container_find_next_init(pv, task)) {
		pv_task_began_again(task, now);
		return;
	}
	if (now < due) {
		*next = pv_earlier_of(*next, pv_earlier_of(now + STARTING_POLL_MS, due));
		return;
	}
	pv_warn("container", "container %s ended, but its monitor did not: it is killed", task->spec->name);
	pv_container_kill(task);
	task->emptied_at = 0;
}

static void look_at_stop(struct pv_task *task, int64_t now)
{
	if (!task->kill_at || now < task->kill_at)
		return;
	pv_warn("container", "container %s did not end, it is killed", task->spec->name);
	pv_container_kill(task);
	task->kill_at = now + STOP_AGAIN_MS;
}

/* Without it a container cannot be asked to end. */
static bool needs_init(const struct pv_task *task)
{
	return task->status == PV_STATUS_STARTING ||
	       (task->status == PV_STATUS_READY && task->monitor && !task->init);
}

static void tick_task(struct pv *pv, struct pv_task *task, int64_t now, int64_t *next)
{
	if (task->is_starting)
		pv_task_go_on(pv, task, now);
	else if (task->status == PV_STATUS_RECOVERING && now >= task->retry_at)
		pv_task_begin(pv, task, now);
	if (task->status == PV_STATUS_STOPPED && task->start_again)
		pv_task_start(pv, task, now);
	if (needs_init(task))
		pv_task_look_for_init(pv, task);
	pv_checkup_tick(pv, task, now, next);
	look_at_stop(task, now);
	look_at_monitor(pv, task, now, next);
	note_due(task, now, next);
}

void pv_supervise_tick(struct pv *pv, int64_t now, int64_t *next)
{
	for (size_t i = 0; i < pv->run->task_count && !pv->end; i++)
		tick_task(pv, pv->run->tasks[i], now, next);
	if (!pv->run->tasks || pv->end)
		return;
	if (!pv_switch_is_moving(pv)) {
		pv_sequence_tick(pv, now, next);
		pv_commit_tick(pv, now, next);
	}
	pv_switch_tick(pv, now, next);
	/* A group that began has containers to look at. */
	for (size_t i = 0; i < pv->run->task_count; i++)
		note_due(pv->run->tasks[i], now, next);
}

void pv_supervise_reaped(struct pv *pv, pid_t pid, int wait_status, int64_t now)
{
	int status = pv_exit_status(wait_status);

	for (size_t i = 0; i < pv->run->task_count; i++) {
		if (pv_checkup_reaped(pv, pv->run->tasks[i], pid, status, now))
			return;
		if (pv->run->tasks[i]->monitor != pid)
			continue;
		pv_info("container", "container %s ended with status %d", pv->run->tasks[i]->spec->name,
			status);
		pv_task_ended(pv, pv->run->tasks[i], status, now);
		return;
	}
}
