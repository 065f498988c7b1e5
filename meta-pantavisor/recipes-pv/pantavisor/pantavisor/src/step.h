/* SPDX-License-Identifier: MIT */
/*
 * A revision made from the text of a state and the objects that are there. It is judged before anything is
 * written, and gets its name when all of it is durable: under a revision's name there is never half a one.
 */
#ifndef PV_STEP_H
#define PV_STEP_H

#include "verify.h"

/* How the sentence begins that asks for a collection. */
#define PV_STEP_TOO_MANY "there are too many revisions"

struct pv_step {
	const char *revision; /* its name, which no other one may have */
	const char *text;
	size_t length;
	long least_release; /* an older one is refused; 0: there is none */
	bool replaces;	    /* the one that has the name, which does not run */
};

/* Refuses a state that would not verify, one with objects missing, an older release, and one without room.
 * The very same state again is as good as done. */
int pv_step_create(struct pv_storage at, const struct pv_verify *options, const struct pv_step *step,
	struct pv_err *err);

#endif
