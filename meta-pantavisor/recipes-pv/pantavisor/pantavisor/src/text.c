/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

char *pv_dup(const char *text, size_t length)
{
	char *copy = pv_alloc(length + 1, 1);

	memcpy(copy, text, length);
	return copy;
}

char *pv_fmt(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int length, waits = 0;

	for (;;) {
		va_start(args, format);
		length = vasprintf(&text, format, args);
		va_end(args);
		if (length >= 0)
			return text;
		pv_memory_wait(&waits);
	}
}

int pv_close_text(FILE *stream, struct pv_err *err)
{
	bool whole = !ferror(stream);

	return fclose(stream) == 0 && whole ? 0 : pv_err_set(err, "no memory for a string");
}

bool pv_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool pv_ends_with(const char *text, const char *suffix)
{
	size_t length = strlen(text), tail = strlen(suffix);

	return length >= tail && strcmp(text + length - tail, suffix) == 0;
}
