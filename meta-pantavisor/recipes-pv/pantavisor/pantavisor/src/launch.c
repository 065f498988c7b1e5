/* SPDX-License-Identifier: MIT */
#include "launch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "clock.h"
#include "ending.h"
#include "factory.h"
#include "handover.h"
#include "log.h"
#include "progress.h"
#include "publish.h"
#include "switch.h"
#include "text.h"
#include "trail.h"
#include "update.h"
#include "usable.h"

/* All its objects are read. */
#define LIMIT_MS (30 * 60 * 1000)

bool pv_launch_is_busy(const struct pv *pv)
{
	return *pv->candidate.revision || pv->change.phase != PV_PHASE_NONE ||
	       pv_revision_is_tried(pv->run->standing);
}

static void record(const struct pv *pv, enum pv_progress_status status, const char *message)
{
	struct pv_err err;

	if (pv_progress_note(pv_storage_at(pv->storage), pv->candidate.revision, status, message, &err) < 0)
		pv_warn("update", "%s", err.text);
}

static void record_start(const struct pv *pv, enum pv_update_way way)
{
	struct pv_update_step step;

	if (pv_update_next(PV_PROGRESS_NEW, PV_UPDATE_ASKED, way, &step))
		record(pv, step.status, step.words);
}

static enum pv_update_way way_to(const struct pv *pv, const struct pv_state *state)
{
	struct pv_diff diff;

	if (pv->candidate.by_reboot)
		return PV_UPDATE_BY_REBOOT;
	pv_diff_states(&pv->run->state, state, &diff);
	if (!diff.reboot)
		return PV_UPDATE_LIVE;
	pv_info("update", "%s needs a reboot", diff.reboot);
	return PV_UPDATE_BY_REBOOT;
}

/* The boot loader reads no journal: what it is to find has to be at its place before. */
static int bring_home(const struct pv *pv, struct pv_err *err)
{
	struct pv_storage at = pv_storage_at(pv->storage);

	if (at.ops->checkpoint(at.root, PV_BARRIER_CHECKPOINT) == 0 || errno == ENOTSUP)
		return 0;
	record(pv, PV_PROGRESS_WONTGO, "Internal error");
	return pv_err_errno(err, "cannot write the revision to its place on the medium");
}

/* In a job, as what follows. */
static int go(const struct pv *pv, const struct pv_state *state, const struct pv_held *held,
	struct pv_job_result *result)
{
	enum pv_update_way way = way_to(pv, state);

	result->bytes[0] = (unsigned char)way;
	result->length = 1;
	record_start(pv, way);
	if (way == PV_UPDATE_BY_REBOOT)
		return bring_home(pv, &result->err);
	if (pv_handover_send(pv->candidate.ends[1], state, held, &result->err) == 0)
		return 0;
	record(pv, PV_PROGRESS_WONTGO, "Internal error");
	return -1;
}

static int make_factory(const struct pv *pv, struct pv_err *err)
{
	struct pv_verify options = pv_usable_options(pv, PV_FACTORY);

	if (pv_factory_make(pv_storage_at(pv->storage), &options, pv->candidate.from, err) < 0)
		return pv_err_wrap(err, "revision 0 is not made of revision %s", pv->candidate.from);
	pv_info("update", "revision 0 is made of revision %s", pv->candidate.from);
	return 0;
}

static int look(const struct pv *pv, struct pv_job_result *result)
{
	/* A collection that is on its way may be about to remove it. */
	cleanup_close int lock = pv_trail_lock(pv->storage, &result->err);
	struct pv_held held = {0};
	struct pv_state state;

	if (lock < 0)
		return -1;
	if (pv_usable_open(pv, pv->candidate.revision, &state, &held, &result->err) == 0)
		return go(pv, &state, &held, result);
	record(pv, PV_PROGRESS_WONTGO, result->err.text);
	return -1;
}

static int prepare(void *argument, struct pv_job_result *result)
{
	const struct pv *pv = argument;

	if (*pv->candidate.from && make_factory(pv, &result->err) < 0)
		return -1;
	return look(pv, result);
}

