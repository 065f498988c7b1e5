/* SPDX-License-Identifier: MIT */
#include "supervise.h"

#include "alloc.h"
#include "clock.h"
#include "commit.h"
#include "ending.h"
#include "exitstatus.h"
#include "fault.h"
#include "log.h"
#include "prepare.h"
#include "record.h"
#include "text.h"

#define STARTING_POLL_MS 50
#define HANGING_POLL_MS 1000
#define QUICK_START_MS 10000
/* For a monitor to clean up behind its container. */
#define MONITOR_MS 5000
#define STOP_GRACE_MS 5000
#define STOP_AGAIN_MS 1000

static const struct pv_group *group_of(const struct pv *pv, const struct pv_task *task)
{
	return &pv->run->state.groups[task->spec->group];
}

static void note_goal(struct pv_task *task)
{
	if (pv_goal_reached(task->spec->goal, task->status))
		task->reached = true;
}

/* Says what became of it, and lets the table decide whether the system can go on. */
static void fail_for_good(struct pv *pv, struct pv_task *task, int64_t now)
{
	const char *name = task->spec->name;
	bool takes_system = task->spec->restart == PV_RESTART_SYSTEM ||
			    (task->spec->recovery.given && task->spec->recovery.mode != PV_RECOVER_NO &&
				    task->spec->recovery.backoff == PV_BACKOFF_REBOOT);

	pv_error("container", "container %s FAILED for good", name);
	if (takes_system && !pv_fault(pv, PV_OCCASION_LOST, "the system needs that container", now))
		pv_error("container",
			"the system needs %s, and revision %s has nothing to return to: the device stays up "
			"without it",
			name, pv->run->revision);
}

/* At the end of the device all mounts are undone together. */
static void unmount(struct pv *pv, struct pv_task *task)
{
	if (!pv->end && (task->place == PV_PLACE_MOUNTED || task->place == PV_PLACE_FAILED))
		pv_prepare_unmount(pv, task);
}

static void ended(struct pv *pv, struct pv_task *task, int exit_status, int64_t now)
{
	int64_t ran = task->started_at ? now - task->started_at : 0, delay;
	enum pv_verdict verdict;

	if (task->monitor)
		pv_container_clear(task);
	task->started_at = task->kill_at = 0;
	task->exit_status = exit_status;
	/* It was faster than we looked: it did run. */
	if (task->status == PV_STATUS_STARTING && exit_status == 0) {
		pv_status_next(&task->status, PV_EVENT_RUNNING);
		pv_info("container", "container %s STARTED", task->spec->name);
		note_goal(task);
	}
	if (task->status == PV_STATUS_STOPPING || pv->end) {
		pv_status_next(&task->status, PV_EVENT_ENDED);
		pv_info("container", "container %s STOPPED", task->spec->name);
		unmount(pv, task);
		return;
	}
	if (exit_status) {
		task->reached = false;
		pv_container_log_errors(task);
	}
	verdict = pv_recovery_judge(&task->spec->recovery, exit_status, ran, &task->retries, &delay);
	if (verdict == PV_VERDICT_RETRY) {
		pv_status_next(&task->status, PV_EVENT_RETRY);
		task->retry_at = now + delay;
		pv_warn("container", "container %s RECOVERING, retry %d in %lld ms", task->spec->name,
			task->retries, (long long)delay);
		return;
	}
	pv_status_next(&task->status, PV_EVENT_ENDED);
	pv_info("container", "container %s STOPPED", task->spec->name);
	unmount(pv, task);
	if (verdict == PV_VERDICT_FAILED)
		fail_for_good(pv, task, now);
}

static void spawn(struct pv *pv, struct pv_task *task, int64_t now)
{
	struct pv_err err;

	pv_status_next(&task->status, PV_EVENT_MOUNTED);
	if (!task->spec->lxc_conf) {
		note_goal(task);
		return;
	}
	if (pv_container_spawn(pv, task, &err) < 0) {
		pv_error("container", "container %s cannot be started: %s", task->spec->name, err.text);
		ended(pv, task, PV_CONTAINER_NOT_STARTED, now);
		return;
	}
	pv_status_next(&task->status, PV_EVENT_SPAWNED);
	note_goal(task);
}

