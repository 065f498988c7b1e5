/* SPDX-License-Identifier: MIT */
/*
 * Removes the revisions that nothing needs, with their logs and volumes, then the objects that no revision
 * has. A revision loses its name before any of it goes; what a cut leaves is removed at boot.
 */
#ifndef PV_COLLECT_H
#define PV_COLLECT_H

#include <stdint.h>

#include "bootenv.h"
#include "state.h"

struct pv_keep {
	const char *const *revisions; /* running, being installed, 0 where that is configured */
	size_t count;
	const struct pv_state *incoming; /* its objects stay; may be NULL */
	bool uploads;			 /* objects that no revision has, and parts, stay */
};

struct pv_collected {
	size_t revisions, objects;
	uint64_t bytes;
};

/* What either copy of the boot environment names, and what GRUB booted last, stays in any case. Its caller
 * has the lock of the trails since before it knew what to keep. */
int pv_collect(struct pv_storage at, enum pv_bootenv_kind kind, const struct pv_keep *keep,
	struct pv_collected *collected, struct pv_err *err);
/* What a revision left outside of its own folder: logs, and volumes of its persistence. */
int pv_collect_traces(struct pv_storage at, const char *revision, struct pv_err *err);
/* The rest of a revision that lost its name. */
int pv_collect_dead(struct pv_storage at, const char *revision, struct pv_err *err);

#endif
