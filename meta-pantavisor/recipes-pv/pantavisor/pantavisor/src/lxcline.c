/* SPDX-License-Identifier: MIT */
#include "lxcline.h"

#include <ctype.h>
#include <string.h>

#include "alloc.h"
#include "text.h"

static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t\r");
	length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		text[--length] = '\0';
	return text;
}

static int each_line(char *line, pv_lxcline_pair *pair, void *data, struct pv_err *err)
{
	char *equals;

	line = trim(line);
	if (!*line || *line == '#')
		return 0;
	equals = strchr(line, '=');
	if (!equals)
		return pv_err_set(err, "\"%.60s\" has no =", line);
	*equals = '\0';
	return pair(data, trim(line), trim(equals + 1));
}

int pv_lxcline_each(const char *text, pv_lxcline_pair *pair, void *data, struct pv_err *err)
{
	cleanup_free char *copy = pv_dup(text, strlen(text));
	char *rest = copy, *line;

	/* LXC ends a line at either. */
	for (int number = 1; (line = strsep(&rest, "\n\r")); number++)
		if (each_line(line, pair, data, err) < 0)
			return pv_err_wrap(err, "line %d", number);
	return 0;
}
