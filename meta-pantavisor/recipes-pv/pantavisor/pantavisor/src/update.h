/* SPDX-License-Identifier: MIT */
/*
 * The life of an update as a table: its status, what happened, and how it goes, lead to the next status,
 * the words for it that published tools expect, and what to do. Touches nothing.
 */
#ifndef PV_UPDATE_H
#define PV_UPDATE_H

#include <stdbool.h>

#include "progress.h"

enum pv_update_event {
	PV_UPDATE_STORED,    /* the revision is there */
	PV_UPDATE_DEFERRED,  /* its server is to be asked again later; the words have the number */
	PV_UPDATE_FETCHING,  /* its objects come */
	PV_UPDATE_ASKED,     /* it shall run, and was verified */
	PV_UPDATE_REFUSED,   /* before anything of it ran: the words have the reason */
	PV_UPDATE_TRIED,     /* the device booted it */
	PV_UPDATE_REACHED,   /* all goals */
	PV_UPDATE_UNSTABLE,  /* the delay is over, and a container is not stable yet */
	PV_UPDATE_STABLE,    /* the delay is over */
	PV_UPDATE_MISSED,    /* a goal was not reached in time */
	PV_UPDATE_LOST,	     /* a container failed for good */
	PV_UPDATE_CORRUPT,   /* an object is not what it should be */
	PV_UPDATE_BROKEN,    /* anything else after its start: the words have the reason */
	PV_UPDATE_FELL_BACK, /* the device booted another one */
	PV_UPDATE_FACTORY,   /* it is revision 0, and verified */
	PV_UPDATE_EVENTS
};

/* How a revision takes the place of another one. */
enum pv_update_way { PV_UPDATE_BY_REBOOT, PV_UPDATE_LIVE, PV_UPDATE_WAYS };

enum pv_update_action {
	PV_UPDATE_WAIT,	  /* for the next event */
	PV_UPDATE_REBOOT, /* into it: the boot loader gets its order first */
	PV_UPDATE_SWITCH, /* its containers, without a reboot */
	PV_UPDATE_TEST,	  /* the delay begins */
	PV_UPDATE_COMMIT, /* it is what the device boots from now on */
	PV_UPDATE_RETURN, /* to the one before it, by a reboot or without, and do not try this one again */
	PV_UPDATE_FORGET, /* nothing of it runs: the boot loader gets the order not to try it */
};

struct pv_update_step {
	enum pv_progress_status status;
	const char *words; /* NULL: those that the event brings, else those that are there */
	enum pv_update_action action;
};

/* False where the event means nothing in that status: it stays as it is. */
bool pv_update_next(enum pv_progress_status status, enum pv_update_event event, enum pv_update_way way,
	struct pv_update_step *step);

#endif
