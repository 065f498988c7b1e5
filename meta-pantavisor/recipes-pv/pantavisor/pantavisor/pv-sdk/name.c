/* SPDX-License-Identifier: MIT */
#include "name.h"

#include <inttypes.h>
#include <string.h>

#include "text.h"

#define HEX_DIGITS "0123456789abcdef"

/* FNV-1a: a name, and nothing more. */
char *state_name(const char *origin, const char *state)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (; *state; state++)
		sum = (sum ^ (unsigned char)*state) * UINT64_C(0x100000001b3);
	return pv_fmt("locals/%s-%016" PRIx64, origin, sum);
}

bool is_object_id(const char *text)
{
	return strlen(text) == OBJECT_ID_BYTES && strspn(text, HEX_DIGITS) == OBJECT_ID_BYTES;
}
