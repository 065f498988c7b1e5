/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "progress.h"
#include "text.h"

/* What returns to the committed revision is committed, however it got there. */
static enum pv_update_way way_of(const struct pv *pv)
{
	bool is_live = pv->run->standing == PV_STANDING_LIVE || pv->run->standing == PV_STANDING_UPDATED;

	return is_live && strcmp(pv->run->revision, pv->env.revision) ? PV_UPDATE_LIVE
								      : PV_UPDATE_BY_REBOOT;
}

/* Of a file that cannot be read, or of a tool that writes none, the status is what the event follows. */
static bool find_step(struct pv_progress *progress, const struct pv_note *note, struct pv_update_step *step)
{
	static const enum pv_progress_status guesses[] = {PV_PROGRESS_INPROGRESS, PV_PROGRESS_TESTING};
	struct pv_err err;

	if (pv_progress_load(note->pv->storage, note->revision, progress, &err) == 0)
		return pv_update_next(progress->status, note->event, note->way, step);
	*progress = (struct pv_progress){0};
	for (size_t i = 0; i < PV_COUNT(guesses); i++)
		if (pv_update_next(guesses[i], note->event, note->way, step))
			return true;
	return false;
}

static int write_record(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err)
{
	cleanup_free struct pv_progress *progress = pv_alloc(1, sizeof(*progress));
	struct pv_update_step step;

	(void)env;
	if (!find_step(progress, note, &step))
		return 0;
	progress->status = step.status;
	if (step.words || *note->words)
		snprintf(progress->message, sizeof(progress->message), "%s",
			step.words ? step.words : note->words);
	progress->logs[0] = '\0';
	if (pv_progress_is_failed(step.status))
		memcpy(progress->logs, note->logs, sizeof(progress->logs));
	return pv_progress_store(pv_storage_at(note->pv->storage), note->revision, progress, err);
}

void pv_record(struct pv *pv, enum pv_update_event event, const char *words)
{
	struct pv_note note = pv_note_of(pv, write_record, NULL);

	if (!pv->has_storage)
		return;
	note.event = event;
	note.way = way_of(pv);
	snprintf(note.words, sizeof(note.words), "%s", words ? words : "");
	/* Another revision may have the log when it is written. */
	pv_log_last(note.logs, sizeof(note.logs));
	pv_note(&note);
}

int pv_record_write(const struct pv_note *note, enum pv_update_event event, struct pv_err *err)
{
	struct pv_note of = *note;

	of.event = event;
	of.way = PV_UPDATE_BY_REBOOT;
	return write_record(&of, NULL, err);
}
