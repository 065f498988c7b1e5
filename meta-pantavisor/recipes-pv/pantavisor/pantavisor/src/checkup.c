/* SPDX-License-Identifier: MIT */
#include "checkup.h"

#include "alloc.h"
#include "clock.h"
#include "log.h"
#include "probe.h"
#include "task.h"
#include "text.h"

/* For a check that does not end itself in time: one that hangs in LXC. */
#define GRACE_MS 10000

static bool is_checked(const struct pv_task *task)
{
	return task->spec->health.test && !task->is_ill &&
	       (task->status == PV_STATUS_STARTED || task->status == PV_STATUS_READY);
}

static void begin(struct pv_task *task, int64_t now)
{
	struct pv_err err;
	pid_t pid = pv_probe_spawn(task, &err);

	if (pid < 0) {
		pv_warn("health", "container %s cannot be checked: %s", task->spec->name, err.text);
		task->probe_at = now + pv_health_pause_ms(&task->spec->health, &task->health);
		return;
	}
	task->probe = pid;
	task->probe_at = now + (int64_t)task->spec->health.timeout_s * 1000 + GRACE_MS;
}

void pv_checkup_tick(struct pv *pv, struct pv_task *task, int64_t now, int64_t *next)
{
	(void)pv;
	if (!is_checked(task))
		return;
	if (!task->probe_at)
		task->probe_at = now + PV_HEALTH_FIRST_MS;
	if (now >= task->probe_at && task->probe) {
		pv_probe_kill(task->probe);
		task->probe_at = now + GRACE_MS;
	} else if (now >= task->probe_at) {
		begin(task, now);
	}
	*next = pv_earlier_of(*next, task->probe_at);
}

static char *describe(int exit_status, int timeout_s)
{
	if (exit_status == PV_PROBE_TIMED_OUT)
		return pv_fmt("did not end within %d s", timeout_s);
	if (exit_status == PV_PROBE_NOT_RUN)
		return pv_fmt("could not be run in it");
	return pv_fmt("ended with status %d", exit_status);
}

bool pv_checkup_reaped(struct pv *pv, struct pv_task *task, pid_t pid, int exit_status, int64_t now)
{
	const struct pv_health *health = &task->spec->health;
	cleanup_free char *what = NULL;

	if (!task->probe || task->probe != pid)
		return false;
	task->probe = 0;
	if (!is_checked(task))
		return true;
	what = describe(exit_status, health->timeout_s);
	if (!pv_health_judge(health, &task->health, exit_status == 0, now - task->started_at)) {
		if (exit_status)
			pv_debug("health", "the check of container %s %s", task->spec->name, what);
	} else if (task->health.standing == PV_HEALTH_WELL) {
		pv_info("health", "container %s is healthy", task->spec->name);
		pv_task_ready(pv, task);
	} else {
		pv_error("health", "container %s is UNHEALTHY: its check failed %d times, the last one %s",
			task->spec->name, task->health.failures, what);
		pv_task_ill(pv, task, now);
	}
	task->probe_at = now + pv_health_pause_ms(health, &task->health);
	return true;
}
