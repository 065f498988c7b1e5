/* SPDX-License-Identifier: MIT */
#include "der.h"

#include <string.h>

bool pv_der_is(const struct pv_der *in, uint8_t tag)
{
	return in->left && *in->at == tag;
}

/* The length after a tag, of up to three bytes; false unless it is in its shortest form and fits. */
static bool read_length(const struct pv_der *in, size_t *head, size_t *length)
{
	size_t bytes;

	if (in->left < 2)
		return false;
	*head = 2;
	*length = in->at[1];
	if (*length < 0x80)
		return *length <= in->left - 2;
	bytes = *length - 0x80;
	if (!bytes || bytes > 3 || in->left - 2 < bytes || !in->at[2])
		return false;
	*length = 0;
	for (size_t i = 0; i < bytes; i++)
		*length = *length << 8 | in->at[2 + i];
	*head += bytes;
	return *length >= 0x80 && *length <= in->left - *head;
}

bool pv_der_take(struct pv_der *in, uint8_t tag, struct pv_der *whole, struct pv_der *content)
{
	size_t head, length;

	if (!pv_der_is(in, tag) || !read_length(in, &head, &length))
		return false;
	if (whole)
		*whole = (struct pv_der){in->at, head + length};
	if (content)
		*content = (struct pv_der){in->at + head, length};
	in->at += head + length;
	in->left -= head + length;
	return true;
}

bool pv_der_natural(struct pv_der *in, struct pv_der *digits)
{
	if (!pv_der_take(in, PV_DER_INTEGER, NULL, digits) || !digits->left || *digits->at & 0x80)
		return false;
	if (digits->left == 1 || *digits->at)
		return true;
	digits->at++;
	digits->left--;
	return *digits->at & 0x80;
}

bool pv_der_small(struct pv_der *in, unsigned int high, unsigned int *number)
{
	struct pv_der digits;

	if (!pv_der_natural(in, &digits) || digits.left > 3)
		return false;
	for (*number = 0; digits.left; digits.left--)
		*number = *number << 8 | *digits.at++;
	return *number <= high;
}

bool pv_der_flag(struct pv_der *in, bool *flag)
{
	struct pv_der content;

	*flag = pv_der_is(in, PV_DER_BOOLEAN);
	return !*flag ||
	       (pv_der_take(in, PV_DER_BOOLEAN, NULL, &content) && pv_der_equal(&content, "\xff", 1));
}

bool pv_der_bytes(struct pv_der *in, struct pv_der *bytes)
{
	if (!pv_der_take(in, PV_DER_BIT_STRING, NULL, bytes) || !bytes->left || *bytes->at)
		return false;
	bytes->at++;
	bytes->left--;
	return true;
}

bool pv_der_equal(const struct pv_der *is, const void *bytes, size_t length)
{
	return is->left == length && !memcmp(is->at, bytes, length);
}
