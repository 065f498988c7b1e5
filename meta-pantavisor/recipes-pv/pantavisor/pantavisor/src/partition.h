/* SPDX-License-Identifier: MIT */
/*
 * The unique number of a partition as boot loaders and the kernel write it (PARTUUID): the GUID of its
 * entry in a GUID partition table, or the DOS disk's signature and the partition's number.
 */
#ifndef PV_PARTITION_H
#define PV_PARTITION_H

#include <stdbool.h>
#include <stdint.h>

#define PV_PARTITION_UUID_BYTES 37

/* A partition as the kernel has it: on the open `disk`, by its number, from `start` in units of 512 bytes.
 */
struct pv_partition {
	int disk;
	unsigned number;
	uint64_t start;
	unsigned sector; /* bytes of the disk's logical sectors */
};

/* False where the disk has no table, or where its table has no such partition there. */
bool pv_partition_uuid(const struct pv_partition *partition, char uuid[PV_PARTITION_UUID_BYTES]);

#endif
