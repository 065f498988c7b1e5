/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "bootnotes.h"
#include "ending.h"
#include "factory.h"
#include "log.h"
#include "record.h"
#include "text.h"
#include "usable.h"

#define FAULTS 3

static bool is_way_back(const struct pv_note *note, const struct pv_bootenv *env, const char *revision)
{
	struct pv_err err;

	if (!*revision || !strcmp(revision, note->revision) || !strcmp(revision, env->revision))
		return false;
	if (pv_usable_check(note->pv, revision, &err) == 0)
		return true;
	pv_warn("revision", "cannot return to revision %s: %s", revision, err.text);
	return false;
}

/* The revision to return to, or NULL. Where nothing runs at all, any that could is better. */
static const char *earlier(const struct pv_note *note, const struct pv_bootenv *env)
{
	if (is_way_back(note, env, env->previous))
		return env->previous;
	return note->pv->fault.occasion == PV_OCCASION_UNUSABLE && is_way_back(note, env, PV_FACTORY)
		       ? PV_FACTORY
		       : NULL;
}

static int store(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err)
{
	/* It had its try, or this would not be running: a new generation is not to give it another one. But
	 * one that has just been noted is still to have it. */
	if (!note->pv->candidate.is_noted)
		env->tried[0] = '\0';
	return pv_bootenv_store(pv_storage_at(note->pv->storage), note->pv->loader, env, err);
}

static int return_to(
	const struct pv_note *note, struct pv_bootenv *env, const char *revision, struct pv_err *err)
{
	struct pv_bootenv next = {.generation = env->generation};

	/* No way back to what failed: the two would take turns for ever. */
	snprintf(next.revision, sizeof(next.revision), "%s", revision);
	if (store(note, &next, err) < 0)
		return -1;
	*env = next;
	pv_warn("revision", "revision %s failed %d times, returning to %s", note->revision, FAULTS,
		env->revision);
	return 0;
}

/* In a job: the revision to return to is verified first. */
static int count(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err)
{
	int64_t lasted_s = note->at / 1000;
	const char *revision;

	if (lasted_s > env->longest_s)
		env->longest_s = lasted_s < PV_BOOTENV_LONGEST_S ? (int)lasted_s : PV_BOOTENV_LONGEST_S;
	if (++env->faults >= FAULTS) {
		revision = earlier(note, env);
		return revision ? return_to(note, env, revision, err)
				: pv_err_set(err, "there is no revision to return to");
	}
	if (store(note, env, err) < 0)
		return -1;
	pv_warn("revision", "fault %d of %d that revision %s may have", env->faults, FAULTS,
		note->revision);
	return 0;
}

/* GRUB's count leads past what is not usable, to revision 0 in the end. What runs, if not whole, is better.
 */
static bool is_counted(const struct pv *pv, enum pv_occasion occasion)
{
	return occasion == PV_OCCASION_UNUSABLE && pv_bootnotes_boots(pv->storage, &pv->env) > 0;
}

bool pv_fault_try(struct pv *pv, enum pv_occasion occasion, const char *why)
{
	enum pv_action action = pv_revision_decide(pv->run->standing, occasion);

	if (action != PV_ACTION_ROLLBACK && action != PV_ACTION_RETURN)
		return false;
	if (action == PV_ACTION_RETURN)
		pv_warn("revision", "%s: revision %s is left", why, pv->run->revision);
	if (occasion == PV_OCCASION_LOST)
		pv_record(pv, PV_UPDATE_LOST, NULL);
	else if (occasion == PV_OCCASION_LATE)
		pv_record(pv, PV_UPDATE_MISSED, NULL);
	if (action == PV_ACTION_RETURN)
		pv->change.failed = true;
	else
		pv_ending_fault(pv, why);
	return true;
}

/* The device restarts, or stays up as it is. */
static void decide(struct pv *pv, bool again)
{
	const struct pv_fault fault = pv->fault;

	pv->fault = (struct pv_fault){0};
	if (again && !pv->end)
		pv_ending_fault(pv, fault.why);
	if (!again)
		pv->run->has_fault = true;
	if (!again && fault.occasion == PV_OCCASION_UNUSABLE)
		pv_log(PV_LOG_FATAL, "boot", "%s", fault.otherwise);
	else if (!again)
		pv_error("container", "%s", fault.otherwise);
	free(fault.why);
	free(fault.otherwise);
}

static void counted(const struct pv_note *note, const struct pv_job_result *result)
{
	decide(note->pv, result->done == 0);
}

void pv_fault(struct pv *pv, enum pv_occasion occasion, const char *why, const char *otherwise, int64_t now)
{
	struct pv_note note;

	/* One is enough. */
	if (pv->fault.is_asked || pv_fault_try(pv, occasion, why))
		return;
	pv->fault = (struct pv_fault){
		true, occasion, pv_dup(why, strlen(why)), pv_dup(otherwise, strlen(otherwise))};
	if (pv_revision_decide(pv->run->standing, occasion) != PV_ACTION_REBOOT) {
		decide(pv, false);
		return;
	}
	/* Without the storage nothing is known, and nothing can be noted. */
	if (!pv->has_storage || is_counted(pv, occasion)) {
		decide(pv, true);
		return;
	}
	note = pv_note_of(pv, count, counted);
	note.at = now;
	note.limit_ms = PV_VERIFY_MS;
	pv_note(&note);
}

/* What is counted is another revision's where this one came without a boot. */
static bool is_booted(const struct pv *pv)
{
	return pv->run->standing != PV_STANDING_LIVE && pv->run->standing != PV_STANDING_UPDATED;
}

static int clear_faults(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err)
{
	env->faults = 0;
	if (store(note, env, err) < 0)
		return -1;
	pv_info("revision", "the faults of revision %s are over", note->revision);
	return 0;
}

void pv_fault_tick(struct pv *pv, int64_t now, int64_t *next)
{
	int64_t due = 2000 * (int64_t)pv->env.longest_s;
	struct pv_note note;

	if (!pv->env.faults || pv->run->has_fault || pv->fault.is_asked || !is_booted(pv))
		return;
	if (now < due) {
		*next = due < *next ? due : *next;
		return;
	}
	/* Once, even where it fails. */
	pv->env.faults = 0;
	note = pv_note_of(pv, clear_faults, NULL);
	pv_note(&note);
}
