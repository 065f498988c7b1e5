/* SPDX-License-Identifier: MIT */
#include "launch.h"

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
#include "note.h"
#include "switch.h"
#include "text.h"
#include "trail.h"
#include "update.h"
#include "usable.h"

bool pv_launch_is_busy(const struct pv *pv)
{
	return *pv->candidate.revision || pv->change.phase != PV_PHASE_NONE ||
	       pv_revision_is_tried(pv->run->standing);
}

/* In the job. */
static void record_start(const struct pv *pv, enum pv_update_way way)
{
	const struct pv_update_news asked = {.event = PV_UPDATE_ASKED, .way = way};
	struct pv_err err;

	if (pv_update_record(pv_storage_at(pv->storage), pv->candidate.revision, &asked, &err) < 0)
		pv_warn("update", "%s", err.text);
}

static int write_end(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err)
{
	const struct pv_update_news end = {.event = note->event, .words = note->words};
	struct pv_progress progress;
	struct pv_err unread;

	(void)env;
	/* A revision 0 that was not made is the one before. */
	if (!strcmp(note->revision, PV_FACTORY) &&
		pv_progress_load(note->pv->storage, note->revision, &progress, &unread) == 0 &&
		progress.status == PV_PROGRESS_DONE)
		return 0;
	return pv_update_record(pv_storage_at(note->pv->storage), note->revision, &end, err);
}

/* Nothing of it ran. */
static void record_end(struct pv *pv, enum pv_update_event event, const char *why)
{
	struct pv_note note = pv_note_of(pv, write_end, NULL);

	snprintf(note.revision, sizeof(note.revision), "%s", pv->candidate.revision);
	snprintf(note.words, sizeof(note.words), "%s", why);
	note.event = event;
	pv_note(&note);
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

/* In a job, as what follows. */
static int go(const struct pv *pv, const struct pv_state *state, const struct pv_held *held,
	struct pv_job_result *result)
{
	enum pv_update_way way = way_to(pv, state);

	result->bytes[0] = (unsigned char)way;
	result->length = 1;
	record_start(pv, way);
	if (way == PV_UPDATE_BY_REBOOT)
		return 0;
	return pv_handover_send(pv->candidate.ends[1], state, held, &result->err);
}

static int make_factory(const struct pv *pv, struct pv_err *err)
{
	struct pv_verify options = pv_usable_options(pv, PV_FACTORY);

	if (pv_factory_make(pv_storage_at(pv->storage), &options, pv_run_least_release(pv->run),
		    pv->candidate.from, err) < 0)
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
	if (pv_usable_open(pv, pv->candidate.revision, &state, &held, &result->err) < 0)
		return -1;
	return go(pv, &state, &held, result);
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

static char *whole_of(const struct pv_err *err)
{
	return pv_fmt("%s%s%s", err->text, *err->hint ? "; " : "", err->hint);
}

/* Refused, or cut off: then it is not known how far that came. */
static void give_up(struct pv *pv, const struct pv_job_result *result)
{
	cleanup_free char *why = pv_fmt("Internal error: %s", result->err.text),
			  *whole = whole_of(&result->err);

	if (!result->is_given)
		pv_fsops_thaw(pv->storage);
	if (result->is_given)
		record_end(pv, PV_UPDATE_REFUSED,
			strlen(whole) <= PV_PROGRESS_MESSAGE ? whole : result->err.text);
	else
		record_end(pv, PV_UPDATE_BROKEN, why);
	pv_error("update", "revision %s is not tried: %s", pv->candidate.revision, whole);
	pv->candidate.revision[0] = '\0';
	pv->candidate.is_noted = false;
}

/* It was cancelled, or is too late. */
static void give_up_for_end(struct pv *pv, struct pv_job_result *result)
{
	pv_fsops_thaw(pv->storage);
	pv_err_set(&result->err, "the device ended before the revision was verified");
	give_up(pv, result);
}

static void noted(const struct pv_note *note, const struct pv_job_result *result)
{
	cleanup_free char *why = pv_fmt("revision %s is tried", note->revision);

	if (result->done < 0) {
		pv_note_again(note->pv, note->tried);
		give_up(note->pv, result);
	} else if (!note->pv->end) {
		/* An end that came meanwhile is not hurried, and nothing else is to begin before it. */
		pv_ending_begin(note->pv, PV_END_REBOOT, why);
	}
}

/* What falls due meanwhile waits, or it would note that nothing is tried. */
static void note_boot(struct pv *pv)
{
	pv->candidate.is_noted = true;
	pv_note_boot(pv, pv->candidate.revision, noted);
}

static void finish(void *argument, const struct pv_job_result *result)
{
	struct pv *pv = argument;
	struct pv_job_result failed = *result;

	failed.is_given = true;
	if (result->done < 0 && (result->is_given || !pv->end))
		give_up(pv, result);
	else if (pv->end)
		give_up_for_end(pv, &failed);
	else if (result->length && result->bytes[0] == PV_UPDATE_BY_REBOOT)
		note_boot(pv);
	else if (switch_to(pv, &failed.err) < 0)
		give_up(pv, &failed);
	else
		pv->candidate.revision[0] = '\0';
	close(pv->candidate.ends[0]);
	close(pv->candidate.ends[1]);
}

static int start(struct pv *pv, struct pv_err *err)
{
	const struct pv_job job = {.name = "pv-launch",
		.work = prepare,
		.done = finish,
		.argument = pv,
		.limit_ms = PV_VERIFY_MS,
		.memory = PV_LAUNCH_MEMORY};

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

/* One that runs on from revision 0: its log and its volumes are there. */
static const char *find_guest(const struct pv *pv)
{
	for (size_t i = 0; i < pv->run->task_count; i++) {
		const struct pv_task *task = pv->run->tasks[i];

		if (task->place != PV_PLACE_NONE && !strcmp(task->home, PV_FACTORY))
			return task->spec->name;
	}
	return NULL;
}

/* What is left when all others fail has to have run well. */
int pv_launch_factory(struct pv *pv, const char *from, struct pv_err *err)
{
	if (!has(pv, from, ".pvr/json"))
		return pv_err_set(err, "State JSON not found");
	if (!strcmp(pv->run->revision, PV_FACTORY))
		return pv_err_set(err, "revision 0 runs, so it cannot be replaced");
	if (find_guest(pv)) {
		pv_err_set(err, "container %s runs on from revision 0, so that cannot be replaced",
			find_guest(pv));
		pv_err_hint(err, "reboot the device first");
		return -1;
	}
	if (!strcmp(from, PV_FACTORY) || !has(pv, from, ".pv/done"))
		return pv_err_set(err, "revision %s was not committed", from);
	pv->candidate.by_reboot = false;
	snprintf(pv->candidate.from, sizeof(pv->candidate.from), "%s", from);
	return choose(pv, PV_FACTORY, err);
}
