/* SPDX-License-Identifier: MIT */
/* The kernel's device mapper, by its ioctls. */
#ifndef PV_MAPPER_H
#define PV_MAPPER_H

#include <stdint.h>

#include "err.h"

#define PV_MAPPER_DEVICE_BYTES 32

/* A read-only device of one target. It needs the kernel's dm_mod, and the target's module. */
int pv_mapper_open(const char *name, const char *target, const char *table, uint64_t sectors,
	char device[PV_MAPPER_DEVICE_BYTES], struct pv_err *err);
/* At once, or when what uses it lets go of it. */
void pv_mapper_close(const char *name);

#endif
