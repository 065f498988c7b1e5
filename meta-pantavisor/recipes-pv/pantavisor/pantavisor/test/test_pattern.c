/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include "alloc.h"
#include "check.h"
#include "text.h"

static bool matches(const char *pattern, const char *path)
{
	struct pv_err err;

	return pv_pattern_check(pattern, &err) == 0 && pv_pattern_match(pattern, path);
}

/* Within our subset both published readers must say what we say; outside of it we refuse. */
static void test_subset_agrees_with_both_published_readers(void)
{
	size_t length;
	cleanup_free char *text = vector("globs.txt", &length);
	char *rest = text, *line;
	int seen = 0;

	while ((line = strsep(&rest, "\n"))) {
		char pattern[64], path[64], host[8], device[8];
		struct pv_err err;

		if (sscanf(line, "%63s %63s %7s <nil> %7s", pattern, path, host, device) != 4)
			continue;
		seen++;
		/* "a/" is not a path of a state; "a" itself is not below "a". */
		if (pv_pattern_check(pattern, &err) < 0 || pv_ends_with(path, "/") ||
			!strcmp(pattern, "a/**"))
			continue;
		CHECK(!strcmp(host, device));
		CHECK(pv_pattern_match(pattern, path) == !strcmp(device, "true"));
	}
	CHECK(seen > 20);
}

/* A hostile pattern asks for the most work that there is; it must stay below what was reckoned with. */
static void count(const char *pattern, const char *path)
{
	size_t steps = 0;
	struct pv_err err;

	if (pv_pattern_check(pattern, &err) < 0)
		return;
	pv_pattern_match_counted(pattern, path, &steps);
	if (pv_pattern_cost(pattern) > 1)
		CHECK(steps <= pv_pattern_cost(pattern) * (strlen(path) + 1));
	else
		CHECK(steps <= strlen(path) + strlen(pattern));
}

static void test_work_is_bounded(void)
{
	char pattern[PV_PATTERN_BYTES + 1] = "*", path[1025];
	unsigned int seed = 1;

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	memset(pattern + 1, 'a', sizeof(pattern) - 2);
	pattern[sizeof(pattern) - 2] = 'b';
	count(pattern, path);
	for (int round = 0; round < 20000; round++) {
		size_t length = 1 + (seed >> 8) % 40, end = 1 + (seed >> 16) % 200;

		for (size_t i = 0; i < length; i++)
			pattern[i] = "aaab*?/."[(seed = seed * 1103515245 + 12345) >> 16 & 7];
		pattern[length] = '\0';
		for (size_t i = 0; i < end; i++)
			path[i] = "aaaaaab/"[(seed = seed * 1103515245 + 12345) >> 16 & 7];
		path[end] = '\0';
		count(pattern, path);
	}
}

static void test_ambiguous_readings(void)
{
	CHECK(pv_pattern_is_ambiguous("a/b/**", "a/b") && !pv_pattern_is_ambiguous("a/b/**", "a/b/c"));
	CHECK(!pv_pattern_is_ambiguous("a/b/**", "a") && !pv_pattern_is_ambiguous("a", "a"));
	CHECK(pv_pattern_is_ambiguous("a?", "\xc3\xa9") && !pv_pattern_is_ambiguous("a?", "bc"));
	CHECK(!pv_pattern_is_ambiguous("a*", "\xc3\xa9"));
}

int main(void)
{
	struct pv_err err;
	char longest[PV_PATTERN_BYTES + 2];

	test_subset_agrees_with_both_published_readers();
	test_work_is_bounded();
	test_ambiguous_readings();
	CHECK(matches("a/**", "a/b") && matches("a/**", "a/b/c"));
	CHECK(!matches("a/**", "a") && !matches("a/**", "a/") && !matches("a/**", "ab/c"));
	CHECK(!matches("a*/**", "abc/d") && !matches("?/**", "x/y") && !matches("*/**", "x/y"));
	CHECK(matches("*", "x") && !matches("*", "x/y") && matches("*/*", "x/y"));
	CHECK(!matches("include", "include") && !matches("alg", "alg") && !matches("a\nb", "a\nb"));
	CHECK(matches("a?c", "abc") && !matches("a?c", "a/c"));
	CHECK(matches("a*b*c", "aXbYbZc") && !matches("a*b*c", "aXbYb"));
	CHECK(matches("#spec", "#spec") && !matches("#spec", "#spec2"));
	CHECK(!matches("**", "x") && !matches("a/**/c", "a/b/c") && !matches("[a]", "a") &&
		!matches("{a,b}", "a"));
	CHECK(!matches("a\\b", "a\\b") && !matches("", "") && !matches("/**", "/a"));
	memset(longest, 'a', sizeof(longest));
	longest[PV_PATTERN_BYTES] = '\0';
	CHECK(pv_pattern_check(longest, &err) == 0);
	longest[PV_PATTERN_BYTES] = 'a';
	longest[PV_PATTERN_BYTES + 1] = '\0';
	CHECK(pv_pattern_check(longest, &err) < 0);
	return check_done();
}
