/* SPDX-License-Identifier: MIT */
/* Whether this device would run a revision: verified as its configuration and its trust store ask. */
#ifndef PV_USABLE_H
#define PV_USABLE_H

#include "pv.h"
#include "verify.h"

/* How it is judged: reads all of it, and repairs nothing. */
struct pv_verify pv_usable_options(const struct pv *pv, const char *revision);
/* The one that is to run: its state and the objects of its volumes are kept, missing links are made again.
 */
int pv_usable_take(struct pv *pv, struct pv_verified *verified, struct pv_err *err);
/* Another one that is to run: the same, but nothing is repaired, and an older release is refused. The
 * volumes of what runs were read before, and are not read again. */
int pv_usable_open(const struct pv *pv, const char *revision, struct pv_state *state, struct pv_held *held,
	struct pv_err *err);
/* Any, to return to as well: reads all of it and keeps nothing. */
int pv_usable_check(const struct pv *pv, const char *revision, struct pv_err *err);
/* Whether a boot loader finds its kernel, initramfs and device trees whole on the medium, where they may
 * have been damaged since they were verified. */
int pv_usable_boots(const struct pv *pv, const char *revision, struct pv_err *err);

#endif
