/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include <string.h>

#include "alloc.h"
#include "text.h"

#define BELOW "/**"

static bool is_below(const char *pattern)
{
	return pv_ends_with(pattern, BELOW);
}

static bool is_header_word(const char *pattern)
{
	static const char *const words[] = {"typ", "pvs", "alg", "x5c", "include", "exclude"};

	for (size_t i = 0; i < PV_COUNT(words); i++)
		if (!strcmp(pattern, words[i]))
			return true;
	return false;
}

int pv_pattern_check(const char *pattern, struct pv_err *err)
{
	size_t length = strlen(pattern), body = is_below(pattern) ? length - strlen(BELOW) : length;

	if (!body || length > PV_PATTERN_BYTES)
		return pv_err_set(err, "the pattern \"%.40s\" is empty or longer than %d bytes", pattern,
			PV_PATTERN_BYTES);
	for (size_t i = 0; i < body; i++)
		if (strchr("[]{}\\", pattern[i]) || (unsigned char)pattern[i] < ' ' ||
			(body < length && strchr("*?", pattern[i])) ||
			(pattern[i] == '*' && pattern[i + 1] == '*'))
			return pv_err_set(err,
				"the pattern \"%.80s\" is not in the subset that all readers share",
				pattern);
	if (is_header_word(pattern))
		return pv_err_set(err, "the pattern \"%s\" is a word of a signature's header", pattern);
	return 0;
}

/* `*` and `?` stay inside a segment. On a mismatch the last star takes one character more, and only what
 * follows that star is compared again: at most pv_pattern_cost() comparisons for each character of the
 * path.
 */
static bool match_segments(const char *pattern, const char *path, size_t *steps)
{
	const char *star = NULL, *retry = NULL;

	for (;; ++*steps) {
		if (!*pattern && !*path)
			return true;
		if (*pattern == '*') {
			star = ++pattern;
			retry = path;
		} else if (*path && (*pattern == *path || (*pattern == '?' && *path != '/'))) {
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

static bool match_below(const char *folder, size_t length, const char *path, size_t *steps)
{
	*steps += length;
	return !strncmp(path, folder, length) && path[length];
}

bool pv_pattern_match_counted(const char *pattern, const char *path, size_t *steps)
{
	/* "dir/" of "dir/" and two stars. */
	if (is_below(pattern))
		return match_below(pattern, strlen(pattern) - 2, path, steps);
	return match_segments(pattern, path, steps);
}

bool pv_pattern_match(const char *pattern, const char *path)
{
	size_t steps = 0;

	return pv_pattern_match_counted(pattern, path, &steps);
}

size_t pv_pattern_cost(const char *pattern)
{
	return is_below(pattern) || !strchr(pattern, '*') ? 1 : strlen(pattern) + 1;
}

static bool is_ascii(const char *text)
{
	while (*text && !(*text & 0x80))
		text++;
	return !*text;
}

bool pv_pattern_is_ambiguous(const char *pattern, const char *path)
{
	size_t length = strlen(path);

	if (is_below(pattern))
		return !strncmp(pattern, path, length) && !strcmp(pattern + length, BELOW);
	return strchr(pattern, '?') && !is_ascii(path);
}
