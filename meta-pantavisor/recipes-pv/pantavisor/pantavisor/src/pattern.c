/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include <string.h>

#include "util.h"

#define BELOW "/**"

static bool is_below(const char *pattern)
{
	return pv_ends_with(pattern, BELOW);
}

int pv_pattern_check(const char *pattern, struct pv_err *err)
{
	size_t length = strlen(pattern), body = is_below(pattern) ? length - strlen(BELOW) : length;

	if (!body || length > PV_PATTERN_BYTES)
		return pv_err_set(err, "the pattern \"%.40s\" is empty or longer than %d bytes", pattern,
			PV_PATTERN_BYTES);
	for (size_t i = 0; i < body; i++)
		if (strchr("[]{}\\", pattern[i]) ||
			(pattern[i] == '*' && i + 1 < length && pattern[i + 1] == '*'))
			return pv_err_set(err,
				"the pattern \"%.80s\" is not in the subset that all readers share", pattern);
	return 0;
}

/* `*` and `?` stay inside a segment; backtracking only to the last star keeps this linear for each segment.
 */
static bool match_part(const char *pattern, const char *end, const char *path, bool prefix)
{
	const char *star = NULL, *retry = NULL;

	for (;;) {
		if (pattern == end && (*path == '\0' || (prefix && *path == '/')))
			return !prefix || (*path == '/' && path[1]);
		if (pattern < end && *pattern == '*') {
			star = ++pattern;
			retry = path;
		} else if (pattern < end && *path &&
			   (*pattern == *path || (*pattern == '?' && *path != '/'))) {
			if (*path == '/')
				star = NULL;
			pattern++;
			path++;
		} else if (star && *retry && *retry != '/') {
			pattern = star;
			path = ++retry;
		} else {
			return false;
		}
	}
}

bool pv_pattern_match(const char *pattern, const char *path)
{
	size_t length = strlen(pattern);
	bool below = is_below(pattern);

	return match_part(pattern, pattern + length - (below ? strlen(BELOW) : 0), path, below);
}
