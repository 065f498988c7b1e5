/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 as the control socket speaks it: the head of one request; http_answer has that of the answer. A
 * connection carries one request, so there is nothing to separate after it. What browsers and proxies need
 * is left out: no trailers, no folded lines, no body without a length. Touches nothing.
 */
#ifndef PV_HTTP_H
#define PV_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define PV_HTTP_HEAD_BYTES 8192
#define PV_HTTP_FIELDS 64
#define PV_HTTP_PATH_BYTES 512
/* No body and no position in one is longer: 16 TiB, with room for sums. */
#define PV_HTTP_BODY_BYTES ((uint64_t)1 << 44)

enum pv_http_method {
	PV_HTTP_GET,
	PV_HTTP_HEAD,
	PV_HTTP_PUT,
	PV_HTTP_POST,
	PV_HTTP_DELETE,
	PV_HTTP_OTHER, /* not a method of ours */
};

/* The bytes of a head as they come in. */
struct pv_http_head {
	char bytes[PV_HTTP_HEAD_BYTES];
	size_t used;
	bool is_whole;
};

struct pv_http_request {
	enum pv_http_method method;
	char path[PV_HTTP_PATH_BYTES]; /* decoded, without a query; begins with a slash */
	bool has_length;
	uint64_t length;	/* of the body; 0 without one */
	bool expects_continue;	/* the body comes once "100 Continue" was sent */
	bool has_content_range; /* the body is bytes `first` to `last` of `total` */
	uint64_t first, last, total;
	bool has_range;	   /* bytes from `from` are asked for */
	uint64_t from, to; /* `to` is PV_HTTP_BODY_BYTES where the end is meant */
};

/*
 * Takes bytes up to the end of the head, and returns how many. Afterwards the head is whole, or it needs
 * more, or it is full without being whole: `used` is PV_HTTP_HEAD_BYTES then.
 */
size_t pv_http_take(struct pv_http_head *head, const char *bytes, size_t length);
/* 0, or the status of the answer that refuses a whole head, with its reason. */
int pv_http_parse(const struct pv_http_head *head, struct pv_http_request *request, struct pv_err *err);

#endif
