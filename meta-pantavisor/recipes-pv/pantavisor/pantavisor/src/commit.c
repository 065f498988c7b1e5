/* SPDX-License-Identifier: MIT */
#include "commit.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "fault.h"
#include "log.h"
#include "publish.h"
#include "record.h"
#include "release.h"
#include "text.h"

/* A boot that lasted so long is a good one, even where a try is to last longer: a device may be used for
 * minutes. */
#define GOOD_MS 25000
/* One that stays up without its goals is not one that the boot loader should leave; but what the system
 * needs has its time to fail for good, which leads to a reboot. */
#define UP_MS (5 * 60 * 1000)
#define NEVER INT64_MAX

void pv_commit_load(struct pv *pv, const char *given)
{
	const char *tried = pv->env.tried;

	pv_bootenv_load(pv->storage, pv->loader, &pv->env);
	/* A boot loader with an environment of its own reports only this way what it tries. */
	if (!*pv->env.tried)
		snprintf(pv->env.tried, sizeof(pv->env.tried), "%s", given);
	/* GRUB counts what it boots after the try: here its name may come again, as the last good one. */
	if (pv_bootenv_boots(pv->storage, &pv->env) > 0)
		tried = "";
	pv->run->standing = pv_revision_standing(pv->run->revision, pv->env.revision, tried);
}

static void store(struct pv *pv, const char *what)
{
	struct pv_err err;

	if (pv_bootenv_store(pv_storage_at(pv->storage), pv->loader, &pv->env, &err) < 0)
		pv_error("revision", "%s; this cannot be recorded for the boot loader: %s", what, err.text);
	else
		pv_info("revision", "%s", what);
}

/* From then on nothing older is taken. */
static void raise_release(const struct pv *pv)
{
	struct pv_err err;

	if (pv_release_raise(pv_storage_at(pv->storage), pv->run->release, &err) < 0)
		pv_warn("revision", "release %ld cannot be recorded: %s", pv->run->release, err.text);
}

/* The device stays with this revision: whatever was counted or tried before belongs to the past. */
static void settle(struct pv *pv)
{
	cleanup_free char *what = NULL;

	if (*pv->env.tried && pv->run->standing != PV_STANDING_TRIED &&
		pv->run->standing != PV_STANDING_UPDATED) {
		what = pv_fmt("the try of revision %s is over, revision %s stays", pv->env.tried,
			pv->run->revision);
		pv->env.tried[0] = '\0';
	} else if (!*pv->env.revision && pv->loader == PV_BOOTENV_GRUB) {
		what = pv_fmt("revision %s runs, which no intact copy of the boot environment names",
			pv->run->revision);
	} else if (pv_bootenv_boots(pv->storage, &pv->env) > 0) {
		what = pv_fmt("revision %s is good, its boots are counted from 0 again", pv->run->revision);
	}
	/* pv_boot() saw that it is a revision's name. */
	if (!*pv->env.revision)
		memcpy(pv->env.revision, pv->run->revision, strlen(pv->run->revision) + 1);
	if (what)
		store(pv, what);
	/* A cut may have come between its commit and this. */
	raise_release(pv);
}

static void commit(struct pv *pv)
{
	cleanup_free char *what = pv_fmt("revision %s COMMITTED", pv->run->revision);
	const struct pv_publisher publisher = {pv_storage_at(pv->storage), pv->loader, &pv->env};
	/* A revision that failed too often is not one to return to. */
	const char *previous = pv->run->standing == PV_STANDING_TRIED ? pv->env.revision : "";
	struct pv_err err;

	if (pv_publish_commit(&publisher, pv->run->revision, previous, &err) < 0) {
		pv_error("revision", "revision %s cannot be committed in the boot environment: %s",
			pv->run->revision, err.text);
		return;
	}
	raise_release(pv);
	pv_record(pv, PV_UPDATE_STABLE, NULL);
	pv_info("revision", "%s", what);
	pv->run->standing = strcmp(pv->run->revision, "0") ? PV_STANDING_COMMITTED : PV_STANDING_FACTORY;
}

static bool all_reached(const struct pv *pv)
{
	for (size_t i = 0; i < pv->run->task_count; i++)
		if (!pv->run->tasks[i]->reached)
			return false;
	return true;
}

