/* SPDX-License-Identifier: MIT */
/*
 * An export, read once from front to back: a tar, or gzip of one. Its first file is "json", all others are
 * "objects/<sha256>". What harmless tools add is passed over; anything else is an error.
 */
#ifndef PV_SDK_ARCHIVE_H
#define PV_SDK_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "err.h"

#define ARCHIVE_NAME_BYTES 100

struct archive {
	gzFile stream;
	char name[ARCHIVE_NAME_BYTES + 1]; /* of the file that is next to be read */
	uint64_t size, left;
	unsigned int padding, entries;
};

/* `fd` belongs to it from now on. */
int archive_open(struct archive *archive, int fd, struct pv_err *err);
void archive_close(struct archive *archive);
/* Goes to the next file, over what is left of the last one: 1; 0 at the end, negative for what is not an
 * export. */
int archive_next(struct archive *archive, struct pv_err *err);
/* Bytes of the file, as many as there are up to `length`. */
int archive_read(struct archive *archive, void *bytes, size_t length, struct pv_err *err);
int archive_skip(struct archive *archive, uint64_t length, struct pv_err *err);

#endif
