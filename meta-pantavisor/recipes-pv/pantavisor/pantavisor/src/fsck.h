/* SPDX-License-Identifier: MIT */
/*
 * The program e2fsck, where the initramfs has it: for a storage that is damaged by more than a cut, which
 * the journal repairs. It decides by itself what it keeps; what it lost of a revision the hashes show.
 */
#ifndef PV_FSCK_H
#define PV_FSCK_H

#include <stdbool.h>

#include "err.h"

bool pv_fsck_is_there(void);
/* Waits for it, for half an hour at most. Negative where something is left that it cannot
 * repair, or where it did not end. */
int pv_fsck_repair(const char *device, struct pv_err *err);

#endif
