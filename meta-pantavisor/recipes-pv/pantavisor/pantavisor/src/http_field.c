/* SPDX-License-Identifier: MIT */
#include "http_field.h"

#include <string.h>
#include <strings.h>

#include "alloc.h"

#define BAD_REQUEST 400
#define LENGTH_REQUIRED 411
#define CONTENT_TOO_LARGE 413
#define EXPECTATION_FAILED 417

int pv_http_refuse(struct pv_http_parser *p, int status, const char *why)
{
	pv_err_set(p->err, "%s", why);
	return status;
}

/* Digits alone, as no function of the C library takes them. */
static bool read_number(const char **text, uint64_t *number)
{
	const char *at = *text;

	for (*number = 0; *at >= '0' && *at <= '9'; at++) {
		if (*number > PV_HTTP_BODY_BYTES / 10)
			return false;
		*number = *number * 10 + (uint64_t)(*at - '0');
	}
	if (at == *text || *number >= PV_HTTP_BODY_BYTES)
		return false;
	*text = at;
	return true;
}

static int read_length(struct pv_http_parser *p, const char *value)
{
	uint64_t length;

	if (value[strspn(value, "0123456789")] || !*value)
		return pv_http_refuse(p, BAD_REQUEST, "the Content-Length is not a number");
	if (!read_number(&value, &length))
		return pv_http_refuse(p, CONTENT_TOO_LARGE, "the Content-Length is too large");
	/* Twice the same is one; two lengths are two requests, for two readers. */
	if (p->request->has_length && p->request->length != length)
		return pv_http_refuse(p, BAD_REQUEST, "there are two Content-Lengths");
	p->request->has_length = true;
	p->request->length = length;
	return 0;
}

static int read_coding(struct pv_http_parser *p, const char *value)
{
	(void)value;
	p->has_coding = true;
	return 0;
}

static int read_expect(struct pv_http_parser *p, const char *value)
{
	if (strcasecmp(value, "100-continue"))
		return pv_http_refuse(p, EXPECTATION_FAILED, "only \"Expect: 100-continue\" is known");
	p->request->expects_continue = !p->is_old;
	return 0;
}

/* bytes <first>-<last>/<total> */
static int read_content_range(struct pv_http_parser *p, const char *value)
{
	struct pv_http_request *r = p->request;

	if (r->has_content_range || strncasecmp(value, "bytes ", strlen("bytes ")))
		return pv_http_refuse(
			p, BAD_REQUEST, "the Content-Range is not \"bytes FIRST-LAST/TOTAL\"");
	value += strlen("bytes ");
	if (!read_number(&value, &r->first) || *value++ != '-' || !read_number(&value, &r->last) ||
		*value++ != '/' || !read_number(&value, &r->total) || *value)
		return pv_http_refuse(
			p, BAD_REQUEST, "the Content-Range is not \"bytes FIRST-LAST/TOTAL\"");
	if (r->first > r->last || r->last >= r->total)
		return pv_http_refuse(p, BAD_REQUEST, "the Content-Range is not within its total");
	r->has_content_range = true;
	return 0;
}

/* bytes=<from>- or bytes=<from>-<to>; any other is passed over, and the whole is sent, as RFC 9110 has it.
 */
static int read_range(struct pv_http_parser *p, const char *value)
{
	struct pv_http_request *r = p->request;

	if (r->has_range || strncasecmp(value, "bytes=", strlen("bytes=")))
		return 0;
	value += strlen("bytes=");
	r->to = PV_HTTP_BODY_BYTES;
	if (!read_number(&value, &r->from) || *value++ != '-' || (*value && !read_number(&value, &r->to)))
		return 0;
	r->has_range = !*value && r->from <= r->to;
	return 0;
}

static const struct {
	const char *name;
	int (*read)(struct pv_http_parser *p, const char *value);
} fields[] = {
	{"Content-Length", read_length},
	{"Transfer-Encoding", read_coding},
	{"Expect", read_expect},
	{"Content-Range", read_content_range},
	{"Range", read_range},
};

int pv_http_read_field(struct pv_http_parser *p, const char *name, const char *value)
{
	for (size_t i = 0; i < PV_COUNT(fields); i++)
		if (!strcasecmp(name, fields[i].name))
			return fields[i].read(p, value);
	return 0;
}

int pv_http_judge_body(struct pv_http_parser *p)
{
	const struct pv_http_request *r = p->request;

	if (p->has_coding && r->has_length)
		return pv_http_refuse(p, BAD_REQUEST, "there are a Transfer-Encoding and a Content-Length");
	if (p->has_coding)
		return pv_http_refuse(
			p, LENGTH_REQUIRED, "a body needs a Content-Length, chunks are not taken");
	if (r->has_content_range && r->length != r->last - r->first + 1)
		return pv_http_refuse(p, BAD_REQUEST, "Content-Range and Content-Length differ");
	return 0;
}