static int switch_to(struct pv *pv, struct pv_err *err)
{
	struct pv_run *next = pv_run_new(pv->candidate.revision);

	if (pv_handover_take(pv->candidate.ends[0], next,
		    pv_config_number(&pv->config, PV_UPDATER_GOALS_TIMEOUT), pv->release, err) < 0) {
		pv_run_free(next);
		return -1;
	}
	pv_switch_begin(pv, next, pv_now_ms());
	return 0;
}

/* The committed one is booted without a try. */
static int reboot_into(struct pv *pv, struct pv_err *err)
{
	const struct pv_publisher publisher = {pv_storage_at(pv->storage), pv->loader, &pv->env};
	cleanup_free char *why = pv_fmt("revision %s is tried", pv->candidate.revision);
	int done = strcmp(pv->candidate.revision, pv->env.revision)
			   ? pv_publish_try(&publisher, pv->candidate.revision, err)
			   : pv_publish_forget(&publisher, err);

	if (done == 0)
		pv_ending_begin(pv, PV_END_REBOOT, why);
	return done;
}

static void finish(void *argument, const struct pv_job_result *result)
{
	struct pv *pv = argument;
	struct pv_err err = result->err;
	int done = result->done;

	if (done == 0 && !pv->end)
		done = result->length && result->bytes[0] == PV_UPDATE_LIVE ? switch_to(pv, &err)
									    : reboot_into(pv, &err);
	/* That of its refusal is there already. */
	if (done < 0 && result->done == 0)
		record(pv, PV_PROGRESS_WONTGO, "Internal error");
	if (done < 0)
		pv_error("update", "revision %s is not tried: %s", pv->candidate.revision, err.text);
	close(pv->candidate.ends[0]);
	close(pv->candidate.ends[1]);
	/* Until the end of the device nothing else is to begin. */
	if (!pv->end)
		pv->candidate.revision[0] = '\0';
}

static int start(struct pv *pv, struct pv_err *err)
{
	const struct pv_job job = {
		.name = "pv-launch", .work = prepare, .done = finish, .argument = pv, .limit_ms = LIMIT_MS};

	if (pv_handover_open(pv->candidate.ends, err) < 0)
		return -1;
	if (pv_job_start(&pv->jobs, &job, err) == 0)
		return 0;
	close(pv->candidate.ends[0]);
	close(pv->candidate.ends[1]);
	return -1;
}

static int choose(struct pv *pv, const char *revision, struct pv_err *err)
{
	snprintf(pv->candidate.revision, sizeof(pv->candidate.revision), "%s", revision);
	if (start(pv, err) == 0) {
		pv_info("update", "revision %s is being verified", revision);
		return 0;
	}
	pv->candidate.revision[0] = '\0';
	return -1;
}

static bool has(const struct pv *pv, const char *revision, const char *file)
{
	cleanup_free char *path = pv_fmt("trails/%s/%s", revision, file);

	return pv_revision_is(revision) && pv_beneath_has(pv->storage, path);
}

int pv_launch(struct pv *pv, const char *revision, bool by_reboot, struct pv_err *err)
{
	if (!has(pv, revision, ".pvr/json"))
		return pv_err_set(err, "State JSON not found");
	if (!strcmp(revision, pv->run->revision))
		return pv_err_set(err, "revision %s runs already", revision);
	pv->candidate.by_reboot = by_reboot;
	pv->candidate.from[0] = '\0';
	return choose(pv, revision, err);
}

/* What is left when all others fail has to have run well. */
int pv_launch_factory(struct pv *pv, const char *from, struct pv_err *err)
{
	if (!has(pv, from, ".pvr/json"))
		return pv_err_set(err, "State JSON not found");
	if (!strcmp(pv->run->revision, PV_FACTORY))
		return pv_err_set(err, "revision 0 runs, so it cannot be replaced");
	if (!strcmp(from, PV_FACTORY) || !has(pv, from, ".pv/done"))
		return pv_err_set(err, "revision %s was not committed", from);
	pv->candidate.by_reboot = false;
	snprintf(pv->candidate.from, sizeof(pv->candidate.from), "%s", from);
	return choose(pv, PV_FACTORY, err);
}
