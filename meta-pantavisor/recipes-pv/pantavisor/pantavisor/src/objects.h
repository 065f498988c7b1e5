/* SPDX-License-Identifier: MIT */
/*
 * The checkout of a revision against its state: every object's path is a hard link to objects/<id>, every
 * object has the sha256 that names it, every inline file has the very text of the state. A missing path is
 * made again where `cure` allows it; a damaged one is never touched.
 */
#ifndef PV_OBJECTS_H
#define PV_OBJECTS_H

#include <stdbool.h>

#include "state.h"

struct pv_checkout {
	const char *storage;
	const char *trail; /* <storage>/trails/<revision> */
	bool cure;
	bool checksum;
};

/* `objects` counts different ones. */
int pv_objects_check(const struct pv_checkout *checkout, const struct pv_state *state, size_t *objects,
	struct pv_err *err);

#endif
