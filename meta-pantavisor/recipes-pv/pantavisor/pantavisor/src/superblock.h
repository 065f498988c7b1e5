/* SPDX-License-Identifier: MIT */
/* The first KiB of an ext2, 3 or 4 file system: its label, its UUID and whether it has a journal. */
#ifndef PV_SUPERBLOCK_H
#define PV_SUPERBLOCK_H

#include <stdbool.h>
#include <stddef.h>

#define PV_SUPERBLOCK_OFFSET 1024
#define PV_SUPERBLOCK_BYTES 1024

struct pv_superblock {
	char label[17];
	char uuid[37];
	bool has_journal;
};

/* False if it is none. */
bool pv_superblock_parse(struct pv_superblock *superblock, const unsigned char *bytes, size_t length);

#endif
