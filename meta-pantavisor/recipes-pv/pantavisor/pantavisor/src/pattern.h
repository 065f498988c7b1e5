/* SPDX-License-Identifier: MIT */
/*
 * Patterns that select what a signature covers, in the subset that every implementation reads alike: an
 * exact path; `dir/` followed by two stars, for all below dir; and `*` and `?` inside one segment. Two
 * stars elsewhere, wildcards before them, brackets, braces and backslashes mean different things to
 * different readers and are refused, and so are the words of a signature's own header, which published
 * devices look for as text.
 */
#ifndef PV_PATTERN_H
#define PV_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

#define PV_PATTERN_BYTES 512

int pv_pattern_check(const char *pattern, struct pv_err *err);
/* The pattern must have passed pv_pattern_check, as for all that follow. */
bool pv_pattern_match(const char *pattern, const char *path);
/* As pv_pattern_match; adds the characters that were compared to `steps`. */
bool pv_pattern_match_counted(const char *pattern, const char *path, size_t *steps);
/* A match compares at most this often for each byte of the path and its end. */
size_t pv_pattern_cost(const char *pattern);
/* Whether readers disagree on this very path: a folder's pattern against a file of the folder's name, and
 * one character against one of several bytes. */
bool pv_pattern_is_ambiguous(const char *pattern, const char *path);

#endif
