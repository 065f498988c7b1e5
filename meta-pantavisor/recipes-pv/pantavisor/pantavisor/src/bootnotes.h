/* SPDX-License-Identifier: MIT */
/*
 * What GRUB notes for itself: in boot/grubtry, a block of its own that the runtime makes and reads; where
 * that takes no notes, GRUB counts boots in one of the copies of boot/grubenv, which the runtime's next
 * generation clears.
 */
#ifndef PV_BOOTNOTES_H
#define PV_BOOTNOTES_H

#include "bootenv.h"

/* How often GRUB has booted the committed revision since this generation began. */
int pv_bootnotes_boots(int storage, const struct pv_bootenv *env);
/* The block where there is none that GRUB can write to. A try that may have been spent stays so. */
int pv_bootnotes_make(struct pv_storage at, const struct pv_bootenv *env, struct pv_err *err);
/* All revisions that a copy, whole or not the newest, or GRUB's notes name. */
#define PV_BOOTNOTES_NAMED 7
size_t pv_bootnotes_named(
	int storage, enum pv_bootenv_kind kind, char named[PV_BOOTNOTES_NAMED][PV_REVISION_BYTES + 1]);

#endif
