/* SPDX-License-Identifier: MIT */
#ifndef PV_VOLUME_H
#define PV_VOLUME_H

#include "firstuse.h"
#include "pv.h"

/* The volumes of the bsp, over /lib/modules/<release> and /lib/firmware. */
int pv_volume_mount_bsp(struct pv *pv, struct pv_err *err);
/* In PID 1, before a job mounts them: they are undone with its other mounts, however far that came. */
void pv_volume_note_bsp(struct pv *pv);
/* A container's files and storages, below /volumes/<container>/. The new ones of these are noted in `use`.
 */
int pv_volume_mount_container(const struct pv *pv, const struct pv_run *run,
	const struct pv_container *container, struct pv_firstuse *use, struct pv_mounts *mounts,
	struct pv_err *err);

#endif
