/* SPDX-License-Identifier: MIT */
/*
 * Whether the signatures together cover a state. What one only excludes counts as covered where the device
 * does not read it: the notes of the build tools (src.json, build.json of a part), and a FIT image, which
 * its boot loader verifies. lib/pantavisor/pvs/coverage.py is the same.
 */
#ifndef PV_COVERAGE_H
#define PV_COVERAGE_H

#include "json.h"

/* Need a path be signed, or only excluded? */
bool pv_coverage_is_free(const struct pv_json *state, const char *path);
/* `covered`: by member of the state. */
int pv_coverage_check(const struct pv_json *state, const bool *covered, struct pv_err *err);

#endif
