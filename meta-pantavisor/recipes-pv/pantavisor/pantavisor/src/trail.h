/* SPDX-License-Identifier: MIT */
/*
 * The revisions on storage: trails/<number> and trails/locals/<name>. One that is being made has .new-
 * before its last name, one that is being removed .dead-, in the same folder; neither counts.
 */
#ifndef PV_TRAIL_H
#define PV_TRAIL_H

#include <stddef.h>

#include "err.h"
#include "fsops.h"
#include "names.h"

#define PV_TRAIL_NEW ".new-"
#define PV_TRAIL_DEAD ".dead-"
/* A boot loader finds a name in the first block of a folder only. */
#define PV_TRAIL_REVISIONS 24

struct pv_trail {
	int folder;			  /* trails, or trails/locals */
	const char *name;		  /* in it; points into the revision's name */
	char made[PV_REVISION_BYTES + 1]; /* with .new- */
	char dead[PV_REVISION_BYTES + 1]; /* with .dead- */
};

/* The folder is made where it is missing, and the caller's to close. */
int pv_trail_open(struct pv_storage at, const char *revision, struct pv_trail *trail, struct pv_err *err);
/* One writer at a time, for as long as the descriptor is open. Waits. */
int pv_trail_lock(int storage, struct pv_err *err);
/* The same at once, or negative. */
int pv_trail_try_lock(int storage);

/* Calls `each` for every revision, or for every name that begins so, until it fails. */
typedef int pv_trail_each(void *context, const char *revision, struct pv_err *err);
int pv_trail_list(int storage, const char *prefix, pv_trail_each *each, void *context, struct pv_err *err);

#endif
