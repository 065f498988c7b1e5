/* SPDX-License-Identifier: MIT */
/*
 * Whether a device comes back from a state that a power cut left: the boot loader finds a revision that it
 * may choose, with or without the journal; nothing under its name is half; and once the boot has removed
 * what was left, that revision verifies by the verifier that boots, and no more is left.
 */
#ifndef PV_TEST_ORACLE_H
#define PV_TEST_ORACLE_H

#include "../firmware.h"
#include "cuts.h"

#define ORACLE_REVISIONS 8
#define ORACLE_VERIFIED 4096
#define ORACLE_VOLUME "disks/perm/web/data"

struct oracle {
	const char *revisions[ORACLE_REVISIONS]; /* what the story may make, and of what */
	const struct firmware *firmware[ORACLE_REVISIONS];
	size_t count;
	int scratch; /* a folder for states */
	size_t judged, second;
	size_t every; /* of so many states the cuts during the boot are looked at, too */
	uint64_t verified[ORACLE_VERIFIED]; /* revisions with their objects, as they were in other states */
	size_t verified_count;
	int root;
	const struct disk *disk; /* of the state that is judged */
	char why[1024];
};

/* For cuts_of(); `context` is the oracle. */
bool oracle_judge(void *context, const struct cut *cut);

#endif
