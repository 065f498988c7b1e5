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

static int write_record(const struct pv_note *note, struct pv_bootenv *env, struct pv_err *err)
{
	const struct pv_update_news news = {note->event, note->way, note->words, note->logs};

	(void)env;
	return pv_update_record(pv_storage_at(note->pv->storage), note->revision, &news, err);
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
