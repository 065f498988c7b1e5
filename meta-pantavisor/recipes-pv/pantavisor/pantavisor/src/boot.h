/* SPDX-License-Identifier: MIT */
/* From a bare kernel to a verified revision whose containers may start. */
#ifndef PV_BOOT_H
#define PV_BOOT_H

#include "pv.h"

struct pv_boot {
	struct pv *pv;
	/* By the loop, once: the revision may run (NULL), or why it may not. */
	void (*done)(struct pv_boot *boot, const struct pv_err *err);
	void *data;
	int ends[2]; /* of its way from the job to here */
};

/* Outside of the loop: up to the storage. */
int pv_boot_begin(struct pv *pv, struct pv_err *err);
/* Then the revision is verified, which takes its time: by a job. */
void pv_boot_verify(struct pv_boot *boot);

#endif
