/* SPDX-License-Identifier: MIT */
#include "ending.h"

#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "log.h"
#include "shutdown.h"
#include "text.h"

#define ANSWER_MS 1000
#define GRACE_MS 5000
#define KILL_MS 3000
/* Since boot. A fault that comes with every boot reboots no faster, and its reason can be read. */
#define FAULT_MS 20000

/* By a job, which also records that it begins. */
static bool is_verifying(const struct pv *pv)
{
	return *pv->candidate.revision && !pv->candidate.is_noted;
}

void pv_ending_begin(struct pv *pv, enum pv_end end, const char *why)
{
	if (pv->end) {
		/* Who asks now has seen the reason. */
		pv->not_before = 0;
		return;
	}
	pv_info("ending", "%s: stopping containers", why);
	pv->end = end;
	pv_watchdog_end(&pv->watchdog);
	pv->kill_at = pv_now_ms() + GRACE_MS;
	if (is_verifying(pv))
		pv_job_cancel(&pv->jobs, pv);
	for (size_t i = 0; i < pv->run->task_count; i++) {
		pv_status_next(&pv->run->tasks[i]->status, PV_EVENT_STOP);
		if (pv->run->tasks[i]->monitor)
			pv_container_halt(pv->run->tasks[i]);
		if (pv->run->tasks[i]->place == PV_PLACE_MOUNTING)
			pv_job_cancel(&pv->jobs, pv->run->tasks[i]);
	}
}

static void on_asked(struct pv_timer *timer, int64_t now)
{
	struct pv *pv = timer->data;
	cleanup_free char *why = pv->asked.why;

	(void)now;
	pv->asked.why = NULL;
	pv_ending_begin(pv, pv->asked.end, why);
}

void pv_ending_ask(struct pv *pv, enum pv_end end, const char *why, int64_t now)
{
	if (pv->end || pv->asked.end)
		return;
	pv->asked = (struct pv_asked){end, pv_dup(why, strlen(why)), {.handle = on_asked, .data = pv}};
	pv_loop_arm(&pv->loop, &pv->asked.timer, now + ANSWER_MS);
}

void pv_ending_fault(struct pv *pv, const char *why)
{
	if (pv->end)
		return;
	pv_ending_begin(pv, PV_END_REBOOT, why);
	pv->not_before = FAULT_MS;
}

/* What is still being noted or verified counts as well. */
static int count_running(const struct pv *pv)
{
	int running = (int)pv_jobs_in_order(&pv->jobs) + is_verifying(pv);

	for (size_t i = 0; i < pv->run->task_count; i++)
		running += pv->run->tasks[i]->monitor || pv->run->tasks[i]->place == PV_PLACE_MOUNTING;
	return running;
}

static void kill_all(const struct pv *pv)
{
	for (size_t i = 0; i < pv->run->task_count; i++)
		if (pv->run->tasks[i]->monitor) {
			pv_warn("ending", "container %s did not end, it is killed",
				pv->run->tasks[i]->spec->name);
			pv_container_kill(pv->run->tasks[i]);
		}
}

void pv_ending_tick(struct pv *pv, int64_t now, int64_t *next)
{
	if (!count_running(pv) || (pv->killed && now >= pv->kill_at)) {
		if (now >= pv->not_before)
			pv_shutdown(pv);
		*next = pv_earlier_of(*next, pv->not_before);
		return;
	}
	if (!pv->killed && now >= pv->kill_at) {
		kill_all(pv);
		pv->killed = true;
		pv->kill_at = now + KILL_MS;
	}
	*next = pv_earlier_of(*next, pv->kill_at);
}
