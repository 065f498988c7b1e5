/* SPDX-License-Identifier: MIT */
#include "superblock.h"

#include <fcntl.h>
#include <unistd.h>

#include "tree.h"

#define DEVICE_BYTES (16 * 1024 * 1024)

/* As mke2fs makes one, of blocks of 4 KiB, and what the kernel changes while it is mounted. */
static void make(unsigned char *bytes)
{
	cleanup_free char *image = tree_path("image"), *command = NULL;
	int fd;

	command = pv_fmt("PATH=$PATH:/usr/sbin:/sbin mke2fs -q -F -t ext4 -b 4096 -I 256 -O "
			 "metadata_csum,64bit,has_journal %s 16M",
		image);
	CHECK(system(command) == 0);
	fd = open(image, O_RDONLY | O_CLOEXEC);
	CHECK(pread(fd, bytes, PV_SUPERBLOCK_BYTES, PV_SUPERBLOCK_OFFSET) == PV_SUPERBLOCK_BYTES);
	close(fd);
}

static bool repairs(const unsigned char *torn, unsigned char *bytes)
{
	memcpy(bytes, torn, PV_SUPERBLOCK_BYTES);
	return pv_superblock_repair(bytes, PV_SUPERBLOCK_BYTES, DEVICE_BYTES);
}

static void test_one_that_is_torn_is_repaired(void)
{
	unsigned char whole[PV_SUPERBLOCK_BYTES], torn[PV_SUPERBLOCK_BYTES], bytes[PV_SUPERBLOCK_BYTES];

	tree_begin();
	make(whole);
	CHECK(!repairs(whole, bytes));
	/* A time of the first sector is newer than the checksum of the second. */
	memcpy(torn, whole, sizeof(torn));
	torn[0x30] ^= 1;
	CHECK(repairs(torn, bytes));
	CHECK(!memcmp(bytes, torn, 0x60) && bytes[0x60] == (torn[0x60] | 4) &&
		!memcmp(bytes + 0x61, torn + 0x61, 0x3fc - 0x61));
	CHECK(!repairs(bytes, torn));
	/* The checksum is newer, and all else as it was. */
	memcpy(torn, whole, sizeof(torn));
	torn[0x3fc] ^= 1;
	CHECK(repairs(torn, bytes));
	bytes[0x60] &= (unsigned char)~4U;
	CHECK(!memcmp(bytes, whole, 0x3fc));
	tree_end();
}

/* Of what a cut cannot leave nothing is made that mounts. */
static void test_one_that_is_damaged_stays_as_it_is(void)
{
	static const struct {
		size_t at;
		unsigned char value;
	} damage[] = {{0x38, 0}, {0x0, 1}, {0x6, 1}, {0x18, 1}, {0x18, 7}, {0x18, 0}, {0x14, 1}, {0x20, 1},
		{0x4c, 0}, {0x58, 200}, {0x59, 32}, {0x5a, 1}, {0x65, 0}, {0x175, 0}, {0x150, 1}};
	unsigned char whole[PV_SUPERBLOCK_BYTES], bytes[PV_SUPERBLOCK_BYTES], torn[PV_SUPERBLOCK_BYTES];

	tree_begin();
	make(whole);
	for (size_t i = 0; i < PV_COUNT(damage); i++) {
		memcpy(torn, whole, sizeof(torn));
		torn[damage[i].at] = damage[i].value;
		if (repairs(torn, bytes))
			fprintf(stderr, "damage %zu\n", i);
		CHECK(!repairs(torn, bytes) && !memcmp(bytes, torn, sizeof(bytes)));
	}
	memcpy(torn, whole, sizeof(torn));
	torn[0x30] ^= 1;
	CHECK(!pv_superblock_repair(torn, sizeof(torn) - 1, DEVICE_BYTES));
	/* The device is smaller. */
	CHECK(!pv_superblock_repair(torn, sizeof(torn), DEVICE_BYTES - 4096));
	tree_end();
}

int main(void)
{
	unsigned char bytes[PV_SUPERBLOCK_BYTES] = {0};
	struct pv_superblock superblock;

	CHECK(!pv_superblock_parse(&superblock, bytes, sizeof(bytes)));
	bytes[0x38] = 0x53;
	bytes[0x39] = 0xef;
	for (unsigned char i = 0; i < 16; i++)
		bytes[0x68 + i] = i;
	memcpy(bytes + 0x78, "sixteen-letters!trailing", 24);
	CHECK(pv_superblock_parse(&superblock, bytes, sizeof(bytes)));
	CHECK_TEXT(superblock.label, "sixteen-letters!");
	CHECK_TEXT(superblock.uuid, "00010203-0405-0607-0809-0a0b0c0d0e0f");
	CHECK(!superblock.has_journal);
	bytes[0x5c] = 0x3c;
	CHECK(pv_superblock_parse(&superblock, bytes, sizeof(bytes)) && superblock.has_journal);
	CHECK(!pv_superblock_parse(&superblock, bytes, sizeof(bytes) - 1));
	test_one_that_is_torn_is_repaired();
	test_one_that_is_damaged_stays_as_it_is();
	return check_done();
}
