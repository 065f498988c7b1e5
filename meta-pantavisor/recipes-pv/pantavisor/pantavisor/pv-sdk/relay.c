/* SPDX-License-Identifier: MIT */
#include "relay.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "http_answer.h"
#include "text.h"

#define PIECE_BYTES (64 * 1024)
#define GONE 503

static const char *const methods[] = {
	[PV_HTTP_GET] = "GET", [PV_HTTP_HEAD] = "HEAD", [PV_HTTP_PUT] = "PUT", [PV_HTTP_POST] = "POST"};

static FILE *gone(struct call *call)
{
	pv_exchange_refuse(&call->exchange, GONE, "the control socket does not answer");
	return NULL;
}

FILE *ask(struct call *call, const struct request *request, struct answer *answer)
{
	FILE *from = exchange_open(request, answer);

	return from ? from : gone(call);
}

char *take_text(struct call *call, size_t limit)
{
	char *text;

	if (!call->request.has_length) {
		pv_exchange_refuse(&call->exchange, 411, "a body needs a Content-Length");
		return NULL;
	}
	if (call->request.length > limit) {
		pv_exchange_refuse(&call->exchange, 413, "the body is too long");
		return NULL;
	}
	text = pv_exchange_take_text(&call->exchange);
	if (!text)
		pv_exchange_refuse(&call->exchange, 400, "the body ends early");
	return text;
}

/* Numbers, spelled by us. */
static char *ranges(const struct pv_http_request *r)
{
	if (r->method == PV_HTTP_PUT && r->has_content_range)
		return pv_fmt("Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)r->first,
			(unsigned long long)r->last, (unsigned long long)r->total);
	if (r->method != PV_HTTP_GET || !r->has_range)
		return pv_dup("", 0);
	if (r->to == PV_HTTP_BODY_BYTES)
		return pv_fmt("Range: bytes=%llu-\r\n", (unsigned long long)r->from);
	return pv_fmt("Range: bytes=%llu-%llu\r\n", (unsigned long long)r->from, (unsigned long long)r->to);
}

/* A device that refuses takes no more of it: its answer has the reason. */
static bool pass_body(struct call *call, int to)
{
	char bytes[PIECE_BYTES];
	ssize_t got;

	while ((got = pv_exchange_take(&call->exchange, bytes, sizeof(bytes))) > 0)
		if (!exchange_put(to, bytes, (size_t)got))
			return true;
	return got == 0;
}

void relay(struct call *call, const char *path)
{
	cleanup_free char *fields = ranges(&call->request);
	const struct request request = {.socket = call->socket,
		.method = methods[call->request.method],
		.path = path,
		.fields = fields,
		.file = -1,
		.length = call->request.length};
	struct answer answer;
	FILE *from = NULL;
	int fd;

	if (call->request.method == PV_HTTP_PUT && !call->request.has_length) {
		pv_exchange_refuse(&call->exchange, 411, "a body needs a Content-Length");
		return;
	}
	fd = exchange_begin(&request);
	if (fd >= 0 && pass_body(call, fd))
		from = exchange_hear(fd, &answer);
	else
		pv_cleanup_close(&fd);
	if (!from) {
		gone(call);
		return;
	}
	relay_answer(call, from, &answer);
	fclose(from);
}

static char *field(const char *name, const char *value)
{
	return *value ? pv_fmt("%s: %s\r\n", name, value) : pv_dup("", 0);
}

void relay_answer(struct call *call, FILE *from, const struct answer *answer)
{
	cleanup_free char *offset = field("Upload-Offset", answer->offset);
	cleanup_free char *range = field("Content-Range", answer->range);
	cleanup_free char *retry = field("Retry-After", answer->retry);
	cleanup_free char *fields = pv_fmt("%s%s%s", offset, range, retry);
	char head[PV_HTTP_ANSWER_BYTES], bytes[PIECE_BYTES];
	size_t used =
		pv_http_answer(head, answer->status, "application/octet-stream", answer->length, fields);
	unsigned long long left = call->request.method == PV_HTTP_HEAD ? 0 : answer->length;
	size_t got;

	if (!exchange_put(call->exchange.fd, head, used))
		return;
	/* What breaks off shows by the length that was promised. */
	for (; left; left -= got) {
		got = fread(bytes, 1, left < sizeof(bytes) ? (size_t)left : sizeof(bytes), from);
		if (!got || !exchange_put(call->exchange.fd, bytes, got))
			return;
	}
}
