/* SPDX-License-Identifier: MIT */
#include "isolation.h"

#include "alloc.h"
#include "check.h"
#include "text.h"

static struct pv_err err;

/* `base` without the line. */
static char *without(const char *base, const char *line)
{
	cleanup_free char *whole = pv_fmt("\n%s\n", line), *padded = pv_fmt("\n%s", base);
	const char *at = strstr(padded, whole);

	CHECK(at);
	return at ? pv_fmt("%.*s\n%s", (int)(at - padded), padded, at + strlen(whole)) : pv_dup(base, 0);
}

static void check_case(const char *base, char *line)
{
	cleanup_free char *shown = pv_dup(line, strlen(line)), *conf = pv_dup(base, strlen(base));
	const char *verdict = strsep(&line, "|");
	char *change;

	while ((change = strsep(&line, "|"))) {
		char *changed =
			*change == '+' ? pv_fmt("%s%s\n", conf, change + 1) : without(conf, change + 1);

		free(conf);
		conf = changed;
	}
	if ((pv_isolation_check("web", conf, &err) == 0) != !strcmp(verdict, "confined")) {
		fprintf(stderr, "isolation.txt: %s\n", shown);
		CHECK(!"as the table has it");
	}
}

int main(void)
{
	size_t length;
	cleanup_free char *text = vector("isolation.txt", &length);
	char *base = strstr(text, "\n\n") + 2, *cases = strstr(base, "\n\n") + 2, *line;
	int seen = 0;

	cases[-1] = '\0';
	while ((line = strsep(&cases, "\n")))
		if (*line) {
			check_case(base, line);
			seen++;
		}
	CHECK(seen > 80);
	CHECK(pv_isolation_check("web", "lxc.hook.start = /x\n", &err) < 0);
	CHECK_TEXT(err.text, "line 1: lxc.hook.start = /x");
	return check_done();
}
