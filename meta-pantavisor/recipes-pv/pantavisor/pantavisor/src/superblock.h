/* SPDX-License-Identifier: MIT */
/*
 * The first KiB of an ext2, 3 or 4 file system: its label, its UUID and whether it has a journal.
 *
 * It is two sectors, and its checksum is at the end of the second. A power cut between them leaves one
 * whose checksum is wrong, which no kernel mounts; all else of it is right, for what changes while a device
 * runs is in the first sector.
 */
#ifndef PV_SUPERBLOCK_H
#define PV_SUPERBLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PV_SUPERBLOCK_OFFSET 1024
#define PV_SUPERBLOCK_BYTES 1024

struct pv_superblock {
	char label[17];
	char uuid[37];
	bool has_journal;
	bool has_errors; /* the kernel noted that something is damaged */
};

/* False if it is not one. */
bool pv_superblock_parse(struct pv_superblock *superblock, const unsigned char *bytes, size_t length);
/* True if the checksum was wrong and all else is that of a file system on a device of this size: then the
 * checksum is right now, and the journal is to be read. */
bool pv_superblock_repair(unsigned char *bytes, size_t length, uint64_t device_bytes);

#endif
