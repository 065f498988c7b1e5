/* SPDX-License-Identifier: MIT */
#include "partition.h"

#include <unistd.h>

#include "check.h"

#define SECTOR 4096

static int disk;

static void put(const void *bytes, size_t size, off_t at)
{
	CHECK(pwrite(disk, bytes, size, at) == (ssize_t)size);
}

static bool uuid_of(unsigned number, uint64_t start, unsigned sector, char *uuid)
{
	const struct pv_partition partition = {disk, number, start, sector};

	return pv_partition_uuid(&partition, uuid);
}

static void test_gpt(unsigned sector)
{
	static const unsigned char guid[] = {
		0x03, 0x02, 0x01, 0x00, 0x05, 0x04, 0x07, 0x06, 8, 9, 10, 11, 12, 13, 14, 0xff};
	static const char wanted[] = "00010203-0405-0607-0809-0a0b0c0d0eff";
	const off_t entry = 2 * (off_t)sector + 256;
	unsigned char start[8] = {0, 1}, table[8] = {2}, count[4] = {4}, size[4] = {0, 1};
	const uint64_t at = 256 * (sector / 512);
	char uuid[PV_PARTITION_UUID_BYTES];

	CHECK(ftruncate(disk, 0) == 0 && ftruncate(disk, 1024 * 1024) == 0);
	CHECK(!uuid_of(2, at, sector, uuid));
	put("\x55\xaa", 2, 510);
	put("\xee", 1, 446 + 4);
	CHECK(!uuid_of(2, at, sector, uuid));
	put("EFI PART", 8, sector);
	put(table, 8, sector + 72);
	put(count, 4, sector + 80);
	put(size, 4, sector + 84);
	put(guid, 16, entry + 16);
	put(start, 8, entry + 32);
	CHECK(uuid_of(2, at, sector, uuid));
	CHECK_TEXT(uuid, wanted);
	/* Of another place, no such entry, no such number, no such sectors. */
	CHECK(!uuid_of(2, at + sector / 512, sector, uuid));
	CHECK(!uuid_of(0, at, sector, uuid) && !uuid_of(1, at, sector, uuid));
	CHECK(!uuid_of(5, at, sector, uuid));
	CHECK(!uuid_of(2, at, 0, uuid) && !uuid_of(2, at, 1024 * 1024, uuid));
	/* Numbers that lead astray. */
	put("\xff\xff\xff\xff\xff\xff\xff\xff", 8, sector + 72);
	CHECK(!uuid_of(2, at, sector, uuid));
	put("\xff\xff\xff\xff\xff\xff\x07\x00", 8, sector + 72);
	CHECK(!uuid_of(2, at, sector, uuid));
	put(table, 8, sector + 72);
	put("\x01\x00\x00\x00", 4, sector + 84);
	CHECK(!uuid_of(2, at, sector, uuid));
}

static void test_dos(void)
{
	char uuid[PV_PARTITION_UUID_BYTES];

	CHECK(ftruncate(disk, 0) == 0 && ftruncate(disk, 1024 * 1024) == 0);
	put("\x55\xaa", 2, 510);
	put("\x78\x56\x34\x02", 4, 440);
	put("\x00\x08\x00\x00", 4, 446 + 16 + 8);
	CHECK(uuid_of(2, 2048, 512, uuid));
	CHECK_TEXT(uuid, "02345678-02");
	CHECK(!uuid_of(2, 2049, 512, uuid));
	CHECK(uuid_of(10, 4096, 512, uuid));
	CHECK_TEXT(uuid, "02345678-0a");
}

int main(void)
{
	char path[] = "/tmp/pv-test-partition-XXXXXX";

	disk = mkstemp(path);
	CHECK(disk >= 0);
	unlink(path);
	test_gpt(512);
	test_gpt(SECTOR);
	test_dos();
	close(disk);
	return check_done();
}
