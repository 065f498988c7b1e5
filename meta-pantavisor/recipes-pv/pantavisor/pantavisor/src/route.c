/* SPDX-License-Identifier: MIT */
#include "route.h"

#include <string.h>

#include "alloc.h"
#include "json.h"
#include "sha256.h"
#include "text.h"

#define BAD_REQUEST 400
#define CONFLICT 409
#define CONTENT_TOO_LARGE 413
#define NO_CONTENT 204
#define SIGNAL_FAILED 500

/* A body of the form {"<word>":"...","payload":"..."}; any other member is passed over. */
struct body {
	struct pv_json doc;
	const char *word, *payload;
};

static int read_body(
	struct body *body, const char *member, const char *text, size_t length, struct pv_err *err)
{
	const struct pv_json_node *root;

	if (pv_json_parse(&body->doc, text, length, err) < 0)
		return BAD_REQUEST;
	root = pv_json_root(&body->doc);
	body->word = pv_json_string(&body->doc, pv_json_get(&body->doc, root, member));
	body->payload = pv_json_string(&body->doc, pv_json_get(&body->doc, root, "payload"));
	if (body->word)
		return 0;
	pv_json_free(&body->doc);
	pv_err_set(err, "the body is not a JSON object with the text \"%s\"", member);
	return BAD_REQUEST;
}

static void keep_payload(struct pv_ctrl_ask *ask, const char *payload)
{
	snprintf(ask->payload, sizeof(ask->payload), "%s", payload ? payload : "");
}

static int read_action(struct pv_ctrl_ask *ask, const char *text, size_t length, struct pv_err *err)
{
	static const struct {
		const char *word;
		enum pv_ctrl_op op;
	} actions[] = {{"start", PV_CTRL_START}, {"stop", PV_CTRL_STOP}, {"restart", PV_CTRL_RESTART}};
	struct body body;
	int status = read_body(&body, "action", text, length, err);

	if (status)
		return status;
	status = BAD_REQUEST;
	for (size_t i = 0; i < PV_COUNT(actions); i++)
		if (!strcmp(body.word, actions[i].word)) {
			ask->op = actions[i].op;
			status = 0;
		}
	if (status)
		pv_err_set(err, "the action is not start, stop or restart");
	pv_json_free(&body.doc);
	return status;
}

static int read_signal(struct pv_ctrl_ask *ask, const char *text, size_t length, struct pv_err *err)
{
	struct body body;
	int status = read_body(&body, "type", text, length, err);

	if (status)
		return status;
	keep_payload(ask, body.payload);
	if (strcmp(body.word, "ready")) {
		pv_err_set(err, "the signal is not \"ready\"");
		status = SIGNAL_FAILED;
	}
	pv_json_free(&body.doc);
	return status;
}

/* `status`: of the refusal, or 0. Published words that mean nothing here are refused as a conflict:
 * TRY_ONCE and the two after it mean nothing on a published device either, which answers 200. */
static const struct {
	const char *word;
	enum pv_ctrl_op op;
	bool has_revision;
	int status;
} commands[] = {
	{"REBOOT_DEVICE", PV_CTRL_REBOOT, false, 0},
	{"POWEROFF_DEVICE", PV_CTRL_POWEROFF, false, 0},
	{"LOCAL_RUN", PV_CTRL_RUN, true, 0},
	{"LOCAL_RUN_COMMIT", PV_CTRL_RUN_COMMIT, true, 0},
	{"RUN_GC", PV_CTRL_COLLECT, false, 0},
	{"MAKE_FACTORY", PV_CTRL_MAKE_FACTORY, true, 0},
	{"UPDATE_METADATA", PV_CTRL_MAY, false, CONFLICT},
	{"GO_REMOTE", PV_CTRL_MAY, false, CONFLICT},
	{"DEFER_REBOOT", PV_CTRL_MAY, false, CONFLICT},
	{"ENABLE_SSH", PV_CTRL_MAY, false, CONFLICT},
	{"DISABLE_SSH", PV_CTRL_MAY, false, CONFLICT},
	{"TRY_ONCE", PV_CTRL_MAY, false, CONFLICT},
	{"LOCAL_APPLY", PV_CTRL_MAY, false, CONFLICT},
	{"XCONNECT_GRAPH", PV_CTRL_MAY, false, CONFLICT},
	{"UNCLAIM", PV_CTRL_MAY, false, NO_CONTENT},
};

static int take_revision(struct pv_ctrl_ask *ask, const char *payload, struct pv_err *err)
{
	/* The one that runs. */
	if (ask->op == PV_CTRL_MAKE_FACTORY && (!payload || !*payload))
		return 0;
	if (!pv_revision_is(payload)) {
		pv_err_set(err, "the payload is not the name of a revision");
		return BAD_REQUEST;
	}
	snprintf(ask->name, sizeof(ask->name), "%s", payload);
	return 0;
}

