/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <string.h>

#include "ending.h"
#include "log.h"
#include "record.h"
#include "usable.h"

#define FAULTS 3

static bool is_way_back(struct pv *pv, const char *revision)
{
	struct pv_err err;
	int done;

	if (!*revision || !strcmp(revision, pv->run->revision) || !strcmp(revision, pv->env.revision))
		return false;
	/* This takes long, but it happens only where the device would otherwise restart. */
	pv_watchdog_hold(&pv->watchdog);
	done = pv_usable_check(pv, revision, &err);
	pv_watchdog_let_go(&pv->watchdog);
	if (done == 0)
		return true;
	pv_warn("revision", "cannot return to revision %s: %s", revision, err.text);
	return false;
}

/* The revision to return to, or NULL. Where nothing runs at all, any that could is better. */
static const char *earlier(struct pv *pv, enum pv_occasion occasion)
{
	if (is_way_back(pv, pv->env.previous))
		return pv->env.previous;
	return occasion == PV_OCCASION_UNUSABLE && is_way_back(pv, "0") ? "0" : NULL;
}

static bool store(struct pv *pv, const struct pv_bootenv *changed)
{
	struct pv_bootenv env = *changed;
	struct pv_err err;

	/* It had its try, or this would not be running: a new generation is not to give it another one. */
	env.tried[0] = '\0';
	if (pv_bootenv_store(pv_storage_at(pv->storage), pv->loader, &env, &err) < 0) {
		pv_error("revision", "a fault cannot be noted for the boot loader: %s", err.text);
		return false;
	}
	pv->env = env;
	return true;
}

static bool return_to(struct pv *pv, const char *revision)
{
	struct pv_bootenv env = {.generation = pv->env.generation};

	/* No way back to what failed: the two would take turns for ever. */
	snprintf(env.revision, sizeof(env.revision), "%s", revision);
	if (!store(pv, &env))
		return false;
	pv_warn("revision", "revision %s failed %d times, returning to %s", pv->run->revision, FAULTS,
		pv->env.revision);
	return true;
}

static bool count(struct pv *pv, enum pv_occasion occasion, int64_t now)
{
	struct pv_bootenv env = pv->env;
	const char *revision;

	if (now / 1000 > env.longest_s)
		env.longest_s =
			now / 1000 < PV_BOOTENV_LONGEST_S ? (int)(now / 1000) : PV_BOOTENV_LONGEST_S;
	if (++env.faults >= FAULTS) {
		revision = earlier(pv, occasion);
		return revision && return_to(pv, revision);
	}
	if (!store(pv, &env))
		return false;
	pv_warn("revision", "fault %d of %d that revision %s may have", env.faults, FAULTS,
		pv->run->revision);
	return true;
}

/* GRUB's count leads past what is not usable, to revision 0 in the end. What runs, if not whole, is better.
 */
static bool is_counted(const struct pv *pv, enum pv_occasion occasion)
{
	return occasion == PV_OCCASION_UNUSABLE && pv_bootenv_boots(pv->storage, &pv->env) > 0;
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

bool pv_fault(struct pv *pv, enum pv_occasion occasion, const char *why, int64_t now)
{
	bool again = false;

	if (pv_fault_try(pv, occasion, why))
		return true;
	/* Without the storage nothing is known, and nothing can be noted. */
	if (pv_revision_decide(pv->run->standing, occasion) == PV_ACTION_REBOOT)
		again = !pv->has_storage || is_counted(pv, occasion) || count(pv, occasion, now);
	if (again)
		pv_ending_fault(pv, why);
	else
		pv->run->has_fault = true;
	return again;
}

/* What is counted is another revision's where this one came without a boot. */
static bool is_booted(const struct pv *pv)
{
	return pv->run->standing != PV_STANDING_LIVE && pv->run->standing != PV_STANDING_UPDATED;
}

void pv_fault_tick(struct pv *pv, int64_t now, int64_t *next)
{
	int64_t due = 2000 * (int64_t)pv->env.longest_s;
	struct pv_bootenv env = pv->env;

	if (!env.faults || pv->run->has_fault || !is_booted(pv))
		return;
	if (now < due) {
		*next = due < *next ? due : *next;
		return;
	}
	env.faults = 0;
	if (store(pv, &env))
		pv_info("revision", "the faults of revision %s are over", pv->run->revision);
	/* Once, even where it failed. */
	pv->env.faults = 0;
}
