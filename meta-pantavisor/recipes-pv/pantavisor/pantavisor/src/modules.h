/* SPDX-License-Identifier: MIT */
#ifndef PV_MODULES_H
#define PV_MODULES_H

#include "err.h"

#define PV_MODULES_TEXT_BYTES 65536

/* Loads the kernel modules that a file lists, one path a line, in that order. Each failure is logged and
 * passed over. */
void pv_modules_load(const char *list_path);

#endif
