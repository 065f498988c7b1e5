/* SPDX-License-Identifier: MIT */
/* Whether the storage has room, before something is begun that would fill it. */
#ifndef PV_SPACE_H
#define PV_SPACE_H

#include <stdint.h>

#include "err.h"

/* What is kept free, for the record of what failed among others. */
#define PV_SPACE_RESERVED_PERCENT 5

/* An error, in the words of published devices, where fewer than `needed` bytes are free in addition to
 * the reserve. */
int pv_space_check(int storage, uint64_t needed, struct pv_err *err);

#endif
