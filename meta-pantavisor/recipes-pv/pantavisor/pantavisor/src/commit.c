/* SPDX-License-Identifier: MIT */
#include "commit.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "bootnotes.h"
#include "clock.h"
#include "fault.h"
#include "file.h"
#include "log.h"
#include "publish.h"
#include "ratchet.h"
#include "record.h"
#include "text.h"

/* A boot that lasted so long is a good one, even where a try is to last longer: a device may be used for
 * minutes. */
#define GOOD_MS 25000
/* One that stays up without its goals is not one that the boot loader should leave; but what the system
 * needs has its time to fail for good, which leads to a reboot. */
#define UP_MS (5 * 60 * 1000)
#define NEVER INT64_MAX
#define PANIC_KNOB "/proc/sys/kernel/panic"
#define PANIC_S "2"

/* GRUB counts what it boots after the try: there its name may come again, as what GRUB goes back to. One
 * that GRUB passed over once, and does not go back to, is still the try. */
static bool is_gone_back_to(const struct pv *pv)
{
	return (!strcmp(pv->run->revision, pv->env.previous) || !strcmp(pv->run->revision, "0")) &&
	       pv_bootnotes_boots(pv->storage, &pv->env) > 0;
}

void pv_commit_load(struct pv *pv, const char *given)
{
	const char *tried = pv->env.tried;

	pv_bootenv_load(pv->storage, pv->loader, &pv->env);
	pv->booted_generation = pv->env.generation;
	/* A boot loader with an environment of its own reports only this way what it tries. */
	if (!*pv->env.tried)
		snprintf(pv->env.tried, sizeof(pv->env.tried), "%s", given);
	if (is_gone_back_to(pv))
		tried = "";
	pv->run->standing =
		pv_revision_standing(pv->run->revision, pv->env.revision, pv->env.previous, tried);
}

/* What the boot loader is to learn, or NULL. */
static char *settle_environment(const struct pv_note *note, struct pv_bootenv *env)
{
	if (*env->tried && note->standing != PV_STANDING_TRIED && note->standing != PV_STANDING_UPDATED) {
		cleanup_free char *tried = pv_dup(env->tried, strlen(env->tried));

		env->tried[0] = '\0';
		return pv_fmt("the try of revision %s is over, revision %s stays", tried, note->revision);
	}
	if (!*env->revision && note->pv->loader == PV_BOOTENV_GRUB)
		return pv_fmt("revision %s runs, which no intact copy of the boot environment names",
			note->revision);
	/* What U-Boot counts is in an environment of its own, which is not seen from here. */
	if (note->pv->loader == PV_BOOTENV_UBOOT || pv_bootnotes_boots(note->pv->storage, env) > 0)
		return pv_fmt("revision %s is good, its boots are counted from 0 again", note->revision);
	return NULL;
}

static int write_settled(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err)
{
	cleanup_free char *what = settle_environment(note, env);

	/* pv_boot_begin() saw that it is a revision's name. */
	if (!*env->revision)
		memcpy(env->revision, note->revision, strlen(note->revision) + 1);
	if (what && pv_bootenv_store(pv_storage_at(note->pv->storage), note->pv->loader, env, err) < 0)
		return -1;
	if (what)
		pv_info("revision", "%s", what);
	return 0;
}

static void settled(const struct pv_note *note, const struct pv_job_result *result)
{
	/* A cut may have come between its commit and this. */
	if (result->done == 0 && !strcmp(note->pv->run->revision, note->revision))
		pv_ratchet_raise(note->pv, note->at);
}

/* As in a boot that the boot loader counts. */
static void restart_after_panic(struct pv *pv)
{
	struct pv_err err;

	if (!pv->is_uncounted)
		return;
	pv->is_uncounted = false;
	if (pv_write_knob(PANIC_KNOB, PANIC_S, &err) < 0)
		pv_warn("revision", "%s", err.text);
	else
		pv_info("revision", "from now on a kernel that panics starts the device again");
}

/* The device stays with this revision: whatever was counted or tried before belongs to the past. */
static void settle(struct pv *pv, int64_t now)
{
	struct pv_note note = pv_note_of(pv, write_settled, settled);

	restart_after_panic(pv);
	note.at = now;
	pv_note(&note);
}

