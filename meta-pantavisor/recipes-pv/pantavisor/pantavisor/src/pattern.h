/* SPDX-License-Identifier: MIT */
/*
 * Patterns that say what a signature covers, in the subset that every implementation reads alike: an exact
 * path; `dir/` followed by two stars, for all below dir; and `*` and `?` inside one segment. Two stars
 * elsewhere, brackets, braces and backslashes mean different things to different readers and are refused.
 */
#ifndef PV_PATTERN_H
#define PV_PATTERN_H

#include <stdbool.h>

#include "err.h"

#define PV_PATTERN_BYTES 512

int pv_pattern_check(const char *pattern, struct pv_err *err);
/* The pattern must have passed pv_pattern_check. */
bool pv_pattern_match(const char *pattern, const char *path);

#endif
