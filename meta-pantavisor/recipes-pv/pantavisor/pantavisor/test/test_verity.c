/* SPDX-License-Identifier: MIT */
#include "verity.h"

#include "alloc.h"
#include "check.h"

#define ROOT "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct pv_err err;
static char table[PV_VERITY_TABLE_BYTES];
static uint64_t sectors;

/* As veritysetup format writes it for 3 blocks, with a salt of two bytes. */
static void fill(unsigned char superblock[PV_VERITY_SUPERBLOCK_BYTES])
{
	memset(superblock, 0, PV_VERITY_SUPERBLOCK_BYTES);
	memcpy(superblock, "verity", 6);
	superblock[8] = superblock[12] = 1;
	memcpy(superblock + 32, "sha256", 6);
	superblock[65] = superblock[69] = 0x10;
	superblock[72] = 3;
	superblock[80] = 2;
	superblock[88] = 0xab;
	superblock[89] = 0x01;
}

static void test_table(void)
{
	struct pv_verity verity = {.root_hash = ROOT};
	unsigned char superblock[PV_VERITY_SUPERBLOCK_BYTES];

	fill(superblock);
	CHECK(pv_verity_table(&verity, superblock, "/dev/loop0", "/dev/loop1", table, &sectors, &err) == 0);
	CHECK_TEXT(table, "1 /dev/loop0 /dev/loop1 4096 4096 3 1 sha256 " ROOT " ab01");
	CHECK(sectors == 24);
	verity.salt = "ab01";
	CHECK(pv_verity_table(&verity, superblock, "a", "b", table, &sectors, &err) == 0);
	verity.salt = "ab02";
	CHECK(pv_verity_table(&verity, superblock, "a", "b", table, &sectors, &err) < 0);
	CHECK_HAS(err.text, "salt");
	verity.salt = "";
	superblock[80] = 0;
	CHECK(pv_verity_table(&verity, superblock, "a", "b", table, &sectors, &err) == 0);
	CHECK_HAS(table, " " ROOT " -");
}

static void test_superblocks_of_another_kind_are_refused(void)
{
	/* Where, and what. */
	static const struct {
		int at;
		unsigned char value;
	} changes[] = {{0, 'V'}, {6, 1}, {8, 2}, {12, 2}, {32, 'm'}, {38, 'x'}, {64, 1}, {65, 0},
		{69, 0x20}, {66, 1}, {72, 0}, {79, 1}, {81, 2}};
	struct pv_verity verity = {.root_hash = ROOT};
	unsigned char superblock[PV_VERITY_SUPERBLOCK_BYTES] = {0};

	CHECK(pv_verity_table(&verity, superblock, "a", "b", table, &sectors, &err) < 0);
	for (size_t i = 0; i < PV_COUNT(changes); i++) {
		fill(superblock);
		superblock[changes[i].at] = changes[i].value;
		CHECK(pv_verity_table(&verity, superblock, "a", "b", table, &sectors, &err) < 0);
	}
}

int main(void)
{
	test_table();
	test_superblocks_of_another_kind_are_refused();
	return check_done();
}
