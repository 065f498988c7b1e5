/* SPDX-License-Identifier: MIT */
#include "json_string.h"

#include <string.h>

int pv_json_bad(struct reader *r, const char *what)
{
	return pv_err_set(r->err, "JSON: %s at byte %zu", what, r->at);
}

int pv_json_peek(const struct reader *r)
{
	return r->at < r->length ? r->text[r->at] : -1;
}

/* Length of the UTF-8 sequence at `at`, 0 if there is none. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
	static const struct {
		unsigned char below;
		size_t length;
	} firsts[] = {{0x80, 1}, {0xc2, 0}, {0xe0, 2}, {0xf0, 3}, {0xf5, 4}};
	size_t need = 0;

	for (size_t i = 0; i < sizeof(firsts) / sizeof(*firsts); i++) {
		if (at[0] < firsts[i].below) {
			need = firsts[i].length;
			break;
		}
	}
	if (!need || need > left)
		return 0;
	for (size_t i = 1; i < need; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
		(at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return need;
}

static int hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int hex4(struct reader *r, uint32_t *unit)
{
	*unit = 0;
	for (int i = 0; i < 4; i++, r->at++) {
		int digit = hex_digit(pv_json_peek(r));

		if (digit < 0)
			return pv_json_bad(r, "bad \\u escape");
		*unit = *unit << 4 | (uint32_t)digit;
	}
	return 0;
}

static void put_utf8(struct pv_json *doc, uint32_t point)
{
	unsigned char *at = (unsigned char *)doc->pool + doc->pool_used;
	size_t used = 0;

	if (point < 0x80) {
		at[used++] = (unsigned char)point;
	} else if (point < 0x800) {
		at[used++] = (unsigned char)(0xc0 | point >> 6);
		at[used++] = (unsigned char)(0x80 | (point & 0x3f));
	} else if (point < 0x10000) {
		/* A lone surrogate comes out in three bytes, as any other unit. */
		at[used++] = (unsigned char)(0xe0 | point >> 12);
		at[used++] = (unsigned char)(0x80 | (point >> 6 & 0x3f));
		at[used++] = (unsigned char)(0x80 | (point & 0x3f));
	} else {
		at[used++] = (unsigned char)(0xf0 | point >> 18);
		at[used++] = (unsigned char)(0x80 | (point >> 12 & 0x3f));
		at[used++] = (unsigned char)(0x80 | (point >> 6 & 0x3f));
		at[used++] = (unsigned char)(0x80 | (point & 0x3f));
	}
	doc->pool_used += used;
}

static int read_unicode(struct reader *r)
{
	uint32_t unit, low;

	if (hex4(r, &unit) < 0)
		return -1;
	if (unit >= 0xd800 && unit < 0xdc00 && r->at + 1 < r->length && r->text[r->at] == '\\' &&
		r->text[r->at + 1] == 'u') {
		size_t back = r->at;

		r->at += 2;
		if (hex4(r, &low) < 0)
			return -1;
		if (low >= 0xdc00 && low < 0xe000)
			unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
		else
			r->at = back;
	}
	put_utf8(r->doc, unit);
	return 0;
}

static int read_escape(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	int c = pv_json_peek(r);
	const char *found = c > 0 ? strchr(from, c) : NULL;

	r->at++;
	if (c == 'u')
		return read_unicode(r);
	if (!found)
		return pv_json_bad(r, "bad escape");
	r->doc->pool[r->doc->pool_used++] = to[found - from];
	return 0;
}

/* The pool has room: a string decodes to fewer bytes than its source text with both quotes has. */
int pv_json_read_string(struct reader *r, uint32_t *value, uint32_t *value_length)
{
	struct pv_json *doc = r->doc;

	*value = (uint32_t)doc->pool_used;
	for (r->at++;;) {
		int c = pv_json_peek(r);
		size_t size;

		if (c < 0)
			return pv_json_bad(r, "unfinished string");
		if (c == '"')
			break;
		if (c < 0x20)
			return pv_json_bad(r, "bare control character");
		if (c == '\\') {
			r->at++;
			if (read_escape(r) < 0)
				return -1;
			continue;
		}
		size = utf8_length(r->text + r->at, r->length - r->at);
		if (!size)
			return pv_json_bad(r, "text that is not UTF-8");
		memcpy(doc->pool + doc->pool_used, r->text + r->at, size);
		doc->pool_used += size;
		r->at += size;
	}
	r->at++;
	*value_length = (uint32_t)(doc->pool_used - *value);
	doc->pool[doc->pool_used++] = '\0';
	return 0;
}
