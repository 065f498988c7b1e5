/* SPDX-License-Identifier: MIT */
/*
 * replay READER CORPUS RUNS [SEED [FILE]]: every file of the corpus, then RUNS mutations of them, or as
 * many as can be had in a time, such as 60s. The same seed makes the same inputs; with FILE each is written
 * there first, so that the one that failed is left.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "file.h"
#include "readers.h"
#include "text.h"

#define FILES 4096
#define BYTES (64 * 1024)
#define CHANGES 4

struct input {
	char *bytes;
	size_t length;
};

static struct input corpus[FILES];
static size_t count;
static uint64_t state_of_chance;

static size_t chance(size_t below)
{
	state_of_chance ^= state_of_chance << 13;
	state_of_chance ^= state_of_chance >> 7;
	state_of_chance ^= state_of_chance << 17;
	return below ? (size_t)(state_of_chance >> 11) % below : 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void load(const char *folder)
{
	struct dirent **names;
	int found = scandir(folder, &names, NULL, by_name);
	struct pv_err err;

	if (found < 0) {
		perror(folder);
		exit(1);
	}
	for (int i = 0; i < found && count < FILES; i++) {
		cleanup_free char *path = pv_fmt("%s/%s", folder, names[i]->d_name);

		if (*names[i]->d_name != '.' &&
			pv_read_file(path, BYTES, &corpus[count].bytes, &corpus[count].length, &err) == 0)
			count++;
		free(names[i]);
	}
	free(names);
}

/* A piece of another input, or of this one, in the place of some bytes. */
static void exchange(char *bytes, size_t *length)
{
	const struct input *other = &corpus[chance(count)];
	size_t from = chance(other->length), piece = chance(1 + (other->length - from) % 64);
	size_t at = chance(*length + 1), gone = chance(1 + (*length - at) % 64);

	if (*length - gone + piece > BYTES)
		return;
	memmove(bytes + at + piece, bytes + at + gone, *length - at - gone);
	memcpy(bytes + at, other->bytes + from, piece);
	*length += piece - gone;
}

static void change(char *bytes, size_t *length)
{
	static const char marks[] = "\0\n\r \t\"\\{}[]:,=%/.-0\x7f\x80\xff";

	switch (chance(4)) {
	case 0:
		if (*length)
			bytes[chance(*length)] ^= (char)(1 << chance(8));
		break;
	case 1:
		if (*length)
			bytes[chance(*length)] = marks[chance(sizeof(marks) - 1)];
		break;
	case 2:
		*length = chance(8) ? *length : chance(*length + 1);
		break;
	default:
		exchange(bytes, length);
	}
}

/* Written before it is run: a sanitizer ends the program. */
static void keep(const char *path, const char *bytes, size_t length)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || pv_write_all(fd, bytes, length) < 0)
		perror(path);
}

static void mutate(const struct reader *reader, const char *runs, const char *path)
{
	static char bytes[BYTES + 1];
	char *end;
	long limit = strtol(runs, &end, 10), done = 0;
	int64_t until = *end == 's' ? pv_now_ms() + 1000 * limit : 0;

	for (; until ? pv_now_ms() < until : done < limit; done++) {
		const struct input *from = &corpus[chance(count)];
		size_t length = from->length;

		memcpy(bytes, from->bytes, length);
		for (size_t changes = 1 + chance(CHANGES); changes; changes--)
			change(bytes, &length);
		if (path)
			keep(path, bytes, length);
		reader_run(reader, (const uint8_t *)bytes, length);
	}
	printf("%ld inputs\n", done);
}

int main(int argc, char **argv)
{
	const struct reader *reader = reader_find(argc > 3 ? argv[1] : NULL);

	if (!reader) {
		fprintf(stderr, "usage: replay READER CORPUS RUNS [SEED [FILE]]\n");
		return 2;
	}
	load(argv[2]);
	if (!count) {
		fprintf(stderr, "%s has no input\n", argv[2]);
		return 1;
	}
	for (size_t i = 0; i < count; i++)
		reader_run(reader, (const uint8_t *)corpus[i].bytes, corpus[i].length);
	state_of_chance = (argc > 4 ? strtoull(argv[4], NULL, 10) : 1) * 0x9e3779b97f4a7c15u + 1;
	printf("%s, seed %s: ", reader->name, argc > 4 ? argv[4] : "1");
	fflush(stdout);
	mutate(reader, argv[3], argc > 5 ? argv[5] : NULL);
	for (size_t i = 0; i < count; i++)
		free(corpus[i].bytes);
	return 0;
}
