/* SPDX-License-Identifier: MIT */
#include "archive.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

#define BLOCK 512
#define PIECE_BYTES 65536
#define ENTRIES 50000
/* Of what is passed over: times and such of tools that write them. */
#define EXTRA_BYTES (1024 * 1024)

/* POSIX.1-1988; only these fields are of use here. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, target[100], magic[6],
		version[2], user[32], group[32], major[8], minor[8], prefix[155], padding[12];
};

int archive_open(struct archive *archive, int fd, struct pv_err *err)
{
	*archive = (struct archive){.stream = gzdopen(fd, "rb")};
	if (archive->stream)
		return 0;
	close(fd);
	return pv_err_set(err, "out of memory");
}

void archive_close(struct archive *archive)
{
	gzclose(archive->stream);
}

static int take(struct archive *archive, void *bytes, size_t length, struct pv_err *err)
{
	int got = gzread(archive->stream, bytes, (unsigned int)length);

	if (got == (int)length)
		return 0;
	return pv_err_set(err, got < 0 ? "it cannot be read, or its packing is damaged" : "it ends early");
}

int archive_read(struct archive *archive, void *bytes, size_t length, struct pv_err *err)
{
	if (length > archive->left)
		return pv_err_set(err, "%s ends early", archive->name);
	if (take(archive, bytes, length, err) < 0)
		return -1;
	archive->left -= length;
	return 0;
}

static int pass(struct archive *archive, uint64_t length, struct pv_err *err)
{
	static char bytes[PIECE_BYTES];

	for (size_t piece; length; length -= piece) {
		piece = length < sizeof(bytes) ? (size_t)length : sizeof(bytes);
		if (take(archive, bytes, piece, err) < 0)
			return -1;
	}
	return 0;
}

int archive_skip(struct archive *archive, uint64_t length, struct pv_err *err)
{
	if (length > archive->left)
		return pv_err_set(err, "%s ends early", archive->name);
	archive->left -= length;
	return pass(archive, length, err);
}

/* Octal digits with blanks or NULs around; none of a negative number or one in another notation. */
static bool read_octal(const char *field, size_t length, uint64_t *number)
{
	size_t at = 0, digits = 0;

	while (at < length && field[at] == ' ')
		at++;
	for (*number = 0; at < length && field[at] >= '0' && field[at] <= '7'; at++, digits++)
		*number = *number << 3 | (uint64_t)(field[at] - '0');
	while (at < length && (field[at] == ' ' || !field[at]))
		at++;
	return digits && at == length;
}

static bool has_sum(const struct header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	size_t first = offsetof(struct header, sum), last = first + sizeof(header->sum);
	uint64_t wanted, sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= first && i < last ? ' ' : bytes[i];
	return read_octal(header->sum, sizeof(header->sum), &wanted) && sum == wanted;
}

static bool is_end(const struct header *header)
{
	static const struct header nothing;

	return !memcmp(header, &nothing, sizeof(nothing));
}

/* 1: a file; 0: to be passed over; negative for anything else. */
static int judge(struct archive *archive, const struct header *header, struct pv_err *err)
{
	const char *name = header->name;
	size_t length = strnlen(name, sizeof(header->name));

	if (memcmp(header->magic, "ustar", 5) != 0 || !has_sum(header) ||
		!read_octal(header->size, sizeof(header->size), &archive->size))
		return pv_err_set(err, "it is not an export: a header is not one of a tar");
	if (header->type == '5' || header->type == 'x' || header->type == 'g')
		return archive->size > EXTRA_BYTES ? pv_err_set(err, "it is not an export") : 0;
	if (header->type != '0' && header->type)
		return pv_err_set(err, "it is not an export: it holds more than plain files");
	if (*header->prefix)
		return pv_err_set(err, "it is not an export: it holds a file in a directory of its own");
	if (length > 2 && !memcmp(name, "./", 2)) {
		name += 2;
		length -= 2;
	}
	memcpy(archive->name, name, length);
	archive->name[length] = '\0';
	return 1;
}

int archive_next(struct archive *archive, struct pv_err *err)
{
	struct header header;
	int kind = 0;

	if (pass(archive, archive->left + archive->padding, err) < 0)
		return -1;
	while (!kind) {
		archive->left = archive->padding = 0;
		if (++archive->entries > ENTRIES)
			return pv_err_set(err, "it holds too many files");
		if (take(archive, &header, sizeof(header), err) < 0)
			return -1;
		if (is_end(&header))
			return 0;
		kind = judge(archive, &header, err);
		archive->padding = (unsigned int)(-archive->size % BLOCK);
		if (!kind && pass(archive, archive->size + archive->padding, err) < 0)
			return -1;
	}
	archive->left = archive->size;
	return kind;
}
