/* SPDX-License-Identifier: MIT */
/*
 * Another revision takes the place of the one that runs, without a boot: the containers that differ end,
 * those of the new one begin, and all others run on. It is tested as one that was booted is. Where it
 * fails, those that differ end again and the old ones begin; where it is good, the boot loader gets the
 * order to try it at the next start, and where that cannot be noted it has failed. Until then a boot, for
 * whatever reason, is one of the old revision.
 */
#ifndef PV_SWITCH_H
#define PV_SWITCH_H

#include "pv.h"

/* `next` was verified, differs from what runs in nothing that takes a boot, and is pv's from then on. */
void pv_switch_begin(struct pv *pv, struct pv_run *next, int64_t now);
/* True while containers of one revision end for the other: nothing begins meanwhile. */
bool pv_switch_is_moving(const struct pv *pv);
/* Does what is due; `next` becomes the time when something is due again, if that is earlier. */
void pv_switch_tick(struct pv *pv, int64_t now, int64_t *next);

#endif
