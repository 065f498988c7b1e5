/* SPDX-License-Identifier: MIT */
/*
 * A volume's first use: it takes owner, mode and content of the image's directory at its place, as docker
 * does. The directory gets its name when all of that is durable; what was cut off before is made again,
 * and a volume that has its name is never touched.
 */
#ifndef PV_FIRSTUSE_H
#define PV_FIRSTUSE_H

#include "fsops.h"
#include "lxcconf.h"
#include "state.h"

/* Behind the name of one that is not finished. No volume's own name has it. */
#define PV_FIRSTUSE_SUFFIX "#new"

/* What the image's directory may hold at most, for each volume. */
#define PV_FIRSTUSE_BYTES (8ULL << 30)
#define PV_FIRSTUSE_FILES (1 << 18)

/* Volumes that the conf mounts as overlays over the image's directory. */
#define PV_OVERLAY_PREFIX "dockerovl-"

struct pv_firstuse {
	const struct pv_fsops *ops; /* the door to the storage */
	struct pv_firstuse_volume {
		const char *name;
		int parent; /* where it gets its name; -1: it has it */
		int folder;
	} volumes[PV_VOLUMES];
	size_t count;
};

/* The directory of a volume, made and noted if it is not there. */
int pv_firstuse_open(struct pv_firstuse *use, int parent, const char *name, struct pv_err *err);
/* One that is new at each boot, where it is mounted. */
int pv_firstuse_note(struct pv_firstuse *use, const char *name, const char *target, struct pv_err *err);
/* From the image's directory at its place. */
int pv_firstuse_fill_one(const struct pv_firstuse *use, const struct pv_firstuse_volume *volume, int image,
	struct pv_err *err);
/* From the container's whole root, by the entries of its conf. */
int pv_firstuse_fill(const struct pv_firstuse *use, const char *container, const struct pv_lxcconf *conf,
	const char *rootfs, struct pv_err *err);
/* Gives all of them their names. */
int pv_firstuse_finish(struct pv_firstuse *use, struct pv_err *err);
/* Afterwards, in any case: removes what did not get its name. */
void pv_firstuse_close(struct pv_firstuse *use);

#endif
