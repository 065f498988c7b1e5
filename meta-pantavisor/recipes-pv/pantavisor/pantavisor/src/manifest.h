/* SPDX-License-Identifier: MIT */
/* Between manifest.c and groups.c only: what both read out of manifests. */
#ifndef PV_MANIFEST_H
#define PV_MANIFEST_H

#include "state.h"

struct pv_manifest {
	struct pv_state *state;
	const struct pv_json *doc;
	int goals_timeout_s;
	const char *release;
	bool own_groups; /* the state lists them */
	struct pv_err *err;
	const char *groups_file; /* where: device.json, in old states groups.json */
};

const char *pv_manifest_text(
	const struct pv_manifest *c, const struct pv_json_node *object, const char *name);
/* Both leave the value alone where there is no text. */
int pv_manifest_restart(const struct pv_manifest *c, const char *text, enum pv_restart *restart);
int pv_manifest_goal(const struct pv_manifest *c, const char *text, enum pv_goal *goal);
/* The groups of device.json, or of groups.json in states that have none yet, or the built-in ones. */
int pv_manifest_groups(struct pv_manifest *c);

#endif
