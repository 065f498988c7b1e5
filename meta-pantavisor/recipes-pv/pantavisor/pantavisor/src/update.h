/* SPDX-License-Identifier: MIT */
/*
 * The life of an update as a table: its status, what happened, and how it goes, lead to the next status and
 * the words for it that published tools expect. What is to be done then, `revision` decides.
 */
#ifndef PV_UPDATE_H
#define PV_UPDATE_H

#include <stdbool.h>

#include "progress.h"

enum pv_update_event {
	PV_UPDATE_ASKED,     /* it shall run, and was verified */
	PV_UPDATE_REFUSED,   /* before anything of it ran: the words have the reason */
	PV_UPDATE_TRIED,     /* the device booted it */
	PV_UPDATE_REACHED,   /* all goals */
	PV_UPDATE_UNSTABLE,  /* the delay is over, and a container is not stable yet */
	PV_UPDATE_STABLE,    /* the delay is over */
	PV_UPDATE_MISSED,    /* a goal was not reached in time */
	PV_UPDATE_LOST,	     /* a container failed for good */
	PV_UPDATE_BROKEN,    /* anything else: the words have the reason */
	PV_UPDATE_FELL_BACK, /* the device booted another one */
	PV_UPDATE_COMMITTED, /* the device booted it, and has no other to return to by itself */
	PV_UPDATE_FACTORY,   /* the same of revision 0 */
	PV_UPDATE_EVENTS
};

/* How a revision takes the place of another one. */
enum pv_update_way { PV_UPDATE_BY_REBOOT, PV_UPDATE_LIVE, PV_UPDATE_WAYS };

struct pv_update_step {
	enum pv_progress_status status;
	const char *words; /* NULL: those that the event brings, else those that are there */
};

/* Touches nothing. False where the event means nothing in that status: it stays as it is. */
bool pv_update_next(enum pv_progress_status status, enum pv_update_event event, enum pv_update_way way,
	struct pv_update_step *step);

struct pv_update_news {
	enum pv_update_event event;
	enum pv_update_way way;
	const char *words, *logs; /* NULL: none; the logs are those of a failure */
};

/* Writes what follows into the record of a revision, or nothing where nothing does. */
int pv_update_record(
	struct pv_storage at, const char *revision, const struct pv_update_news *news, struct pv_err *err);

#endif
