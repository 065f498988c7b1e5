/* SPDX-License-Identifier: MIT */
/*
 * A revision that is on the storage is tried: it is looked at once more, the boot loader is told of it, and
 * the device reboots. What is wrong with it is found before anything of it runs, and recorded as its
 * progress.
 */
#ifndef PV_LAUNCH_H
#define PV_LAUNCH_H

#include "pv.h"

/* A revision is being launched, or tested: its commit or its end comes first. */
bool pv_launch_is_busy(const struct pv *pv);
/* An error where there is no such revision, or where it runs already; the rest follows by itself. */
int pv_launch(struct pv *pv, const char *revision, struct pv_err *err);

#endif