/* Its mounts are made by a job, so a start may take several looks. */
static void go_on_starting(struct pv *pv, struct pv_task *task, int64_t now)
{
	if (task->place == PV_PLACE_NONE)
		pv_prepare_mount(pv, task);
	if (task->place != PV_PLACE_MOUNTED && task->place != PV_PLACE_FAILED)
		return;
	task->is_starting = false;
	/* Nothing looked at the group meanwhile: its time begins now. */
	if (task->status == PV_STATUS_INSTALLED && task->spec->group == pv->run->group)
		pv->run->group_since = now;
	if (task->place == PV_PLACE_FAILED) {
		unmount(pv, task);
		ended(pv, task, PV_CONTAINER_NOT_STARTED, now);
		return;
	}
	spawn(pv, task, now);
}

static void start(struct pv *pv, struct pv_task *task, int64_t now)
{
	task->is_starting = true;
	go_on_starting(pv, task, now);
}

static void look_for_init(struct pv *pv, struct pv_task *task)
{
	if (!pv_container_find_init(pv, task))
		return;
	pv_status_next(&task->status, PV_EVENT_RUNNING);
	pv_info("container", "container %s STARTED", task->spec->name);
	note_goal(task);
}

/* When it is worth looking at it again. Each look at a container that starts goes through all processes: one
 * that hangs is looked at less often. */
static void note_due(const struct pv_task *task, int64_t now, int64_t *next)
{
	if (task->status == PV_STATUS_STARTING)
		*next = pv_earlier_of(*next,
			now + (now - task->started_at < QUICK_START_MS ? STARTING_POLL_MS : HANGING_POLL_MS));
	else if (task->status == PV_STATUS_STOPPING && task->kill_at)
		*next = pv_earlier_of(*next, task->kill_at);
	else if (task->status == PV_STATUS_RECOVERING && !task->is_starting)
		*next = pv_earlier_of(*next, task->retry_at);
}

/* Only the monitor's end is the end of a container, so one that hangs would keep it for ever. */
static void look_at_monitor(struct pv_task *task, int64_t now, int64_t *next)
{
	int64_t due = task->emptied_at + MONITOR_MS;

	if (!task->monitor || !task->emptied_at)
		return;
	if (now < due) {
		*next = pv_earlier_of(*next, due);
		return;
	}
	pv_warn("container", "container %s ended, but its monitor did not: it is killed", task->spec->name);
	pv_container_kill(task);
	task->emptied_at = 0;
}

static void look_at_stop(struct pv_task *task, int64_t now)
{
	if (task->status != PV_STATUS_STOPPING || !task->kill_at || now < task->kill_at)
		return;
	pv_warn("container", "container %s did not end, it is killed", task->spec->name);
	pv_container_kill(task);
	task->kill_at = now + STOP_AGAIN_MS;
}

static void tick_task(struct pv *pv, struct pv_task *task, int64_t now, int64_t *next)
{
	if (task->is_starting)
		go_on_starting(pv, task, now);
	else if (task->status == PV_STATUS_RECOVERING && now >= task->retry_at)
		start(pv, task, now);
	if (task->status == PV_STATUS_STOPPED && task->start_again)
		pv_supervise_start(pv, task, now);
	if (task->status == PV_STATUS_STARTING)
		look_for_init(pv, task);
	look_at_stop(task, now);
	look_at_monitor(task, now, next);
	note_due(task, now, next);
}

static void begin_group(struct pv *pv, int64_t now)
{
	pv->run->group_since = now;
	for (size_t i = 0; i < pv->run->task_count; i++)
		if (pv->run->tasks[i].spec->group == pv->run->group &&
			pv->run->tasks[i].status == PV_STATUS_INSTALLED)
			start(pv, &pv->run->tasks[i], now);
}

static enum pv_achievement judge_group(const struct pv *pv, int64_t now)
{
	const struct pv_group *group = &pv->run->state.groups[pv->run->group];
	int wanted = 0, reached = 0;

	for (size_t i = 0; i < pv->run->task_count; i++)
		if (group_of(pv, &pv->run->tasks[i]) == group) {
			wanted++;
			reached += pv->run->tasks[i].reached;
		}
	return pv_goal_group(wanted, reached, now - pv->run->group_since, (int64_t)group->timeout_s * 1000);
}

/* The first content of a volume takes its time, which is not the container's: once, or one that never fits
 * would hold up the groups for ever. */
static bool is_preparing(const struct pv *pv)
{
	for (size_t i = 0; i < pv->run->task_count; i++)
		if (pv->run->tasks[i].spec->group == pv->run->group &&
			pv->run->tasks[i].status == PV_STATUS_INSTALLED && pv->run->tasks[i].is_starting)
			return true;
	return false;
}

