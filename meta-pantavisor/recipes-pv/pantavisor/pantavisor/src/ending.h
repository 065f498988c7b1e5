/* SPDX-License-Identifier: MIT */
/* The way to a reboot or to power off: ask the containers, then end them, then the mounts, then the kernel.
 */
#ifndef PV_ENDING_H
#define PV_ENDING_H

#include "pv.h"

void pv_ending_begin(struct pv *pv, enum pv_end end, const char *why);
/* The same a second later, on behalf of one whose answer goes through a container that is going to end. */
void pv_ending_ask(struct pv *pv, enum pv_end end, const char *why, int64_t now);
/* A reboot for a fault: not in the first seconds after boot. */
void pv_ending_fault(struct pv *pv, const char *why);
/* Does not return once all is done. */
void pv_ending_tick(struct pv *pv, int64_t now, int64_t *next);

#endif
