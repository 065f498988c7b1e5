/* SPDX-License-Identifier: MIT */
#include "http_answer.h"

#include <stdio.h>

#include "alloc.h"
#include "text.h"

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{100, "Continue"},
	{200, "OK"},
	{204, "No Content"},
	{206, "Partial Content"},
	{400, "Bad Request"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{411, "Length Required"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{416, "Range Not Satisfiable"},
	{417, "Expectation Failed"},
	{422, "Unprocessable Content"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{503, "Service Unavailable"},
	{505, "HTTP Version Not Supported"},
	{507, "Insufficient Storage"},
};

const char *pv_http_reason(int status)
{
	for (size_t i = 0; i < PV_COUNT(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

bool pv_http_has_body(int status)
{
	return status != 204;
}

size_t pv_http_answer(
	char head[PV_HTTP_ANSWER_BYTES], int status, const char *type, uint64_t length, const char *more)
{
	cleanup_free char *body = pv_http_has_body(status)
					  ? pv_fmt("Content-Type: %s\r\nContent-Length: %llu\r\n", type,
						    (unsigned long long)length)
					  : pv_dup("", 0);
	int used = snprintf(head, PV_HTTP_ANSWER_BYTES, "HTTP/1.1 %d %s\r\n%s%sConnection: close\r\n\r\n",
		status, pv_http_reason(status), body, more);

	return used < PV_HTTP_ANSWER_BYTES ? (size_t)used : PV_HTTP_ANSWER_BYTES - 1;
}
