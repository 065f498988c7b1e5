/* SPDX-License-Identifier: MIT */
#include "doors.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "json.h"
#include "name.h"
#include "names.h"
#include "post.h"
#include "relay.h"
#include "text.h"

#define SIZE_DIGITS 15
#define OFFER_BYTES 16384

static void describe(struct call *call)
{
	const char *base = call->base;
	cleanup_free char *text = pv_fmt("{\"pvr-spec\":\"pvr-pantahub-1\",\"json-get-url\":\"%s/json\","
					 "\"json-key\":\"state\",\"objects-endpoint\":\"%s/objects\","
					 "\"post-url\":\"%s/steps\",\"post-fields\":[\"commit-msg\"],"
					 "\"post-fields-opt\":[\"rev\"],\"progress-url\":\"%s/progress\","
					 "\"gc-url\":\"%s/gc\"}",
		base, base, base, base, base);

	pv_exchange_json(&call->exchange, 200, text);
}

static void show_state(struct call *call)
{
	relay(call, "/steps/current");
}

/* 200 and the object's size, or 404; 0 where the caller is answered already. */
static int look(struct call *call, const char *id, unsigned long long *size)
{
	cleanup_free char *path = pv_fmt("/objects/%s", id);
	const struct request request = {.socket = call->socket, .method = "HEAD", .path = path, .file = -1};
	struct answer answer;
	FILE *from = ask(call, &request, &answer);

	if (!from)
		return 0;
	fclose(from);
	*size = answer.length;
	if (answer.status == 200 || answer.status == 404)
		return answer.status;
	pv_exchange_refuse(&call->exchange, answer.status, "the device does not show its objects");
	return 0;
}

static void put_place(struct call *call, const char *id, const char *size)
{
	cleanup_free char *text =
		pv_fmt("{\"id\":\"%s\",\"storage-id\":\"%s\",\"objectname\":\"%s\","
		       "\"sha256sum\":\"%s\",\"size\":\"%s\","
		       "\"mime-type\":\"application/octet-stream\","
		       "\"signed-puturl\":\"%s/blobs/%s\",\"signed-geturl\":\"%s/blobs/%s\"}",
			id, id, id, id, size, call->base, id, call->base, id);

	pv_exchange_json(&call->exchange, 200, text);
}

static bool is_size(const char *text)
{
	return *text && strlen(text) <= SIZE_DIGITS && strspn(text, "0123456789") == strlen(text);
}

static void answer_offer(struct call *call, const char *id, const char *size)
{
	unsigned long long there;
	int status;

	if (!id || !is_object_id(id) || (size && !is_size(size))) {
		pv_exchange_refuse(&call->exchange, 400, "the body does not name an object");
		return;
	}
	status = look(call, id, &there);
	if (status == 200)
		pv_exchange_refuse(&call->exchange, 409, "the device has this object");
	else if (status)
		put_place(call, id, size ? size : "0");
}

/* Whether the object is needed, and where to send it. */
static void take_offer(struct call *call)
{
	size_t length = (size_t)call->request.length;
	cleanup_free char *text = take_text(call, OFFER_BYTES);
	const struct pv_json_node *root;
	struct pv_json doc;
	struct pv_err err;

	if (!text)
		return;
	if (pv_json_parse(&doc, text, length, &err) < 0) {
		pv_exchange_refuse(&call->exchange, 400, err.text);
		return;
	}
	root = pv_json_root(&doc);
	answer_offer(call, pv_json_string(&doc, pv_json_get(&doc, root, "sha256sum")),
		pv_json_string(&doc, pv_json_get(&doc, root, "size")));
	pv_json_free(&doc);
}

static void find_object(struct call *call)
{
	unsigned long long size;
	int status = is_object_id(call->name) ? look(call, call->name, &size) : 404;

	if (status == 200) {
		cleanup_free char *text = pv_fmt("%llu", size);

		put_place(call, call->name, text);
	} else if (status) {
		pv_exchange_refuse(&call->exchange, 404, "there is no such object");
	}
}

static void move_object(struct call *call)
{
	cleanup_free char *path = pv_fmt("/objects/%s", call->name);

	if (is_object_id(call->name))
		relay(call, path);
	else
		pv_exchange_refuse(&call->exchange, 400, "that is not an object's id");
}

static void show_progress(struct call *call)
{
	cleanup_free char *path = pv_fmt("/steps/%s/progress", call->name);

	if (pv_revision_is(call->name))
		relay(call, path);
	else
		pv_exchange_refuse(&call->exchange, 404, "there is no such revision");
}

/* For who finds no room. */
static void collect(struct call *call)
{
	const struct request request = {
		.socket = call->socket, .method = "POST", .path = "/storage/gc", .file = -1};
	struct answer answer;
	FILE *from = ask(call, &request, &answer);

	if (!from)
		return;
	relay_answer(call, from, &answer);
	fclose(from);
}

static const struct {
	enum pv_http_method method;
	const char *path; /* one that ends with a slash is followed by a name */
	void (*answer)(struct call *call);
} doors[] = {
	{PV_HTTP_GET, DOOR "/.pvrremote", describe},
	{PV_HTTP_GET, DOOR "/json", show_state},
	{PV_HTTP_POST, DOOR "/objects", take_offer},
	{PV_HTTP_GET, DOOR "/objects/", find_object},
	{PV_HTTP_GET, DOOR "/blobs/", move_object},
	{PV_HTTP_HEAD, DOOR "/blobs/", move_object},
	{PV_HTTP_PUT, DOOR "/blobs/", move_object},
	{PV_HTTP_POST, DOOR "/steps", take_revision},
	{PV_HTTP_GET, DOOR "/progress/", show_progress},
	{PV_HTTP_POST, DOOR "/gc", collect},
};

static bool fits(const char *door, const char *path)
{
	return pv_ends_with(door, "/") ? pv_starts_with(path, door) && path[strlen(door)]
				       : !strcmp(door, path);
}

void call_answer(struct call *call)
{
	char *path = call->request.path;
	size_t length = strlen(path);
	bool is_known = false;

	/* Published tools ask for "objects/". */
	if (length > 1 && path[length - 1] == '/')
		path[length - 1] = '\0';
	for (size_t i = 0; i < PV_COUNT(doors); i++) {
		if (!fits(doors[i].path, path))
			continue;
		is_known = true;
		if (doors[i].method != call->request.method)
			continue;
		call->name = path + strlen(doors[i].path);
		doors[i].answer(call);
		return;
	}
	pv_exchange_refuse(&call->exchange, is_known ? 400 : 404,
		is_known ? "Method not supported for this endpoint" : "unknown endpoint");
}