static int choose_command(struct pv_ctrl_ask *ask, const struct body *body, struct pv_err *err)
{
	for (size_t i = 0; i < PV_COUNT(commands); i++) {
		if (strcmp(body->word, commands[i].word))
			continue;
		ask->op = commands[i].op;
		if (commands[i].status)
			pv_err_set(err, "this device does not know %s", commands[i].word);
		if (commands[i].has_revision)
			return take_revision(ask, body->payload, err);
		return commands[i].status;
	}
	pv_err_set(err, "there is no command \"%.40s\"", body->word);
	return BAD_REQUEST;
}

static int read_command(struct pv_ctrl_ask *ask, const char *text, size_t length, struct pv_err *err)
{
	struct body body;
	int status = read_body(&body, "op", text, length, err);

	if (status)
		return status;
	keep_payload(ask, body.payload);
	status = choose_command(ask, &body, err);
	pv_json_free(&body.doc);
	return status;
}

#define HEAD PV_HTTP_HEAD
#define GET PV_HTTP_GET
#define PUT PV_HTTP_PUT
#define POST PV_HTTP_POST
#define MAY PV_CTRL_MAY

static const struct pv_route routes[] = {
	{"/buildinfo", GET, MAY, PV_HANDLER_BUILDINFO, 0, NULL},
	{"/commands", POST, MAY, PV_HANDLER_PASS_ON, PV_ROUTE_BODY_BYTES, read_command},
	{"/containers", GET, PV_CTRL_CONTAINERS, PV_HANDLER_PASS_ON, 0, NULL},
	{"/containers/", PUT, PV_CTRL_START, PV_HANDLER_PASS_ON, 1024, read_action},
	{"/groups", GET, PV_CTRL_GROUPS, PV_HANDLER_PASS_ON, 0, NULL},
	{"/logs", GET, PV_CTRL_LOGS, PV_HANDLER_LOGS, 0, NULL},
	{"/logs/", GET, PV_CTRL_LOGS, PV_HANDLER_LOGS, 0, NULL},
	{"/signal", POST, PV_CTRL_READY, PV_HANDLER_PASS_ON, PV_ROUTE_BODY_BYTES, read_signal},
	{"/objects", GET, MAY, PV_HANDLER_OBJECTS, 0, NULL},
	{"/objects/", GET, MAY, PV_HANDLER_OBJECT_GET, 0, NULL},
	{"/objects/", HEAD, MAY, PV_HANDLER_OBJECT_HEAD, 0, NULL},
	{"/objects/", PUT, MAY, PV_HANDLER_OBJECT_PUT, PV_HTTP_BODY_BYTES, NULL},
	{"/steps", GET, MAY, PV_HANDLER_STEPS, 0, NULL},
	{"/steps/", GET, MAY, PV_HANDLER_STEP_GET, 0, NULL},
	{"/steps/", PUT, MAY, PV_HANDLER_STEP_PUT, PV_JSON_TEXT_BYTES, NULL},
	{"/storage", GET, MAY, PV_HANDLER_STORAGE, 0, NULL},
	{"/storage/gc", POST, PV_CTRL_COLLECT, PV_HANDLER_COLLECT, PV_ROUTE_BODY_BYTES, NULL},
};

/* A path that ends with a slash is followed by a name. */
static bool fits(const struct pv_route *route, const char *path)
{
	if (!pv_ends_with(route->path, "/"))
		return !strcmp(route->path, path);
	return pv_starts_with(path, route->path) && path[strlen(route->path)];
}

int pv_route_find(const struct pv_http_request *request, const struct pv_route **route,
	char name[PV_HTTP_PATH_BYTES], struct pv_err *err)
{
	bool is_known = false;

	for (size_t i = 0; i < PV_COUNT(routes); i++) {
		if (!fits(&routes[i], request->path))
			continue;
		is_known = true;
		if (routes[i].method != request->method)
			continue;
		*route = &routes[i];
		strcpy(name, request->path + strlen(routes[i].path));
		if (request->length <= routes[i].body)
			return 0;
		pv_err_set(err, "the body is longer than %llu bytes", (unsigned long long)routes[i].body);
		return CONTENT_TOO_LARGE;
	}
	pv_err_set(err, is_known ? "Method not supported for this endpoint" : "unknown endpoint");
	return BAD_REQUEST;
}

int pv_route_ask(const struct pv_route *route, const char *name, const char *body, size_t length,
	struct pv_ctrl_ask *ask, struct pv_err *err)
{
	ask->op = route->op;
	ask->name[0] = ask->payload[0] = '\0';
	if (route->handler != PV_HANDLER_PASS_ON)
		return 0;
	if (strlen(name) >= sizeof(ask->name)) {
		pv_err_set(err, "the name is too long");
		return BAD_REQUEST;
	}
	strcpy(ask->name, name);
	return route->read ? route->read(ask, body, length, err) : 0;
}

const char *pv_route_forbidden(const struct pv_route *route)
{
	return pv_ends_with(route->path, "/") ? "Request not sent from mgmt platform"
					      : "Request not sent from a mgmt platform";
}
