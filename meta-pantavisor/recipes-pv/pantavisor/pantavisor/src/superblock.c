/* SPDX-License-Identifier: MIT */
#include "superblock.h"

#include <stdio.h>
#include <string.h>

/* Offsets of struct ext4_super_block, Documentation/filesystems/ext4/super.rst of the kernel. */
#define INODES_AT 0x0
#define BLOCKS_AT 0x4
#define FIRST_BLOCK_AT 0x14
#define BLOCK_SIZE_AT 0x18 /* 1024 << it */
#define BLOCKS_PER_GROUP_AT 0x20
#define INODES_PER_GROUP_AT 0x28
#define MAGIC_AT 0x38
#define STATE_AT 0x3a
#define HAS_ERRORS 0x2
#define REVISION_AT 0x4c
#define INODE_SIZE_AT 0x58
#define GROUP_AT 0x5a
#define FEATURES_AT 0x5c /* the compatible ones */
#define HAS_JOURNAL 0x4
#define INCOMPATIBLE_AT 0x60
#define NEEDS_RECOVERY 0x4
#define WIDE 0x80
#define READ_ONLY_AT 0x64
#define HAS_CHECKSUMS 0x400
#define BLOCKS_HIGH_AT 0x150
#define CHECKSUM_TYPE_AT 0x175
#define CRC32C 1
#define CHECKSUM_AT 0x3fc
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
	superblock->has_errors = bytes[STATE_AT] & HAS_ERRORS;
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

static uint32_t get(const unsigned char *bytes, size_t at)
{
	return bytes[at] | (uint32_t)bytes[at + 1] << 8 | (uint32_t)bytes[at + 2] << 16 |
	       (uint32_t)bytes[at + 3] << 24;
}

static void put(unsigned char *bytes, size_t at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[at + (size_t)i] = (unsigned char)(value >> 8 * i);
}

/* As ext4 stores it: begun with all ones, and not inverted at the end. */
static uint32_t crc32c(const unsigned char *bytes, size_t length)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return crc;
}

/* What no write changes but that which makes or resizes a file system: the parts fit each other. */
static bool is_plausible(const unsigned char *bytes, uint64_t device_bytes)
{
	uint64_t block = 1024ULL << (get(bytes, BLOCK_SIZE_AT) & 7), groups;
	uint64_t high = get(bytes, INCOMPATIBLE_AT) & WIDE ? get(bytes, BLOCKS_HIGH_AT) : 0;
	uint64_t blocks = high << 32 | get(bytes, BLOCKS_AT), per_group = get(bytes, BLOCKS_PER_GROUP_AT);
	uint32_t first = get(bytes, FIRST_BLOCK_AT), inode = get(bytes, INODE_SIZE_AT) & 0xffff;

	if (get(bytes, BLOCK_SIZE_AT) > 6 || first != (block == 1024) || get(bytes, REVISION_AT) != 1 ||
		(get(bytes, GROUP_AT) & 0xffff) || inode < 128 || inode > block || (inode & (inode - 1)) ||
		!per_group || per_group > 8 * block || blocks <= first || blocks > device_bytes / block)
		return false;
	groups = (blocks - first + per_group - 1) / per_group;
	return get(bytes, INODES_AT) == groups * get(bytes, INODES_PER_GROUP_AT);
}

bool pv_superblock_repair(unsigned char *bytes, size_t length, uint64_t device_bytes)
{
	struct pv_superblock superblock;

	if (!pv_superblock_parse(&superblock, bytes, length) ||
		!(get(bytes, READ_ONLY_AT) & HAS_CHECKSUMS) || bytes[CHECKSUM_TYPE_AT] != CRC32C ||
		get(bytes, CHECKSUM_AT) == crc32c(bytes, CHECKSUM_AT) || !is_plausible(bytes, device_bytes))
		return false;
	/* Whether it has something to replay, the journal itself shows; without this it would not be read.
	 */
	if (superblock.has_journal)
		put(bytes, INCOMPATIBLE_AT, get(bytes, INCOMPATIBLE_AT) | NEEDS_RECOVERY);
	put(bytes, CHECKSUM_AT, crc32c(bytes, CHECKSUM_AT));
	return true;
}
