/* SPDX-License-Identifier: MIT */
#ifndef PV_BOOT_H
#define PV_BOOT_H

#include "pv.h"

/* From a bare kernel to a verified revision whose containers may start. On failure `err` has the reason why
 * it is unusable. */
int pv_boot(struct pv *pv, struct pv_err *err);

#endif
