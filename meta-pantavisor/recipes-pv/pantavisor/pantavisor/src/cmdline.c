/* SPDX-License-Identifier: MIT */
#include "cmdline.h"

#include <stdbool.h>
#include <string.h>

#include "alloc.h"
#include "text.h"

/* The kernel's isspace(): ASCII's blanks, and the no-break space of Latin-1. */
static const char blanks[] = " \t\n\v\f\r\xa0";

/* One word from *rest, ended and passed over. */
static char *take_word(char **rest)
{
	char *word = *rest + strspn(*rest, blanks), *end = word;
	bool quoted = false;

	for (; *end && (quoted || !strchr(blanks, *end)); end++)
		if (*end == '"')
			quoted = !quoted;
	*rest = end + (*end != '\0');
	*end = '\0';
	return *word ? word : NULL;
}

char *pv_cmdline_next(char **rest, char **value)
{
	char *word;

	while ((word = take_word(rest))) {
		if (!strcmp(word, "--") || !strcmp(word, "\"--\""))
			return NULL;
		*value = strchr(word, '=');
		if (!*value || strchr(word, '"'))
			continue;
		*(*value)++ = '\0';
		return word;
	}
	return NULL;
}

char *pv_cmdline_get(const char *cmdline, const char *name)
{
	cleanup_free char *copy = pv_dup(cmdline, strlen(cmdline));
	char *rest = copy, *word, *value;

	while ((word = pv_cmdline_next(&rest, &value)))
		if (!strcmp(word, name))
			return pv_dup(value, strlen(value));
	return NULL;
}
