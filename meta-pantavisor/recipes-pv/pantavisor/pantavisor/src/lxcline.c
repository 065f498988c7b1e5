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

struct search {
	const char *source;
	char *target;
};

static int match_mount(void *data, const char *key, const char *value)
{
	struct search *search = data;
	size_t length = strlen(search->source);

	if (search->target || strcmp(key, "lxc.mount.entry") || !pv_starts_with(value, search->source))
		return 0;
	value += length + strspn(value + length, " \t");
	/* Or its name only begins like that. */
	if (!isblank((unsigned char)value[-1]))
		return 0;
	value += strspn(value, "/");
	search->target = pv_dup(value, strcspn(value, " \t"));
	return 0;
}

char *pv_lxcline_find_mount(const char *text, const char *source)
{
	struct search search = {source, NULL};
	struct pv_err err;

	pv_lxcline_each(text, match_mount, &search, &err);
	return search.target;
}
