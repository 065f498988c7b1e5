/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include "check.h"

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
		/* "a/" is no path of a state; "a" itself is not below "a". */
		if (pv_pattern_check(pattern, &err) < 0 || pv_ends_with(path, "/") ||
			!strcmp(pattern, "a/**"))
			continue;
		CHECK(!strcmp(host, device));
		CHECK(pv_pattern_match(pattern, path) == !strcmp(device, "true"));
	}
	CHECK(seen > 20);
}

int main(void)
{
	struct pv_err err;
	char longest[PV_PATTERN_BYTES + 2];

	test_subset_agrees_with_both_published_readers();
	CHECK(matches("a/**", "a/b") && matches("a/**", "a/b/c"));
	CHECK(!matches("a/**", "a") && !matches("a/**", "a/") && !matches("a/**", "ab/c"));
	CHECK(matches("a*/**", "abc/d") && !matches("a*/**", "abc"));
	CHECK(matches("*", "x") && !matches("*", "x/y") && matches("*/**", "x/y"));
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
