/* SPDX-License-Identifier: MIT */
/* The fields of a request that mean something here; for http.c alone. */
#ifndef PV_HTTP_FIELD_H
#define PV_HTTP_FIELD_H

#include "http.h"

struct pv_http_parser {
	struct pv_http_request *request;
	bool is_old; /* HTTP/1.0 */
	bool has_coding;
	size_t fields;
	struct pv_err *err;
};

/* Returns `status`, and leaves the reason. */
int pv_http_refuse(struct pv_http_parser *p, int status, const char *why);
/* 0, or the status that refuses; fields of other names are passed over. */
int pv_http_read_field(struct pv_http_parser *p, const char *name, const char *value);
/* The same, of what all fields together mean for the body. */
int pv_http_judge_body(struct pv_http_parser *p);

#endif
