/* SPDX-License-Identifier: MIT */
/*
 * What follows where a revision cannot go on. Its reboots are counted, or one that fails at each boot would
 * do so for ever: GRUB counts in its notes those that were not good; what a container's failure ends we
 * count, in pv_lost of the boot environment, and all of them where GRUB notes nothing. At the third one the
 * revision before it takes its place; where there is none, or it cannot be noted, the device stays up with
 * what runs.
 */
#ifndef PV_FAULT_H
#define PV_FAULT_H

#include "pv.h"

/* Ends a try, with its record: by a reboot, or by a return without one. False where nothing is tried. */
bool pv_fault_try(struct pv *pv, enum pv_occasion occasion, const char *why);
/* The device restarts, once that is noted; else it stays up as it is, and `otherwise` is logged. `now`
 * is since boot. */
void pv_fault(
	struct pv *pv, enum pv_occasion occasion, const char *why, const char *otherwise, int64_t now);
/* Forgives faults that a boot has outlived twice, so that those of years add up to nothing; or notes in
 * `next` when to look again. */
void pv_fault_tick(struct pv *pv, int64_t now, int64_t *next);

#endif
