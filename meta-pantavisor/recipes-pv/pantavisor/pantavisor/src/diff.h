/* SPDX-License-Identifier: MIT */
/*
 * What it takes to go from one state that runs to another, as a pure comparison: which containers stay,
 * end, begin or are restarted, or that the device has to reboot. That is so for all that is not of a
 * container, and for a container whose restart policy is "system", in either state. Signatures are not run
 * and count for nothing.
 */
#ifndef PV_DIFF_H
#define PV_DIFF_H

#include "state.h"

enum pv_change { PV_CHANGE_KEEP, PV_CHANGE_STOP, PV_CHANGE_START, PV_CHANGE_RESTART };

struct pv_diff {
	const char *
		reboot; /* the first path that asks for it, of either state; NULL: it can be done without */
	enum pv_change before[PV_CONTAINERS]; /* of the containers that run: KEEP, STOP or RESTART */
	enum pv_change after[PV_CONTAINERS];  /* of those that shall run: KEEP, START or RESTART */
};

/* Of both states the manifests were read. */
void pv_diff_states(const struct pv_state *before, const struct pv_state *after, struct pv_diff *diff);

#endif
