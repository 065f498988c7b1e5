/* SPDX-License-Identifier: MIT */
/*
 * What became of a revision: trails/<revision>/.pv/progress, in the JSON that published tools read. Each
 * status stands for a progress from 0 to 100.
 */
#ifndef PV_PROGRESS_H
#define PV_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "fsops.h"

#define PV_PROGRESS_MESSAGE 256
#define PV_PROGRESS_LOGS 4096
#define PV_PROGRESS_BYTES (32 * 1024) /* the file, of other writers too */

enum pv_progress_status {
	PV_PROGRESS_NEW,
	PV_PROGRESS_QUEUED,
	PV_PROGRESS_DOWNLOADING,
	PV_PROGRESS_INPROGRESS,
	PV_PROGRESS_TESTING,
	PV_PROGRESS_UPDATED, /* it runs without a boot, and the next one tries it */
	PV_PROGRESS_DONE,
	PV_PROGRESS_WONTGO, /* refused before anything of it ran */
	PV_PROGRESS_ERROR,
	PV_PROGRESS_STATUSES
};

struct pv_progress {
	enum pv_progress_status status;
	int retries;
	char message[PV_PROGRESS_MESSAGE + 1];
	char logs[PV_PROGRESS_LOGS + 1]; /* the last lines before it failed, or empty */
};

const char *pv_progress_name(enum pv_progress_status status);
int pv_progress_percent(enum pv_progress_status status);
/* WONTGO and ERROR: nothing follows by itself. */
bool pv_progress_is_failed(enum pv_progress_status status);

/* Pure. What is not UTF-8 or a control character becomes `?`; the text is the caller's to free. */
char *pv_progress_render(const struct pv_progress *progress);
int pv_progress_parse(const char *text, size_t length, struct pv_progress *progress, struct pv_err *err);

/* Of a revision that is there. */
int pv_progress_load(int storage, const char *revision, struct pv_progress *progress, struct pv_err *err);
int pv_progress_store(
	struct pv_storage at, const char *revision, const struct pv_progress *progress, struct pv_err *err);
/* The same with no retries and no logs. */
int pv_progress_note(struct pv_storage at, const char *revision, enum pv_progress_status status,
	const char *message, struct pv_err *err);

#endif
