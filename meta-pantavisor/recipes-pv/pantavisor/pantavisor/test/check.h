/* SPDX-License-Identifier: MIT */
/* The whole of our test harness: a condition that does not hold says where, and the program goes on to
 * count.
 */
#ifndef PV_TEST_CHECK_H
#define PV_TEST_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "file.h"
#include "text.h"

static int check_failures;

#define CHECK(condition)                                                                         \
	do {                                                                                     \
		if (!(condition)) {                                                              \
			fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, \
				#condition);                                                     \
			check_failures++;                                                        \
		}                                                                                \
	} while (0)

#define CHECK_TEXT(is, wanted)                                                                             \
	do {                                                                                               \
		const char *is_ = (is), *wanted_ = (wanted);                                               \
		if (!is_ || strcmp(is_, wanted_)) {                                                        \
			fprintf(stderr, "%s:%d: %s: \"%s\" is not \"%s\"\n", __FILE__, __LINE__, __func__, \
				is_ ? is_ : "(none)", wanted_);                                            \
			check_failures++;                                                                  \
		}                                                                                          \
	} while (0)

#define CHECK_HAS(is, part)                                                                                \
	do {                                                                                               \
		if (!strstr((is), (part))) {                                                               \
			fprintf(stderr, "%s:%d: %s: \"%s\" has no \"%s\"\n", __FILE__, __LINE__, __func__, \
				(is), (part));                                                             \
			check_failures++;                                                                  \
		}                                                                                          \
	} while (0)

/* A file of test/vectors, NUL behind its end. */
static inline char *vector(const char *name, size_t *length)
{
	cleanup_free char *path = pv_fmt("%s/%s", getenv("PV_VECTORS"), name);
	char *text = NULL;
	struct pv_err err;

	if (pv_read_file(path, 8 * 1024 * 1024, &text, length, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return text;
}

static inline int check_done(void)
{
	return check_failures ? 1 : 0;
}

#endif
