/* SPDX-License-Identifier: MIT */
#include "superblock.h"

#include <stdio.h>
#include <string.h>

/* Offsets of struct ext4_super_block, Documentation/filesystems/ext4/super.rst of the kernel. */
#define MAGIC_AT 0x38
#define FEATURES_AT 0x5c /* the compatible ones */
#define HAS_JOURNAL 0x4
#define UUID_AT 0x68
#define LABEL_AT 0x78
#define UUID_BYTES 16
#define LABEL_BYTES 16

bool pv_superblock_parse(struct pv_superblock *superblock, const unsigned char *bytes, size_t length)
{
	size_t used = 0;

	if (length < PV_SUPERBLOCK_BYTES || bytes[MAGIC_AT] != 0x53 || bytes[MAGIC_AT + 1] != 0xef)
		return false;
	superblock->has_journal = bytes[FEATURES_AT] & HAS_JOURNAL;
	memcpy(superblock->label, bytes + LABEL_AT, LABEL_BYTES);
	superblock->label[LABEL_BYTES] = '\0';
	for (size_t i = 0; i < UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			superblock->uuid[used++] = '-';
		used += (size_t)snprintf(superblock->uuid + used, sizeof(superblock->uuid) - used, "%02x",
			bytes[UUID_AT + i]);
	}
	return true;
}
