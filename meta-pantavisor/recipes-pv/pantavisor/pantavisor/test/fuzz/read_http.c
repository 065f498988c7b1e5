/* SPDX-License-Identifier: MIT */
#include "readers.h"

#include <string.h>

#include "http.h"
#include "http_answer.h"
#include "names.h"
#include "route.h"

static void check_path(const char *path)
{
	fuzz_require(*path == '/' && strlen(path) < PV_HTTP_PATH_BYTES, "a path begins with a slash");
	for (; *path; path++)
		fuzz_require(*path > ' ' && *path < 0x7f, "a path is printable");
}

/* `used` are the bytes of the head; what follows is a body. */
static int read_request(
	const char *bytes, size_t length, size_t piece, struct pv_http_request *request, size_t *used)
{
	struct pv_http_head head = {.used = 0};
	struct pv_err err;
	size_t taken;

	for (*used = 0; *used < length; *used += taken) {
		taken = pv_http_take(&head, bytes + *used, piece < length - *used ? piece : length - *used);
		if (!taken)
			break;
	}
	return pv_http_parse(&head, request, &err);
}

static void read_route(const struct pv_http_request *request, const char *body, size_t length)
{
	char name[PV_HTTP_PATH_BYTES];
	const struct pv_route *route;
	struct pv_ctrl_ask ask = {0};
	struct pv_err err;

	if (pv_route_find(request, &route, name, &err))
		return;
	fuzz_require(request->length <= route->body, "a body is no longer than the route takes");
	if (length > PV_ROUTE_BODY_BYTES || pv_route_ask(route, name, body, length, &ask, &err))
		return;
	fuzz_require((unsigned)ask.op < PV_CTRL_OP_COUNT && memchr(ask.name, 0, sizeof(ask.name)) &&
			     memchr(ask.payload, 0, sizeof(ask.payload)),
		"an ask is sane");
	fuzz_require((ask.op != PV_CTRL_RUN && ask.op != PV_CTRL_RUN_COMMIT) || pv_revision_is(ask.name),
		"what is run has the name of a revision");
}

void read_http(const char *bytes, size_t length)
{
	struct pv_http_request whole, pieces;
	size_t used, other;
	int status = read_request(bytes, length, length, &whole, &used);

	fuzz_require(read_request(bytes, length, 1, &pieces, &other) == status && used == other,
		"pieces are read as the whole");
	if (status) {
		fuzz_require(strcmp(pv_http_reason(status), "Unknown") != 0, "a refusal has a reason");
		return;
	}
	check_path(whole.path);
	fuzz_require(
		!strcmp(whole.path, pieces.path) && whole.length == pieces.length, "and mean the same");
	fuzz_require(!whole.has_content_range || whole.length <= whole.total, "a range is in its total");
	read_route(&whole, bytes + used, length - used);
}
