/* SPDX-License-Identifier: MIT */
/*
 * The checkout of a revision against its state: every object's path is a hard link to objects/<id>, every
 * object has the sha256 that names it, every inline file has the very text of the state. A missing path is
 * made again where `repair` allows it; a damaged one is never touched. What is used afterwards comes from
 * the descriptors that were hashed, or is hashed as it is read: never from a path that was looked at
 * before.
 */
#ifndef PV_OBJECTS_H
#define PV_OBJECTS_H

#include <stdbool.h>

#include "fsops.h"
#include "sha256.h"
#include "state.h"

/* The objects of volumes and of the bsp, the large ones, open and verified, in the order of their ids. */
struct pv_held {
	struct pv_held_object {
		char id[PV_SHA256_HEX + 1];
		int fd;
	} * objects;
	size_t count;
};

struct pv_checkout {
	int storage;
	int trail;		       /* trails/<revision> of it */
	const struct pv_fsops *repair; /* what is missing is made again by it; NULL: nothing is */
	bool checksum;
	const struct pv_held *known; /* verified before, and open since: not read again; may be NULL */
};

/* `objects` counts different ones; `held` may be NULL. After an error it is empty. */
int pv_objects_check(const struct pv_checkout *checkout, const struct pv_state *state, struct pv_held *held,
	size_t *objects, struct pv_err *err);
/* An error where an object of the state is missing, or is not a file; its content is not looked at. */
int pv_objects_find_all(int storage, const struct pv_state *state, struct pv_err *err);
/* The descriptor of a volume's object, which stays that of `held`. */
int pv_held_find(
	const struct pv_held *held, const struct pv_state *state, const char *path, struct pv_err *err);
void pv_held_close(struct pv_held *held);

/* The text that the state has at `path`: its own, or that of the object, verified as it is read. */
int pv_objects_read(int storage, const struct pv_state *state, const char *path, size_t limit, char **text,
	size_t *length, struct pv_err *err);
/* The same into an open file. */
int pv_objects_copy(int storage, const struct pv_state *state, const struct pv_entry *entry, int to,
	struct pv_err *err);

#endif
