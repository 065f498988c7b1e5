/* SPDX-License-Identifier: MIT */
/* The groups of the running revision, one after the other: each begins when that before it is through. */
#ifndef PV_SEQUENCE_H
#define PV_SEQUENCE_H

#include "pv.h"

/* Does what is due; `next` becomes the time when something is due again, if that is earlier. */
void pv_sequence_tick(struct pv *pv, int64_t now, int64_t *next);

#endif
