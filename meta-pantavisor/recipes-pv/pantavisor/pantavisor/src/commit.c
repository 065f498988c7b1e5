/* SPDX-License-Identifier: MIT */
#include "commit.h"

#include <stdlib.h>
#include <string.h>

#include "ending.h"
#include "log.h"
#include "util.h"

#define LOOK_AGAIN_MS 1000

static void store(struct pv *pv, const char *what)
{
	struct pv_err err;

	if (pv_bootenv_store(pv->storage, pv->loader, &pv->env, &err) < 0)
		pv_error("revision", "%s is not noted for the boot loader: %s", what, err.text);
	else
		pv_info("revision", "%s", what);
}

/* The device stays with this revision: whatever was counted or tried before belongs to the past. */
static void settle(struct pv *pv)
{
	cleanup_free char *what = NULL;

	if (*pv->env.tried && pv->standing != PV_STANDING_TRIED) {
		what = pv_fmt("the try of revision %s is over, revision %s stays", pv->env.tried, pv->revision);
		pv->env.tried[0] = '\0';
	} else if (pv_bootenv_boots(pv->storage, &pv->env) > 0) {
		what = pv_fmt("revision %s is up, its boots are counted anew", pv->revision);
	}
	if (what)
		store(pv, what);
}

static void commit(struct pv *pv)
{
	cleanup_free char *what = pv_fmt("revision %s COMMITTED", pv->revision);
	struct pv_bootenv *env = &pv->env;
	/* What failed too often is nothing to return to. */
	const char *previous = pv->standing == PV_STANDING_TRIED ? env->revision : "";

	memmove(env->previous, previous, strlen(previous) + 1);
	/* pv_boot() saw that it is a revision's name. */
	memcpy(env->revision, pv->revision, strlen(pv->revision) + 1);
	env->tried[0] = '\0';
	store(pv, what);
	pv->standing = strcmp(pv->revision, "0") ? PV_STANDING_COMMITTED : PV_STANDING_FACTORY;
}

void pv_commit_running(struct pv *pv, int64_t now)
{
	int delay = pv_config_number(&pv->config, PV_UPDATER_COMMIT_DELAY);

	if (pv_revision_decide(pv->standing, PV_OCCASION_RUNNING) != PV_ACTION_TEST) {
		settle(pv);
		return;
	}
	pv_info("revision", "revision %s TESTING for %d s", pv->revision, delay);
	pv->stable_at = now + (int64_t)delay * 1000;
}

/* It is up, if not whole: were such boots counted as bad, the boot loader would take older ones and stop at last. */
void pv_commit_late(struct pv *pv)
{
	settle(pv);
}

static bool all_reached(const struct pv *pv)
{
	for (size_t i = 0; i < pv->task_count; i++)
		if (!pv->tasks[i].reached)
			return false;
	return true;
}

void pv_commit_tick(struct pv *pv, int64_t now, int64_t *next)
{
	int64_t patience = (int64_t)pv_config_number(&pv->config, PV_UPDATER_GOALS_TIMEOUT) * 1000;

	if (!pv->stable_at)
		return;
	if (now >= pv->stable_at && all_reached(pv)) {
		pv->stable_at = 0;
		if (pv_revision_decide(pv->standing, PV_OCCASION_STABLE) == PV_ACTION_COMMIT)
			commit(pv);
		return;
	}
	/* A container that keeps failing is no reason to wait for ever. */
	if (now >= pv->stable_at + patience) {
		pv->stable_at = 0;
		if (pv_revision_decide(pv->standing, PV_OCCASION_LATE) == PV_ACTION_ROLLBACK)
			pv_ending_fault(pv, "the tried revision does not become stable");
		else
			pv_commit_late(pv);
		return;
	}
	if (*next > (now < pv->stable_at ? pv->stable_at : now + LOOK_AGAIN_MS))
		*next = now < pv->stable_at ? pv->stable_at : now + LOOK_AGAIN_MS;
}
