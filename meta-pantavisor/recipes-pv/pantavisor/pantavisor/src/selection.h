/* SPDX-License-Identifier: MIT */
/* Which paths a signature means: every pattern that includes adds, then every pattern that excludes
 * removes.
 */
#ifndef PV_SELECTION_H
#define PV_SELECTION_H

#include "json.h"

#define PV_SELECTION_PATTERNS 256 /* include and exclude together */

struct pv_selection {
	const char *patterns[PV_SELECTION_PATTERNS]; /* first those that include */
	size_t includes, count;
	size_t cost; /* of holding them against one byte of a path */
};

enum pv_sight { PV_UNSEEN, PV_EXCLUDED, PV_SIGNED };

/* From a signature's header; the texts stay there. */
int pv_selection_read(struct pv_selection *selection, const struct pv_json *header, struct pv_err *err);
/* What it means for one path; an error where readers would disagree. */
int pv_selection_see(
	const struct pv_selection *selection, const char *path, enum pv_sight *sight, struct pv_err *err);

#endif
