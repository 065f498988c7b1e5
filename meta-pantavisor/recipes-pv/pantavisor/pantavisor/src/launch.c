/* SPDX-License-Identifier: MIT */
#include "launch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "beneath.h"
#include "ending.h"
#include "log.h"
#include "progress.h"
#include "publish.h"
#include "text.h"
#include "trail.h"
#include "usable.h"

/* All its objects are read. */
#define LIMIT_MS (30 * 60 * 1000)

bool pv_launch_is_busy(const struct pv *pv)
{
	return *pv->launching || pv->run->standing == PV_STANDING_TRIED;
}

static void record(const struct pv *pv, enum pv_progress_status status, const char *message)
{
	struct pv_err err;

	if (pv_progress_note(pv_storage_at(pv->storage), pv->launching, status, message, &err) < 0)
		pv_warn("update", "%s", err.text);
}

/* In a job. The boot loader reads no journal: what it is to find has to be at its place before. */
static int prepare(void *argument, struct pv_job_result *result)
{
	const struct pv *pv = argument;
	struct pv_storage at = pv_storage_at(pv->storage);
	/* A collection that is on its way may be about to remove it. */
	cleanup_close int lock = pv_trail_lock(pv->storage, &result->err);

	if (lock < 0)
		return -1;
	if (pv_usable_check(pv, pv->launching, &result->err) < 0) {
		record(pv, PV_PROGRESS_WONTGO, result->err.text);
		return -1;
	}
	record(pv, PV_PROGRESS_INPROGRESS, "Rebooting");
	if (at.ops->checkpoint(at.root, PV_BARRIER_CHECKPOINT) < 0 && errno != ENOTSUP) {
		record(pv, PV_PROGRESS_WONTGO, "Internal error");
		return pv_err_errno(&result->err, "cannot bring the revision to its place on the medium");
	}
	return 0;
}

static void finish(void *argument, const struct pv_job_result *result)
{
	struct pv *pv = argument;
	const struct pv_publisher publisher = {pv_storage_at(pv->storage), pv->loader, &pv->env};
	cleanup_free char *why = pv_fmt("revision %s is tried", pv->launching);
	struct pv_err err = result->err;

	if (result->done == 0 && pv_publish_try(&publisher, pv->launching, &err) == 0) {
		pv_ending_begin(pv, PV_END_REBOOT, why);
		return;
	}
	/* That of its refusal is there already. */
	if (result->done == 0)
		record(pv, PV_PROGRESS_WONTGO, "Internal error");
	pv_error("update", "revision %s is not tried: %s", pv->launching, err.text);
	pv->launching[0] = '\0';
}

int pv_launch(struct pv *pv, const char *revision, struct pv_err *err)
{
	cleanup_free char *state = pv_fmt("trails/%s/.pvr/json", revision);
	const struct pv_job job = {
		.name = "pv-launch", .work = prepare, .done = finish, .argument = pv, .limit_ms = LIMIT_MS};

	if (!pv_revision_is(revision) || !pv_beneath_has(pv->storage, state))
		return pv_err_set(err, "State JSON not found");
	if (!strcmp(revision, pv->run->revision))
		return pv_err_set(err, "revision %s runs already", revision);
	snprintf(pv->launching, sizeof(pv->launching), "%s", revision);
	if (pv_job_start(&pv->jobs, &job, err) == 0) {
		pv_info("update", "revision %s is looked at", revision);
		return 0;
	}
	pv->launching[0] = '\0';
	return -1;
}
