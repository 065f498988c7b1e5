/* SPDX-License-Identifier: MIT */
/*
 * Settings of the first version of cgroups, as published containers have them, in the words of the second,
 * which alone is there: a table of what has a counterpart. What has none is refused by its name, for a
 * limit that is not there is worse than a container that does not start.
 */
#ifndef PV_CGROUP_H
#define PV_CGROUP_H

#include <stdbool.h>
#include <stdio.h>

#include "err.h"

/* What two settings mean together. */
struct pv_cgroup {
	char *quota, *period;		/* cpu.cfs_* */
	char *memory, *memory_and_swap; /* memory.*limit_in_bytes */
};

/* Writes the line, or keeps what waits for another one; `name` is what follows "lxc.cgroup.". */
int pv_cgroup_adapt(
	struct pv_cgroup *cgroup, FILE *to, const char *name, const char *value, struct pv_err *err);
/* What waited; then empty. */
int pv_cgroup_finish(struct pv_cgroup *cgroup, FILE *to, struct pv_err *err);
void pv_cgroup_free(struct pv_cgroup *cgroup);

/* Whether a setting, of either version, takes nothing from anyone but the container: no protected memory,
 * no processor for it alone, no more than its share. manifests/cgroups.py has the same ones. */
bool pv_cgroup_is_limit(const char *name, const char *value);

#endif
