/* SPDX-License-Identifier: MIT */
/*
 * A revision that a job verified, on its way to PID 1: the very text of its state, and the volumes' objects
 * as they were opened and hashed. Neither is read a second time from the storage, where they may have
 * changed.
 */
#ifndef PV_HANDOVER_H
#define PV_HANDOVER_H

#include "run.h"

/* The first is PID 1's end. */
int pv_handover_open(int ends[2], struct pv_err *err);
/* In the job; of a state whose manifests were read. */
int pv_handover_send(int to, const struct pv_state *state, const struct pv_held *held, struct pv_err *err);
/* Once the job ended: state and objects of the run. After an error it has neither. */
int pv_handover_take(
	int from, struct pv_run *run, int goals_timeout_s, const char *release, struct pv_err *err);

#endif
