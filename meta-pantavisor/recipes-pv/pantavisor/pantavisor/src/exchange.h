/* SPDX-License-Identifier: MIT */
/*
 * A request whose head was read, in a process of its own: it may wait for the caller and for the storage.
 * Each byte that moves has its time; a caller without one for that long is given up.
 */
#ifndef PV_EXCHANGE_H
#define PV_EXCHANGE_H

#include <sys/types.h>

#include "http.h"

#define PV_EXCHANGE_IDLE_S 30
/* What a caller still sends after the answer is taken off the line, so that it reads the answer. */
#define PV_EXCHANGE_DRAIN_BYTES (64 * 1024 * 1024)

struct pv_exchange {
	int fd;
	const struct pv_http_request *request;
	uint64_t left; /* of the body */
	bool was_invited;
};

/* `fd` blocks from now on. */
void pv_exchange_begin(struct pv_exchange *exchange, int fd, const struct pv_http_request *request);
/* Bytes of the body, at most `room`; 0 at its end, negative where the caller is gone or silent. */
ssize_t pv_exchange_take(struct pv_exchange *exchange, void *bytes, size_t room);
/* The whole body as a text, to be freed; NULL where it does not come. */
char *pv_exchange_take_text(struct pv_exchange *exchange);
/* An answer; `fields` as pv_http_answer() has it. To a HEAD request the text is not sent. */
void pv_exchange_answer(struct pv_exchange *exchange, int status, const char *type, const char *text,
	size_t length, const char *fields);
void pv_exchange_json(struct pv_exchange *exchange, int status, const char *text);
/* {"Error":"<why>"} */
void pv_exchange_refuse(struct pv_exchange *exchange, int status, const char *why);
/* An answer of `length` bytes of an open file, from where it stands. */
void pv_exchange_file(
	struct pv_exchange *exchange, int status, int file, uint64_t length, const char *fields);
/* An open file of that size, or the bytes of it that the request asks for: 200, 206, or 416 with the size.
 */
void pv_exchange_piece(struct pv_exchange *exchange, int file, uint64_t size, const char *fields);
/* After the answer. */
void pv_exchange_end(struct pv_exchange *exchange);

#endif
