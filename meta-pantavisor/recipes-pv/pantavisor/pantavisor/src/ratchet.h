/* SPDX-License-Identifier: MIT */
/*
 * The release of what runs, once that is committed, becomes the least one that this device takes. A storage
 * that is full may refuse to record it: it is tried again each minute, and meanwhile what runs counts as
 * well (usable.c), also while another one has its place without a boot, so that the delay lets nothing
 * older in.
 */
#ifndef PV_RATCHET_H
#define PV_RATCHET_H

#include "pv.h"

void pv_ratchet_raise(struct pv *pv, int64_t now);
/* Again, where it is time to; or notes in `next` when. */
void pv_ratchet_tick(struct pv *pv, int64_t now, int64_t *next);

#endif
