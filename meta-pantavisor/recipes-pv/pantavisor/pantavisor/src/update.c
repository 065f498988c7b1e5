/* SPDX-License-Identifier: MIT */
#include "update.h"

#include <stdio.h>

#include "alloc.h"

#define BIT(status) (1U << PV_PROGRESS_##status)
/* What was stored and does not run. */
#define RESTING (BIT(NEW) | BIT(QUEUED) | BIT(DOWNLOADING))
#define RUNNING (BIT(INPROGRESS) | BIT(TESTING))
#define GOOD (BIT(UPDATED) | BIT(DONE))
#define FAILED (BIT(WONTGO) | BIT(ERROR))
/* A local revision may be run again, however its last time ended. */
#define ALL (RESTING | RUNNING | GOOD | FAILED)
#define REBOOT (1U << PV_UPDATE_BY_REBOOT)
#define LIVE (1U << PV_UPDATE_LIVE)

/* What follows from one status and way; the first row that fits counts. */
static const struct row {
	unsigned from, ways;
	enum pv_update_event event;
	struct pv_update_step step;
} rows[] = {
	/* clang-format off */
	{ALL, REBOOT, PV_UPDATE_ASKED,
	 {PV_PROGRESS_INPROGRESS, "Rebooting"}},
	{ALL, LIVE, PV_UPDATE_ASKED,
	 {PV_PROGRESS_INPROGRESS, "Transitioning to new revision without rebooting"}},
	{ALL & ~BIT(TESTING), REBOOT | LIVE, PV_UPDATE_REFUSED,
	 {PV_PROGRESS_WONTGO, NULL}},

	/* The try of what was UPDATED without a reboot is its way to DONE. */
	{ALL, REBOOT | LIVE, PV_UPDATE_TRIED,
	 {PV_PROGRESS_INPROGRESS, "Trying new revision"}},
	{BIT(INPROGRESS), REBOOT, PV_UPDATE_REACHED,
	 {PV_PROGRESS_TESTING, "Awaiting to set rollback point if update is stable"}},
	{BIT(INPROGRESS), LIVE, PV_UPDATE_REACHED,
	 {PV_PROGRESS_TESTING, "Awaiting to see if update is stable"}},
	{BIT(TESTING), REBOOT | LIVE, PV_UPDATE_UNSTABLE,
	 {PV_PROGRESS_TESTING, "Waiting for all containers to become stable"}},
	{BIT(TESTING), REBOOT, PV_UPDATE_STABLE,
	 {PV_PROGRESS_DONE, "Update finished, revision set as rollback point"}},
	{BIT(TESTING), LIVE, PV_UPDATE_STABLE,
	 {PV_PROGRESS_UPDATED, "Update finished, revision not set as rollback point"}},

	{RUNNING, REBOOT | LIVE, PV_UPDATE_MISSED,
	 {PV_PROGRESS_ERROR, "Status goal not reached"}},
	{RUNNING, REBOOT | LIVE, PV_UPDATE_LOST,
	 {PV_PROGRESS_ERROR, "A container could not be started"}},
	{ALL, REBOOT | LIVE, PV_UPDATE_BROKEN,
	 {PV_PROGRESS_ERROR, NULL}},

	/* Cut off, or ended by a kernel or a PID 1 that died; what has failed keeps its reason. */
	{ALL & ~FAILED, REBOOT | LIVE, PV_UPDATE_FELL_BACK,
	 {PV_PROGRESS_ERROR, "Unexpected rollback"}},
	/* What is complete is not written at each boot. */
	{ALL & ~BIT(DONE), REBOOT | LIVE, PV_UPDATE_COMMITTED,
	 {PV_PROGRESS_DONE, "Update finished, revision set as rollback point"}},
	{ALL & ~BIT(DONE), REBOOT | LIVE, PV_UPDATE_FACTORY,
	 {PV_PROGRESS_DONE, "Factory revision"}},
	/* clang-format on */
};

bool pv_update_next(enum pv_progress_status status, enum pv_update_event event, enum pv_update_way way,
	struct pv_update_step *step)
{
	for (size_t i = 0; i < PV_COUNT(rows); i++)
		if (rows[i].event == event && rows[i].from & 1U << status && rows[i].ways & 1U << way) {
			*step = rows[i].step;
			return true;
		}
	return false;
}

/* Of a record that cannot be read, or of a tool that writes none, the status is what the event follows. */
static bool find_step(struct pv_storage at, const char *revision, const struct pv_update_news *news,
	struct pv_progress *progress, struct pv_update_step *step)
{
	static const enum pv_progress_status guesses[] = {PV_PROGRESS_INPROGRESS, PV_PROGRESS_TESTING};
	struct pv_err unread;

	if (pv_progress_load(at.root, revision, progress, &unread) == 0)
		return pv_update_next(progress->status, news->event, news->way, step);
	*progress = (struct pv_progress){0};
	for (size_t i = 0; i < PV_COUNT(guesses); i++)
		if (pv_update_next(guesses[i], news->event, news->way, step))
			return true;
	return false;
}

int pv_update_record(
	struct pv_storage at, const char *revision, const struct pv_update_news *news, struct pv_err *err)
{
	cleanup_free struct pv_progress *progress = pv_alloc(1, sizeof(*progress));
	const char *words = news->words, *logs = "";
	struct pv_update_step step;

	if (!find_step(at, revision, news, progress, &step))
		return 0;
	progress->status = step.status;
	if (step.words)
		words = step.words;
	if (words && *words)
		snprintf(progress->message, sizeof(progress->message), "%s", words);
	if (pv_progress_is_failed(step.status) && news->logs)
		logs = news->logs;
	snprintf(progress->logs, sizeof(progress->logs), "%s", logs);
	return pv_progress_store(at, revision, progress, err);
}