static int write_commit(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err)
{
	const struct pv_publisher publisher = {pv_storage_at(note->pv->storage), note->pv->loader, env};
	/* A revision that failed too often is not one to return to. */
	const char *previous = note->standing == PV_STANDING_TRIED ? env->revision : "";
	struct pv_err unrecorded;

	if (pv_publish_commit(&publisher, note->revision, previous, err) < 0)
		return -1;
	/* The next boot completes it. */
	if (pv_record_write(note, PV_UPDATE_STABLE, &unrecorded) < 0)
		pv_warn("revision", "%s", unrecorded.text);
	return 0;
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

static void committed(const struct pv_note *note, const struct pv_job_result *result)
{
	struct pv *pv = note->pv;

	/* Another one may have taken its place meanwhile. */
	if (strcmp(pv->run->revision, note->revision))
		return;
	if (result->done < 0) {
		/* Once more, as long as it may take to become stable. */
		pv->run->stable_at = note->at + delay_of(pv);
		return;
	}
	pv_info("revision", "revision %s COMMITTED", note->revision);
	pv->run->standing = pv_revision_standing(note->revision, pv->env.revision, pv->env.previous, "");
	pv_ratchet_raise(pv, note->at);
}

static void commit(struct pv *pv, int64_t now)
{
	struct pv_note note = pv_note_of(pv, write_commit, committed);

	restart_after_panic(pv);
	note.at = now;
	pv_note(&note);
}

static bool all_reached(const struct pv *pv)
{
	for (size_t i = 0; i < pv->run->task_count; i++)
		if (!pv->run->tasks[i]->reached)
			return false;
	return true;
}

static int64_t goals_timeout_of(const struct pv *pv)
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
	pv->run->late_at = pv->run->stable_at + goals_timeout_of(pv);
	/* Once: one that fails each time shortly before must not hold the end up for ever. */
	if (is_tested(pv))
		pv->run->late_at += longest_stable_time(pv);
}

static void stable(struct pv *pv, int64_t now)
{
	enum pv_action action = pv_revision_decide(pv->run->standing, PV_OCCASION_STABLE);

	pv->run->stable_at = 0;
	if (action == PV_ACTION_COMMIT)
		commit(pv, now);
	else if (action == PV_ACTION_NOTE)
		pv->change.stable = true;
	else
		settle(pv, now);
}

/* A container that keeps failing is not a reason to wait for ever. */
static void late(struct pv *pv, int64_t now)
{
	pv->run->stable_at = 0;
	if (!pv_fault_try(pv, PV_OCCASION_LATE, "the tried revision does not become stable"))
		settle(pv, now);
}

/* Between two runs, however well the last one ended, a container is not up: its time begins with the next.
 */
static int64_t stable_from(const struct pv_task *task, int64_t now)
{
	if (task->status == PV_STATUS_RECOVERING)
		return task->retry_at > now ? task->retry_at : now + 1;
	return task->started_at;
}

/* When each container that runs was up for its stable_timeout; `now` or earlier: it was. */
static int64_t all_stable_at(const struct pv *pv, int64_t now)
{
	int64_t until = 0;

	for (size_t i = 0; i < pv->run->task_count; i++) {
		const struct pv_task *task = pv->run->tasks[i];
		int64_t from = stable_from(task, now), at = from ? from + stable_time_of(task) : 0;

		if (at > until)
			until = at;
	}
	return until;
}

/* A try waits for it; a boot that is good needs no more than its goals. */
static bool is_held(struct pv *pv, int64_t now, int64_t *next)
{
	int64_t until = is_tested(pv) ? all_stable_at(pv, now) : 0;

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
		late(pv, now);
	else if (!is_held(pv, now, next))
		stable(pv, now);
}

void pv_commit_tick(struct pv *pv, int64_t now, int64_t *next)
{
	if (pv->candidate.is_noted)
		return;
	if (pv->run->stable_at)
		tick_stable(pv, now, next);
	pv_ratchet_tick(pv, now, next);
	if (pv->run->running && !pv->run->stable_at && !pv->end)
		pv_fault_tick(pv, now, next);
}
