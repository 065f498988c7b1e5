/* SPDX-License-Identifier: MIT */
/*
 * What a container is mounted from: its volumes, filled at their first use, and its root. All of it reads
 * and writes the storage, so it is made and undone by jobs; what they made is known from the kernel's own
 * list.
 */
#ifndef PV_PREPARE_H
#define PV_PREPARE_H

#include "pv.h"

/* The first content of a large volume takes its time on a slow storage. */
#define PV_PREPARE_MS (10 * 60 * 1000)

/* From PV_PLACE_NONE to MOUNTING, and by a job to MOUNTED; or to FAILED, and the reason is logged. */
void pv_prepare_mount(struct pv *pv, struct pv_task *task);
/* To UNMOUNTING, and by a job to NONE. */
void pv_prepare_unmount(struct pv *pv, struct pv_task *task);
/* At once, for the end of the device. */
void pv_prepare_undo(const struct pv_task *task);

#endif
