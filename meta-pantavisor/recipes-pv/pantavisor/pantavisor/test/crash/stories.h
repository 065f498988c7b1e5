/* SPDX-License-Identifier: MIT */
/*
 * What devices live through, told with the functions that they do it with. Between the calls a story says
 * what the boot loader may choose from there on, and what has been promised.
 */
#ifndef PV_TEST_STORIES_H
#define PV_TEST_STORIES_H

#include "actions.h"

/* Ends with the first call that fails, as a device gives up what it was about. */
typedef int story_run(struct device *device);

struct named_story {
	const char *name;
	story_run *run;
	story_run *before; /* changes the device before its story is recorded; may be NULL */
};
extern const struct named_story stories[];
extern const size_t story_count;

/* A storage with revision 0 as a factory writes it, and as the story begins. */
int device_make(const struct named_story *story, struct device *device, int root);
void device_free(struct device *device);
void device_know(const struct device *device, struct oracle *oracle);
/* What any device must be able to do next. */
int device_go_on(struct device *device);

#endif
