/* SPDX-License-Identifier: MIT */
#include "superblock.h"

#include "check.h"

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
	return check_done();
}
