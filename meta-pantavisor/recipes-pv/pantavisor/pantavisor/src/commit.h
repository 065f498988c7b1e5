/* SPDX-License-Identifier: MIT */
/*
 * From a revision that runs to one that the boot loader is given: what was tried is committed once it has
 * run well for PV_UPDATER_COMMIT_DELAY, a try that failed is forgotten, and what the boot loader counted
 * is set back to 0.
 */
#ifndef PV_COMMIT_H
#define PV_COMMIT_H

#include "pv.h"

/* What the boot loader was given, and so the standing of the revision that it booted. `given`: pv_try of
 * the command line, or empty. */
void pv_commit_load(struct pv *pv, const char *given);
/* Once, when all groups are through, those too that missed their goals where the device goes on. */
void pv_commit_begin(struct pv *pv, int64_t now);
/* From then on: commits, goes back, has the boots counted from 0, or sets `next` to when to look again. */
void pv_commit_tick(struct pv *pv, int64_t now, int64_t *next);

#endif
