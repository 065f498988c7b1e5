/* SPDX-License-Identifier: MIT */
#include "cmdline.h"

#include "alloc.h"
#include "check.h"

static void check_word(const char *cmdline, const char *wanted)
{
	cleanup_free char *value = pv_cmdline_get(cmdline, "pv_try");

	CHECK_TEXT(value ? value : "(absent)", wanted);
}

int main(void)
{
	check_word("x pv_tryx=1 pv_try=locals/a\n", "locals/a");
	check_word("pv_trying=1", "(absent)");
	check_word("pv_try", "(absent)");
	check_word("pv_try=", "");
	/* The boot loader's own word comes first. */
	check_word("pv_try=1 quiet pv_try=2", "1");
	/* What a boot environment may hold: blanks in quotes, quotes in quotes, an open one. */
	check_word("\"pv_try=x y\" z", "(absent)");
	check_word("\"x pv_try=1 y\"", "(absent)");
	check_word("a=\"x pv_try=1 y\" pv_try=2", "2");
	check_word("a=\"x\\\" pv_try=1 \\\"y\"", "1");
	check_word("a=\"x pv_try=1", "(absent)");
	check_word("pv_try=\"1\" pv_try=2", "2");
	/* Behind the dashes are arguments of PID 1. */
	check_word("a -- pv_try=1", "(absent)");
	check_word("a \"--\" pv_try=1", "(absent)");
	check_word("a --x pv_try=1", "1");
	/* Blanks of every kind, single quotes, which the kernel does not know. */
	check_word("a\tb\n\vpv_try=1\f", "1");
	check_word("a\xa0pv_try=1\xa0y", "1");
	check_word("'a pv_try=1 b'", "1");
	check_word("", "(absent)");
	check_word("   ", "(absent)");
	check_word("\"", "(absent)");
	return check_done();
}
