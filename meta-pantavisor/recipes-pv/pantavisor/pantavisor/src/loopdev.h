/* SPDX-License-Identifier: MIT */
#ifndef PV_LOOPDEV_H
#define PV_LOOPDEV_H

#include "err.h"

#define PV_LOOPDEV_BYTES 32

/* A free loop device for a file, read-only and clearing itself. Returns a descriptor to hold until it is
 * mounted. */
int pv_loopdev_attach(const char *file, char device[PV_LOOPDEV_BYTES], struct pv_err *err);

#endif
