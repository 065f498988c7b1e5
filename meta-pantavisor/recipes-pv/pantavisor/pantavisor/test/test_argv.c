/* SPDX-License-Identifier: MIT */
#include "argv.h"
#include "check.h"

static void a_quoted_word_keeps_its_blanks(void)
{
	struct pv_err err;
	char **words = NULL;

	CHECK(!pv_argv_split("/usr/sbin/nginx  \"-g\" \"daemon off;\" 'a\"b' x\"y z\"", &words, &err));
	CHECK_TEXT(words[0], "/usr/sbin/nginx");
	CHECK_TEXT(words[1], "-g");
	CHECK_TEXT(words[2], "daemon off;");
	CHECK_TEXT(words[3], "a\"b");
	CHECK_TEXT(words[4], "xy z");
	CHECK(!words[5]);
	free(words);
}

static void an_empty_quoted_word_is_a_word(void)
{
	struct pv_err err;
	char **words = NULL;

	CHECK(!pv_argv_split("a \"\"", &words, &err));
	CHECK_TEXT(words[1], "");
	CHECK(!words[2]);
	free(words);
}

static void what_is_no_command_line_is_refused(void)
{
	struct pv_err err;
	char **words = NULL;
	char many[2 * PV_ARGV_MAX + 3];

	CHECK(pv_argv_split("  ", &words, &err) < 0);
	CHECK(pv_argv_split("a \"b", &words, &err) < 0);
	CHECK_HAS(err.text, "unclosed quote");
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = i % 2 ? ' ' : 'a';
	many[sizeof(many) - 1] = 0;
	CHECK(pv_argv_split(many, &words, &err) < 0);
	many[2 * PV_ARGV_MAX - 1] = 0;
	CHECK(!pv_argv_split(many, &words, &err));
	CHECK(!words[PV_ARGV_MAX]);
	free(words);
}

int main(void)
{
	a_quoted_word_keeps_its_blanks();
	an_empty_quoted_word_is_a_word();
	what_is_no_command_line_is_refused();
	return check_done();
}
