/* SPDX-License-Identifier: MIT */
#include "jsontext.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "alloc.h"
#include "text.h"

/* Bytes of the UTF-8 sequence there, 0 if it is not one. A NUL ends each attempt to read too far. */
static size_t sequence(const unsigned char *at)
{
	static const struct {
		unsigned char low, high, second_low, second_high;
		size_t bytes;
	} forms[] = {
		{0x00, 0x7f, 0, 0, 1},
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < PV_COUNT(forms); i++) {
		if (at[0] < forms[i].low || at[0] > forms[i].high)
			continue;
		if (forms[i].bytes > 1 && (at[1] < forms[i].second_low || at[1] > forms[i].second_high))
			return 0;
		for (size_t more = 2; more < forms[i].bytes; more++)
			if ((at[more] & 0xc0) != 0x80)
				return 0;
		return forms[i].bytes;
	}
	return 0;
}

static void put_one(FILE *to, const char *at, size_t bytes)
{
	if (*at == '"' || *at == '\\')
		fprintf(to, "\\%c", *at);
	else if (bytes == 1 && ((unsigned char)*at < ' ' || *at == 0x7f))
		fprintf(to, "\\u%04x", (unsigned int)*at);
	else if (bytes)
		fwrite(at, 1, bytes, to);
	else
		fputc('?', to);
}

void pv_jsontext_put(FILE *to, const char *text)
{
	fputc('"', to);
	for (size_t bytes; *text; text += bytes ? bytes : 1) {
		bytes = sequence((const unsigned char *)text);
		put_one(to, text, bytes);
	}
	fputc('"', to);
}

char *pv_jsontext_member(const char *name, const char *text)
{
	char *document = NULL;
	size_t length;
	struct pv_err err;
	FILE *to = open_memstream(&document, &length);

	if (!to)
		return pv_dup("{}", 2);
	fputc('{', to);
	pv_jsontext_put(to, name);
	fputc(':', to);
	pv_jsontext_put(to, text);
	fputc('}', to);
	return pv_close_text(to, &err) == 0 ? document : pv_dup("{}", 2);
}
