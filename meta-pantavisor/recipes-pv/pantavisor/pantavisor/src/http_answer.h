/* SPDX-License-Identifier: MIT */
/* The head of one answer. Touches nothing. */
#ifndef PV_HTTP_ANSWER_H
#define PV_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the head of an answer, with what the caller adds. */
#define PV_HTTP_ANSWER_BYTES 512

/* "Not Found". */
const char *pv_http_reason(int status);
/* RFC 9110, 8.6: what never has a body has no length either. */
bool pv_http_has_body(int status);
/*
 * The head of an answer with a body of `length` bytes of that type; `more` is further fields, each ended by
 * "\r\n", or "". Returns its length. The connection ends after the body, where the status has one.
 */
size_t pv_http_answer(
	char head[PV_HTTP_ANSWER_BYTES], int status, const char *type, uint64_t length, const char *more);

#endif
