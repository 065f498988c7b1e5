/* SPDX-License-Identifier: MIT */
/* Between json.c and json_string.c only. */
#ifndef PV_JSON_READER_H
#define PV_JSON_READER_H

#include "json.h"

struct reader {
	struct pv_json *doc;
	const unsigned char *text;
	size_t length, at;
	struct pv_err *err;
};

int pv_json_bad(struct reader *r, const char *what);
/* The next byte, -1 at the end. */
int pv_json_peek(const struct reader *r);

#endif
