/* SPDX-License-Identifier: MIT */
#ifndef PV_LOOPDEV_H
#define PV_LOOPDEV_H

#include "err.h"

#define PV_LOOPDEV_BYTES 32

/* A free loop device for an open file, read-only and clearing itself; `name` is what it is called. Returns
 * a descriptor to hold until it is mounted. */
int pv_loopdev_attach(int file, const char *name, char device[PV_LOOPDEV_BYTES], struct pv_err *err);

#endif
