/* SPDX-License-Identifier: MIT */
#include "argv.h"

#include <ctype.h>
#include <string.h>

#include "alloc.h"

/* One word from *text into *out, both moved on; its closing NUL included. */
static int take_word(const char **text, char **out, struct pv_err *err)
{
	char quote = 0;

	for (; **text && (quote || !isspace((unsigned char)**text)); (*text)++) {
		if (quote ? **text == quote : **text == '"' || **text == '\'')
			quote = quote ? 0 : **text;
		else
			*(*out)++ = **text;
	}
	*(*out)++ = 0;
	return quote ? pv_err_set(err, "the command line has an unclosed quote") : 0;
}

int pv_argv_split(const char *text, char ***words, struct pv_err *err)
{
	size_t list = (PV_ARGV_MAX + 1) * sizeof(char *);
	/* Taken apart, the text is no longer than before. */
	cleanup_free char *memory = pv_alloc(1, list + strlen(text) + 1);
	char **word = (char **)(void *)memory, *out = memory + list;
	size_t count = 0;

	for (;;) {
		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			break;
		if (count == PV_ARGV_MAX)
			return pv_err_set(err, "the command line has more than %d words", PV_ARGV_MAX);
		word[count++] = out;
		if (take_word(&text, &out, err) < 0)
			return -1;
	}
	if (!count)
		return pv_err_set(err, "the command line is empty");
	*words = word;
	memory = NULL;
	return 0;
}
