/* SPDX-License-Identifier: MIT */
#include "partition.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define UNIT 512 /* bytes that the kernel counts in, whatever the sectors are */
#define MAX_SECTOR 4096

/* The first sector, as every BIOS has read it. */
#define MBR_SIGNATURE_AT 440
#define MBR_ENTRIES_AT 446
#define MBR_ENTRY_BYTES 16
#define MBR_ENTRIES 4
#define MBR_TYPE_AT 4
#define MBR_START_AT 8
#define MBR_TYPE_GPT 0xee

/* UEFI specification 2.10, 5.3.2 and 5.3.3. */
#define GPT_BYTES 92
#define GPT_TABLE_AT 72
#define GPT_COUNT_AT 80
#define GPT_ENTRY_BYTES_AT 84
#define ENTRY_BYTES 128
#define MAX_ENTRY_BYTES 4096
#define ENTRY_GUID_AT 16
#define ENTRY_START_AT 32

static uint64_t little(const unsigned char *bytes, int count)
{
	uint64_t number = 0;

	while (count--)
		number = number << 8 | bytes[count];
	return number;
}

static bool read_at(int disk, unsigned char *bytes, size_t size, uint64_t at)
{
	return at < INT64_MAX && pread(disk, bytes, size, (off_t)at) == (ssize_t)size;
}

/* The first three fields of a GUID are numbers in little-endian form. */
static void write_guid(const unsigned char *guid, char *text)
{
	static const int order[] = {3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15};

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		text += sprintf(text, order[i] < 0 ? "-" : "%02x", order[i] < 0 ? 0 : guid[order[i]]);
}

static bool gpt_uuid(const struct pv_partition *p, char *uuid)
{
	unsigned char header[GPT_BYTES], entry[ENTRY_BYTES];
	uint64_t table, count, size;

	if (!read_at(p->disk, header, sizeof(header), p->sector) || memcmp(header, "EFI PART", 8))
		return false;
	table = little(header + GPT_TABLE_AT, 8);
	count = little(header + GPT_COUNT_AT, 4);
	size = little(header + GPT_ENTRY_BYTES_AT, 4);
	if (p->number > count || size < ENTRY_BYTES || size > MAX_ENTRY_BYTES ||
		table > INT64_MAX / MAX_SECTOR / 2)
		return false;
	if (!read_at(p->disk, entry, sizeof(entry), table * p->sector + (p->number - 1) * size) ||
		little(entry + ENTRY_START_AT, 8) != p->start / (p->sector / UNIT))
		return false;
	write_guid(entry + ENTRY_GUID_AT, uuid);
	return true;
}

static bool dos_uuid(const struct pv_partition *p, const unsigned char *mbr, char *uuid)
{
	const unsigned char *entry = mbr + MBR_ENTRIES_AT + (p->number - 1) * MBR_ENTRY_BYTES;

	/* Where logical partitions lie is written elsewhere. */
	if (p->number <= MBR_ENTRIES && little(entry + MBR_START_AT, 4) != p->start / (p->sector / UNIT))
		return false;
	snprintf(uuid, PV_PARTITION_UUID_BYTES, "%08x-%02x", (unsigned)little(mbr + MBR_SIGNATURE_AT, 4),
		p->number & 0xff);
	return true;
}

bool pv_partition_uuid(const struct pv_partition *p, char uuid[PV_PARTITION_UUID_BYTES])
{
	unsigned char mbr[UNIT];

	if (!p->number || p->sector < UNIT || p->sector > MAX_SECTOR ||
		!read_at(p->disk, mbr, sizeof(mbr), 0) || mbr[UNIT - 2] != 0x55 || mbr[UNIT - 1] != 0xaa)
		return false;
	for (int i = 0; i < MBR_ENTRIES; i++)
		if (mbr[MBR_ENTRIES_AT + i * MBR_ENTRY_BYTES + MBR_TYPE_AT] == MBR_TYPE_GPT)
			return gpt_uuid(p, uuid);
	return dos_uuid(p, mbr, uuid);
}
