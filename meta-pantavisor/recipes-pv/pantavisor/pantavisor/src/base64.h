/* SPDX-License-Identifier: MIT */
/* Base 64 in both alphabets. Decoding is exact: no blanks, no stray bits, padding only in the standard
 * form.
 */
#ifndef PV_BASE64_H
#define PV_BASE64_H

#include <stddef.h>

#include "err.h"

enum pv_base64 { PV_BASE64_STANDARD, PV_BASE64_URL };

int pv_base64_decode(
	enum pv_base64 kind, const char *text, unsigned char **bytes, size_t *length, struct pv_err *err);
/* Base64url without padding. */
char *pv_base64url_encode(const void *bytes, size_t length);

#endif
