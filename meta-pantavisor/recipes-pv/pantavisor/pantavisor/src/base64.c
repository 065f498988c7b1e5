/* SPDX-License-Identifier: MIT */
#include "base64.h"

#include <stdint.h>
#include <string.h>

#include "alloc.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char *const alphabets[] = {
	[PV_BASE64_STANDARD] = LETTERS "+/",
	[PV_BASE64_URL] = LETTERS "-_",
};

static int value_of(enum pv_base64 kind, char c)
{
	const char *found = c ? strchr(alphabets[kind], c) : NULL;

	return found ? (int)(found - alphabets[kind]) : -1;
}

int pv_base64_decode(
	enum pv_base64 kind, const char *text, unsigned char **bytes, size_t *length, struct pv_err *err)
{
	size_t size = strlen(text), used = 0;
	cleanup_free unsigned char *out = NULL;
	uint32_t bits = 0;
	int held = 0;

	if (kind == PV_BASE64_STANDARD) {
		if (size % 4)
			return pv_err_set(err, "base64: unfinished");
		for (int i = 0; i < 2 && size && text[size - 1] == '='; i++)
			size--;
	}
	if (size % 4 == 1)
		return pv_err_set(err, "base64: unfinished");
	out = pv_alloc(size * 3 / 4 + 1, 1);
	for (size_t i = 0; i < size; i++) {
		int value = value_of(kind, text[i]);

		if (value < 0)
			return pv_err_set(err, "base64: bad character at %zu", i);
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[used++] = (unsigned char)(bits >> held);
			bits &= (1u << held) - 1;
		}
	}
	if (bits)
		return pv_err_set(err, "base64: bits after the end");
	*bytes = out;
	*length = used;
	out = NULL;
	return 0;
}

char *pv_base64url_encode(const void *bytes, size_t length)
{
	const unsigned char *in = bytes;
	char *text = pv_alloc(length / 3 * 4 + 5, 1), *to = text;
	uint32_t bits = 0;
	int held = 0;

	for (size_t i = 0; i < length; i++) {
		bits = bits << 8 | in[i];
		for (held += 8; held >= 6;) {
			held -= 6;
			*to++ = alphabets[PV_BASE64_URL][bits >> held & 63];
		}
	}
	if (held)
		*to++ = alphabets[PV_BASE64_URL][bits << (6 - held) & 63];
	*to = '\0';
	return text;
}
