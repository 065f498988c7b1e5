/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "beneath.h"
#include "log.h"
#include "progress.h"
#include "text.h"

/* Whole lines, as many as there is room for. */
static void read_last_lines(const struct pv_note *note, char logs[PV_PROGRESS_LOGS + 1])
{
	cleanup_free char *path = pv_fmt("logs/%s/pantavisor/pantavisor.log", note->revision);
	struct pv_err err;
	cleanup_close int fd = pv_beneath_file(note->pv->storage, path, &err);
	struct stat info;
	off_t start = 0;
	ssize_t got;
	char *line;

	if (fd < 0 || fstat(fd, &info) < 0)
		return;
	if (info.st_size > PV_PROGRESS_LOGS)
		start = info.st_size - PV_PROGRESS_LOGS;
	got = pread(fd, logs, PV_PROGRESS_LOGS, start);
	logs[got < 0 ? 0 : got] = '\0';
	line = start ? strchr(logs, '\n') : NULL;
	if (line)
		memmove(logs, line + 1, strlen(line + 1) + 1);
}

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
		read_last_lines(note, progress->logs);
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
	pv_note(&note);
}

int pv_record_write(const struct pv_note *note, enum pv_update_event event, struct pv_err *err)
{
	struct pv_note of = *note;

	of.event = event;
	of.way = PV_UPDATE_BY_REBOOT;
	return write_record(&of, NULL, err);
}
