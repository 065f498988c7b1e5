/* SPDX-License-Identifier: MIT */
#include "post.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "json.h"
#include "name.h"
#include "names.h"
#include "relay.h"
#include "text.h"

#define MESSAGE_BYTES 256
#define OK 200

struct posted {
	char *revision, *state, *message;
};

static void forget(struct posted *posted)
{
	free(posted->revision);
	free(posted->state);
	free(posted->message);
}

/* At most as long as the device takes it, and not in the middle of a character. */
static char *cut(const char *message)
{
	size_t length = strlen(message);

	if (length > MESSAGE_BYTES)
		for (length = MESSAGE_BYTES; length && (message[length] & 0xc0) == 0x80;)
			length--;
	return pv_dup(message, length);
}

static bool take(const struct pv_json *doc, struct posted *posted)
{
	const struct pv_json_node *root = pv_json_root(doc), *state = pv_json_get(doc, root, "state");
	const char *revision = pv_json_string(doc, pv_json_get(doc, root, "rev"));
	const char *message = pv_json_string(doc, pv_json_get(doc, root, "commit-msg"));

	if (!state || !pv_json_is(state, PV_JSON_OBJECT))
		return false;
	if (revision && *revision && (!pv_revision_is(revision) || !pv_starts_with(revision, "locals/")))
		return false;
	posted->state = pv_dup(doc->text + state->start, state->end - state->start);
	posted->revision = revision && *revision ? pv_dup(revision, strlen(revision))
						 : state_name("pvr", posted->state);
	posted->message = cut(message ? message : "");
	return true;
}

static bool read_posted(struct call *call, struct posted *posted)
{
	size_t length = (size_t)call->request.length;
	cleanup_free char *text = take_text(call, PV_JSON_TEXT_BYTES);
	struct pv_json doc;
	struct pv_err err;
	bool is_good = false;

	if (!text)
		return false;
	if (pv_json_parse(&doc, text, length, &err) == 0) {
		is_good = take(&doc, posted);
		pv_json_free(&doc);
	}
	if (!is_good)
		pv_exchange_refuse(&call->exchange, 400, "the body is not a revision with a state");
	return is_good;
}

/* False, and the refusal passed on, where it does not go well. */
static bool step(struct call *call, const char *method, const char *path, const char *body)
{
	const struct request request = {
		.socket = call->socket, .method = method, .path = path, .text = body, .file = -1};
	struct answer answer;
	FILE *from = ask(call, &request, &answer);

	if (!from)
		return false;
	if (answer.status != OK)
		relay_answer(call, from, &answer);
	fclose(from);
	return answer.status == OK;
}

static bool run(struct call *call, const struct posted *posted)
{
	cleanup_free char *path = pv_fmt("/steps/%s", posted->revision);
	cleanup_free char *message = pv_fmt("%s/commitmsg", path);
	cleanup_free char *command = pv_fmt("{\"op\":\"LOCAL_RUN\",\"payload\":\"%s\"}", posted->revision);

	return step(call, "PUT", path, posted->state) && step(call, "PUT", message, posted->message) &&
	       step(call, "POST", "/commands", command);
}

void take_revision(struct call *call)
{
	struct posted posted = {0};

	if (read_posted(call, &posted) && run(call, &posted)) {
		cleanup_free char *text = pv_fmt("{\"rev\":-1,\"revlocal\":\"%s\"}", posted.revision);

		pv_exchange_json(&call->exchange, OK, text);
	}
	forget(&posted);
}
