/* SPDX-License-Identifier: MIT */
/* The boot loader's choice by the rules of grub.cfg, written once more and without the runtime's own code.
 */
#ifndef PV_TEST_LOADER_H
#define PV_TEST_LOADER_H

#include "disk.h"

#define LOADER_BYTES 128

struct loader_choice {
	char revision[LOADER_BYTES];
	char generation[LOADER_BYTES];
	char trying[LOADER_BYTES]; /* whose try was spent before */
	bool is_try;
};

/* `names` is what it sees of folders, `disk` has the files' bytes. False: nothing can be booted. */
bool loader_choose(const struct disk *names, const struct disk *disk, struct loader_choice *choice);
/* What it writes before it boots that. */
void loader_note(const struct loader_choice *choice, char block[1024]);

#endif
