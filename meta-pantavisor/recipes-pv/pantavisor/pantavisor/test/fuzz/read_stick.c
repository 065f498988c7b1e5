/* SPDX-License-Identifier: MIT */
/* What pv-usb reads of a stick: an export, whose archive is anyone's. */
#include "readers.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../pv-sdk/archive.h"

#define BLOCK 512
#define MAGIC_AT 257
#define SUM_AT 148
#define SUM_BYTES 8

static void read_file(struct archive *archive, struct pv_err *err)
{
	char bytes[BLOCK];
	uint64_t size = archive->left;

	fuzz_require(strlen(archive->name) <= ARCHIVE_NAME_BYTES, "a name ends");
	if (archive_skip(archive, size / 2, err) < 0)
		return;
	while (archive->left > sizeof(bytes))
		if (archive_read(archive, bytes, sizeof(bytes), err) < 0)
			return;
	fuzz_require(
		archive_skip(archive, archive->left + 1, err) < 0, "a file ends where its header says");
}

static void read_archive(const char *bytes, size_t length)
{
	int file = memfd_create("stick", MFD_CLOEXEC);
	struct archive archive;
	struct pv_err err;

	fuzz_require(file >= 0 && write(file, bytes, length) == (ssize_t)length, "there is a file");
	lseek(file, 0, SEEK_SET);
	if (archive_open(&archive, file, &err) < 0)
		return;
	while (archive_next(&archive, &err) > 0)
		read_file(&archive, &err);
	archive_close(&archive);
}

/* Hardly any mutation has a right sum by chance. */
static void correct_sum(char *header)
{
	unsigned int sum = 0;

	memset(header + SUM_AT, ' ', SUM_BYTES);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	snprintf(header + SUM_AT, SUM_BYTES, "%06o", sum);
}

void read_stick(const char *bytes, size_t length)
{
	static char corrected[FUZZ_LONGEST];

	read_archive(bytes, length);
	memcpy(corrected, bytes, length);
	for (size_t at = 0; at + BLOCK <= length; at += BLOCK)
		if (!memcmp(corrected + at + MAGIC_AT, "ustar", 5))
			correct_sum(corrected + at);
	read_archive(corrected, length);
}
