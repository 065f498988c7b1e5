/* SPDX-License-Identifier: MIT */
#ifndef PV_STORAGE_H
#define PV_STORAGE_H

#include "pv.h"

/* Waits for the storage partition (PV_STORAGE_DEVICE, PV_STORAGE_WAIT) and mounts it. */
int pv_storage_mount(struct pv *pv, struct pv_err *err);
/* Before that: 1 if a power cut had torn its superblock, which is right now, 0 where it had not. */
int pv_storage_repair(const char *device, struct pv_err *err);

#endif
