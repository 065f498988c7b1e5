/* SPDX-License-Identifier: MIT */
/*
 * The states that a power cut may leave of recorded calls, by what POSIX promises: what was not made
 * durable is there or not, in any selection; bytes that were not are whole, cut short, zeros or none; and
 * of a file that is written in place each sector is the old one, the new one, or not readable.
 */
#ifndef PV_TEST_CUTS_H
#define PV_TEST_CUTS_H

#include "record.h"

#define CUT_PROMISES 64

struct cut {
	const struct disk *disk; /* once the journal is replayed */
	const struct disk *home; /* names that a boot loader sees at the least, which replays nothing */
	const char *const *expected;
	struct promise promises[CUT_PROMISES];
	size_t promise_count;
	size_t after; /* so many calls */
};

/* Of a state that was not met before; false ends it. */
typedef bool cut_judge(void *context, const struct cut *cut);

struct cuts {
	size_t full;   /* up to so many selections all are taken; */
	int deviating; /* of more, those in which so few calls are missing, or alone are there */
	size_t from;   /* so many calls are known already: cuts before are not looked at */
	size_t room;   /* for different ones; a power of two */
	size_t states; /* different ones so far */
	uint64_t *seen, *judged;
};

void cuts_free(struct cuts *cuts);
/* False if the judge ended it. */
bool cuts_of(struct cuts *cuts, const struct trace *trace, cut_judge *judge, void *context);

#endif