/* Each container of the group that is late, and why. */
static char *list_late(const struct pv *pv, const struct pv_group *group)
{
	char *list = pv_dup("", 0);

	for (size_t i = 0; i < pv->run->task_count; i++) {
		const struct pv_task *task = &pv->run->tasks[i];
		cleanup_free char *before = NULL, *missed = NULL;

		if (group_of(pv, task) != group || task->reached)
			continue;
		before = list;
		missed = pv_goal_missed(task->spec->name, task->spec->goal, task->status, task->exit_status);
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
	if (achievement == PV_TIMEDOUT &&
		pv_revision_decide(pv->run->standing, PV_OCCASION_LATE) == PV_ACTION_ROLLBACK) {
		pv_record(pv, PV_UPDATE_MISSED, NULL);
		pv_ending_fault(pv, "the goals of the tried revision were not reached");
	}
}

static void tick_groups(struct pv *pv, int64_t now, int64_t *next)
{
	while (!pv->end && pv->run->group < pv->run->state.group_count) {
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
	if (pv->end || pv->run->running)
		return;
	pv->run->running = true;
	if (pv->run->groups_late)
		pv_warn("revision", "revision %s is up, but %d groups missed their goals", pv->run->revision,
			pv->run->groups_late);
	else
		pv_info("revision", "revision %s RUNNING", pv->run->revision);
	pv_commit_begin(pv, now);
}

void pv_supervise_tick(struct pv *pv, int64_t now, int64_t *next)
{
	for (size_t i = 0; i < pv->run->task_count && !pv->end; i++)
		tick_task(pv, &pv->run->tasks[i], now, next);
	if (!pv->run->tasks || pv->end)
		return;
	tick_groups(pv, now, next);
	pv_commit_tick(pv, now, next);
	/* A group that began has containers to look at. */
	for (size_t i = 0; i < pv->run->task_count; i++)
		note_due(&pv->run->tasks[i], now, next);
}

void pv_supervise_reaped(struct pv *pv, pid_t pid, int wait_status, int64_t now)
{
	int status = pv_exit_status(wait_status);

	for (size_t i = 0; i < pv->run->task_count; i++) {
		if (pv->run->tasks[i].monitor != pid)
			continue;
		pv_info("container", "container %s ended with status %d", pv->run->tasks[i].spec->name,
			status);
		ended(pv, &pv->run->tasks[i], status, now);
		return;
	}
}

bool pv_supervise_ready(struct pv *pv, struct pv_task *task)
{
	(void)pv;
	/* It was faster than we looked. */
	if (task->status == PV_STATUS_STARTING && pv_status_next(&task->status, PV_EVENT_RUNNING))
		pv_info("container", "container %s STARTED", task->spec->name);
	/* Once more is as good. */
	if (task->status == PV_STATUS_READY)
		return true;
	if (!pv_status_next(&task->status, PV_EVENT_READY))
		return false;
	pv_info("container", "container %s READY", task->spec->name);
	note_goal(task);
	return true;
}

bool pv_supervise_start(struct pv *pv, struct pv_task *task, int64_t now)
{
	if (task->status != PV_STATUS_STOPPED || task->is_starting)
		return false;
	task->user_stopped = task->start_again = false;
	task->retries = 0;
	start(pv, task, now);
	return true;
}

bool pv_supervise_stop(struct pv *pv, struct pv_task *task, int64_t now)
{
	bool is_over = task->status == PV_STATUS_STOPPED && !task->is_starting;

	if (is_over || task->status == PV_STATUS_STOPPING)
		return false;
	pv_status_next(&task->status, PV_EVENT_STOP);
	task->user_stopped = true;
	task->start_again = task->is_starting = false;
	if (!task->monitor) {
		pv_info("container", "container %s STOPPED", task->spec->name);
		unmount(pv, task);
		return true;
	}
	task->kill_at = now + STOP_GRACE_MS;
	pv_container_halt(task);
	return true;
}

bool pv_supervise_restart(struct pv *pv, struct pv_task *task, int64_t now)
{
	if (task->status == PV_STATUS_STOPPED && !task->is_starting)
		return pv_supervise_start(pv, task, now);
	if (!pv_supervise_stop(pv, task, now))
		return false;
	task->start_again = true;
	return true;
}
