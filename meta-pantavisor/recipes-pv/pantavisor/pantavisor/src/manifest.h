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

#endif
