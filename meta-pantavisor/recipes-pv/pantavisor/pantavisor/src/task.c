/* SPDX-License-Identifier: MIT */
#include "task.h"

#include <stdio.h>

#include "alloc.h"
#include "fault.h"
#include "log.h"
#include "prepare.h"
#include "probe.h"
#include "text.h"

#define STOP_GRACE_MS 5000

static void note_goal(struct pv_task *task)
{
	if (pv_goal_reached(task->spec->goal, task->status))
		task->reached = true;
}

/* Logs what became of it, and lets the table decide whether the system can go on. */
static void fail_for_good(struct pv *pv, struct pv_task *task, int64_t now)
{
	const char *name = task->spec->name;
	bool takes_system = task->spec->restart == PV_RESTART_SYSTEM ||
			    (task->spec->recovery.given && task->spec->recovery.mode != PV_RECOVER_NO &&
				    task->spec->recovery.backoff == PV_BACKOFF_REBOOT);

	pv_error("container", "container %s FAILED for good", name);
	if (pv_revision_is_tried(pv->run->standing)) {
		pv_fault_try(pv, PV_OCCASION_LOST, "a container failed for good");
	} else if (takes_system) {
		cleanup_free char *otherwise =
			pv_fmt("the system needs %s, and revision %s has nothing to return to: the device "
			       "stays up without it",
				name, pv->run->revision);

		pv_fault(pv, PV_OCCASION_LOST, "the system needs that container", otherwise, now);
	}
}

/* At the end of the device all mounts are undone together. */
static void unmount(struct pv *pv, struct pv_task *task)
{
	if (!pv->end && (task->place == PV_PLACE_MOUNTED || task->place == PV_PLACE_FAILED))
		pv_prepare_unmount(pv, task);
}

/* One that still runs is not a check of the next run. */
static void end_checks(struct pv_task *task)
{
	if (task->probe)
		pv_probe_kill(task->probe);
	task->health = (struct pv_health_course){0};
	task->probe = 0;
	task->probe_at = 0;
	task->is_ill = false;
}

void pv_task_ended(struct pv *pv, struct pv_task *task, int exit_status, int64_t now)
{
	int64_t ran = task->started_at ? now - task->started_at : 0, delay;
	enum pv_verdict verdict;

	if (task->monitor)
		pv_container_clear(task);
	if (task->is_ill && !exit_status)
		exit_status = PV_CONTAINER_ILL;
	end_checks(task);
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
		pv_task_ended(pv, task, PV_CONTAINER_NOT_STARTED, now);
		return;
	}
	pv_status_next(&task->status, PV_EVENT_SPAWNED);
	note_goal(task);
}

void pv_task_go_on(struct pv *pv, struct pv_task *task, int64_t now)
{
	if (task->place == PV_PLACE_NONE) {
		snprintf(task->home, sizeof(task->home), "%s", pv->run->revision);
		pv_prepare_mount(pv, task);
	}
	if (task->place != PV_PLACE_MOUNTED && task->place != PV_PLACE_FAILED)
		return;
	task->is_starting = false;
	/* Nothing looked at the group meanwhile: its time begins now. */
	if (task->status == PV_STATUS_INSTALLED && task->spec->group == pv->run->group)
		pv->run->group_since = now;
	if (task->place == PV_PLACE_FAILED) {
		unmount(pv, task);
		pv_task_ended(pv, task, PV_CONTAINER_NOT_STARTED, now);
		return;
	}
	spawn(pv, task, now);
}

void pv_task_begin(struct pv *pv, struct pv_task *task, int64_t now)
{
	task->is_starting = true;
	pv_task_go_on(pv, task, now);
}

void pv_task_look_for_init(struct pv *pv, struct pv_task *task)
{
	/* It may have reported itself before. */
	if (!pv_container_find_init(pv, task) || !pv_status_next(&task->status, PV_EVENT_RUNNING))
		return;
	pv_info("container", "container %s STARTED", task->spec->name);
	note_goal(task);
}

void pv_task_ill(struct pv *pv, struct pv_task *task, int64_t now)
{
	task->reached = false;
	pv_status_next(&task->status, PV_EVENT_ILL);
	if (task->spec->recovery.mode == PV_RECOVER_NO) {
		if (pv_revision_is_tried(pv->run->standing))
			pv_fault_try(pv, PV_OCCASION_LOST, "a container is unhealthy");
		return;
	}
	task->is_ill = true;
	task->kill_at = now + STOP_GRACE_MS;
	pv_container_halt(task);
}

void pv_task_began_again(struct pv_task *task, int64_t now)
{
	pv_warn("container", "container %s restarted itself", task->spec->name);
	end_checks(task);
	task->started_at = now;
	/* What it reported was of the run before. */
	pv_status_next(&task->status, PV_EVENT_ILL);
	task->reached = pv_goal_reached(task->spec->goal, task->status);
}

bool pv_task_ready(struct pv *pv, struct pv_task *task)
{
	/* It was faster than we looked. */
	if (task->status == PV_STATUS_STARTING)
		pv_task_look_for_init(pv, task);
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

bool pv_task_start(struct pv *pv, struct pv_task *task, int64_t now)
{
	if (task->status != PV_STATUS_STOPPED || task->is_starting)
		return false;
	task->user_stopped = task->start_again = false;
	task->retries = 0;
	pv_task_begin(pv, task, now);
	return true;
}

static bool is_ending(const struct pv_task *task)
{
	return (task->status == PV_STATUS_STOPPED && !task->is_starting) ||
	       task->status == PV_STATUS_STOPPING;
}

static void end(struct pv *pv, struct pv_task *task, int64_t now)
{
	pv_status_next(&task->status, PV_EVENT_STOP);
	task->start_again = task->is_starting = false;
	if (!task->monitor) {
		pv_info("container", "container %s STOPPED", task->spec->name);
		unmount(pv, task);
		return;
	}
	task->kill_at = now + STOP_GRACE_MS;
	pv_container_halt(task);
}

bool pv_task_stop(struct pv *pv, struct pv_task *task, int64_t now)
{
	if (is_ending(task))
		return false;
	task->user_stopped = true;
	end(pv, task, now);
	return true;
}

void pv_task_leave(struct pv *pv, struct pv_task *task, int64_t now)
{
	task->start_again = false;
	if (!is_ending(task))
		end(pv, task, now);
	if (task->place == PV_PLACE_MOUNTING)
		pv_job_cancel(&pv->jobs, task);
}

bool pv_task_is_gone(struct pv *pv, struct pv_task *task)
{
	if (task->monitor)
		return false;
	unmount(pv, task);
	return task->place == PV_PLACE_NONE;
}

void pv_task_renew(struct pv_task *task)
{
	if (task->user_stopped)
		return;
	task->status = PV_STATUS_INSTALLED;
	task->reached = task->start_again = false;
	task->retries = task->exit_status = 0;
}

bool pv_task_restart(struct pv *pv, struct pv_task *task, int64_t now)
{
	if (task->status == PV_STATUS_STOPPED && !task->is_starting)
		return pv_task_start(pv, task, now);
	if (!pv_task_stop(pv, task, now))
		return false;
	task->start_again = true;
	return true;
}