static bool is_tested(const struct pv *pv)
{
	return pv_revision_decide(pv->run->standing, PV_OCCASION_RUNNING) == PV_ACTION_TEST;
}

static int64_t delay_of(const struct pv *pv)
{
	int64_t delay = (int64_t)pv_config_number(&pv->config, PV_UPDATER_COMMIT_DELAY) * 1000;

	return is_tested(pv) || delay < GOOD_MS ? delay : GOOD_MS;
}

static int64_t patience_of(const struct pv *pv)
{
	if (pv_revision_is_tried(pv->run->standing))
		return (int64_t)pv_config_number(&pv->config, PV_UPDATER_GOALS_TIMEOUT) * 1000;
	return UP_MS;
}

static int64_t stable_time_of(const struct pv_task *task)
{
	return task->spec->recovery.given ? (int64_t)task->spec->recovery.stable_timeout_s * 1000 : 0;
}

static int64_t longest_stable_time(const struct pv *pv)
{
	int64_t longest = 0;

	for (size_t i = 0; i < pv->run->task_count; i++)
		if (stable_time_of(pv->run->tasks[i]) > longest)
			longest = stable_time_of(pv->run->tasks[i]);
	return longest;
}

void pv_commit_begin(struct pv *pv, int64_t now)
{
	if (is_tested(pv)) {
		pv_info("revision", "revision %s TESTING for %lld s", pv->run->revision,
			(long long)delay_of(pv) / 1000);
		pv_record(pv, PV_UPDATE_REACHED, NULL);
	}
	pv->run->stable_at = now + delay_of(pv);
	pv->run->late_at = pv->run->stable_at + patience_of(pv);
	/* Once: one that fails each time shortly before must not hold the end up for ever. */
	if (is_tested(pv))
		pv->run->late_at += longest_stable_time(pv);
}

static void stable(struct pv *pv)
{
	enum pv_action action = pv_revision_decide(pv->run->standing, PV_OCCASION_STABLE);

	pv->run->stable_at = 0;
	if (action == PV_ACTION_COMMIT)
		commit(pv);
	else if (action == PV_ACTION_NOTE)
		pv->change.stable = true;
	else
		settle(pv);
}

/* A container that keeps failing is not a reason to wait for ever. */
static void late(struct pv *pv)
{
	pv->run->stable_at = 0;
	if (!pv_fault_try(pv, PV_OCCASION_LATE, "the tried revision does not become stable"))
		settle(pv);
}

/* When each container that runs was up for its stable_timeout; `now` or earlier: it was. */
static int64_t all_stable_at(const struct pv *pv)
{
	int64_t until = 0;

	for (size_t i = 0; i < pv->run->task_count; i++) {
		const struct pv_task *task = pv->run->tasks[i];
		int64_t at = task->started_at ? task->started_at + stable_time_of(task) : 0;

		if (at > until)
			until = at;
	}
	return until;
}

/* A try waits for it; a boot that is good needs no more than its goals. */
static bool is_held(struct pv *pv, int64_t now, int64_t *next)
{
	int64_t until = is_tested(pv) ? all_stable_at(pv) : 0;

	if (until <= now)
		return false;
	pv_info("revision", "revision %s is tested for %lld s more: not all its containers are stable yet",
		pv->run->revision, (long long)(until - now + 999) / 1000);
	pv_record(pv, PV_UPDATE_UNSTABLE, NULL);
	pv->run->stable_at = until;
	*next = pv_earlier_of(*next, until);
	return true;
}

static void tick_stable(struct pv *pv, int64_t now, int64_t *next)
{
	int64_t due;

	/* Up at the moment of the look is not enough. */
	if (!all_reached(pv))
		pv->run->stable_at = NEVER;
	else if (pv->run->stable_at == NEVER)
		pv->run->stable_at = now + delay_of(pv);
	due = pv->run->stable_at < pv->run->late_at ? pv->run->stable_at : pv->run->late_at;
	if (now < due)
		*next = due < *next ? due : *next;
	else if (due == pv->run->late_at)
		late(pv);
	else if (!is_held(pv, now, next))
		stable(pv);
}

void pv_commit_tick(struct pv *pv, int64_t now, int64_t *next)
{
	if (pv->run->stable_at)
		tick_stable(pv, now, next);
	if (pv->run->running && !pv->run->stable_at && !pv->end)
		pv_fault_tick(pv, now, next);
}
