/* SPDX-License-Identifier: MIT */
#include "route.h"

#include "check.h"

static int ask(enum pv_http_method method, const char *path, const char *body, struct pv_ctrl_ask *result,
	struct pv_err *err)
{
	struct pv_http_request request = {.method = method, .length = strlen(body)};
	char name[PV_HTTP_PATH_BYTES];
	const struct pv_route *route;
	int status;

	snprintf(request.path, sizeof(request.path), "%s", path);
	status = pv_route_find(&request, &route, name, err);
	return status ? status : pv_route_ask(route, name, body, strlen(body), result, err);
}

static const struct {
	enum pv_http_method method;
	const char *path, *body;
	int status;
	enum pv_ctrl_op op;
	const char *name, *payload;
} rows[] = {
	{PV_HTTP_GET, "/containers", "", 0, PV_CTRL_CONTAINERS, "", ""},
	{PV_HTTP_GET, "/groups", "", 0, PV_CTRL_GROUPS, "", ""},
	{PV_HTTP_GET, "/buildinfo", "", 0, PV_CTRL_MAY, "", ""},
	{PV_HTTP_GET, "/storage", "", 0, PV_CTRL_MAY, "", ""},
	{PV_HTTP_GET, "/logs", "", 0, PV_CTRL_LOGS, "", ""},
	{PV_HTTP_GET, "/logs/previous", "", 0, PV_CTRL_LOGS, "", ""},
	{PV_HTTP_PUT, "/containers/web", "{\"action\":\"start\"}", 0, PV_CTRL_START, "web", ""},
	{PV_HTTP_PUT, "/containers/web", "{\"action\":\"stop\"}", 0, PV_CTRL_STOP, "web", ""},
	{PV_HTTP_PUT, "/containers/web", "{\"action\":\"restart\",\"x\":1}", 0, PV_CTRL_RESTART, "web", ""},
	{PV_HTTP_PUT, "/containers/web", "{\"action\":\"kill\"}", 400, 0, "", ""},
	{PV_HTTP_PUT, "/containers/web", "{\"action\":1}", 400, 0, "", ""},
	{PV_HTTP_PUT, "/containers/web", "[\"action\"]", 400, 0, "", ""},
	{PV_HTTP_PUT, "/containers/web", "", 400, 0, "", ""},
	{PV_HTTP_PUT, "/containers/", "{\"action\":\"start\"}", 400, 0, "", ""},
	{PV_HTTP_POST, "/signal", "{\"type\":\"ready\",\"payload\":\"\"}", 0, PV_CTRL_READY, "", ""},
	{PV_HTTP_POST, "/signal", "{\"type\":\"ready\"}", 0, PV_CTRL_READY, "", ""},
	{PV_HTTP_POST, "/signal", "{\"type\":\"alive\",\"payload\":\"\"}", 500, 0, "", ""},
	{PV_HTTP_POST, "/signal", "{\"type\":\"ready\"", 400, 0, "", ""},
	{PV_HTTP_POST, "/commands", "{\"op\":\"REBOOT_DEVICE\",\"payload\":\"for fun\"}", 0, PV_CTRL_REBOOT,
		"", "for fun"},
	{PV_HTTP_POST, "/commands", "{\"op\":\"POWEROFF_DEVICE\",\"payload\":\"\"}", 0, PV_CTRL_POWEROFF,
		"", ""},
	{PV_HTTP_POST, "/commands", "{\"op\":\"LOCAL_RUN\",\"payload\":\"locals/a\"}", 0, PV_CTRL_RUN,
		"locals/a", "locals/a"},
	{PV_HTTP_POST, "/commands", "{\"op\":\"LOCAL_RUN_COMMIT\",\"payload\":\"7\"}", 0,
		PV_CTRL_RUN_COMMIT, "7", "7"},
	{PV_HTTP_POST, "/commands", "{\"op\":\"LOCAL_RUN\",\"payload\":\"../a\"}", 400, 0, "", ""},
	{PV_HTTP_POST, "/commands", "{\"op\":\"LOCAL_RUN\"}", 400, 0, "", ""},
	{PV_HTTP_POST, "/commands", "{\"op\":\"RUN_GC\"}", 0, PV_CTRL_COLLECT, "", ""},
	{PV_HTTP_POST, "/storage/gc", "", 0, PV_CTRL_COLLECT, "", ""},
	{PV_HTTP_POST, "/commands", "{\"op\":\"MAKE_FACTORY\",\"payload\":\"locals/a\"}", 0,
		PV_CTRL_MAKE_FACTORY, "locals/a", "locals/a"},
	{PV_HTTP_POST, "/commands", "{\"op\":\"MAKE_FACTORY\",\"payload\":\"\"}", 0, PV_CTRL_MAKE_FACTORY,
		"", ""},
	{PV_HTTP_POST, "/commands", "{\"op\":\"MAKE_FACTORY\"}", 0, PV_CTRL_MAKE_FACTORY, "", ""},
	{PV_HTTP_POST, "/commands", "{\"op\":\"MAKE_FACTORY\",\"payload\":\"../a\"}", 400, 0, "", ""},
	{PV_HTTP_POST, "/commands", "{\"op\":\"GO_REMOTE\"}", 409, 0, "", ""},
	{PV_HTTP_POST, "/commands", "{\"op\":\"TRY_ONCE\"}", 409, 0, "", ""},
	{PV_HTTP_POST, "/commands", "{\"op\":\"LOCAL_APPLY\"}", 409, 0, "", ""},
	{PV_HTTP_POST, "/commands", "{\"op\":\"XCONNECT_GRAPH\"}", 409, 0, "", ""},
	{PV_HTTP_POST, "/commands", "{\"op\":\"UNCLAIM\"}", 204, 0, "", ""},
	{PV_HTTP_POST, "/commands", "{\"op\":\"NONSENSE\"}", 400, 0, "", ""},
	{PV_HTTP_POST, "/commands", "{\"op\":\"RUN\\u0000_GC\"}", 400, 0, "", ""},
	{PV_HTTP_GET, "/", "", 400, 0, "", ""},
	{PV_HTTP_GET, "/nothing", "", 400, 0, "", ""},
	{PV_HTTP_GET, "/containers/../groups", "", 400, 0, "", ""},
	{PV_HTTP_POST, "/groups", "", 400, 0, "", ""},
	{PV_HTTP_OTHER, "/groups", "", 400, 0, "", ""},
	{PV_HTTP_GET, "/groups", "x", 413, 0, "", ""},
};

static void test_each_request_asks_for_one_thing(void)
{
	for (size_t i = 0; i < PV_COUNT(rows); i++) {
		struct pv_ctrl_ask found = {0};
		struct pv_err err = {.text = ""};
		int status = ask(rows[i].method, rows[i].path, rows[i].body, &found, &err);

		if (status != rows[i].status)
			fprintf(stderr, "%s %s: %d %s\n", rows[i].path, rows[i].body, status, err.text);
		CHECK(status == rows[i].status && (status == 204 || !status == !*err.text));
		CHECK(status || found.op == rows[i].op);
		if (!status) {
			CHECK_TEXT(found.name, rows[i].name);
			CHECK_TEXT(found.payload, rows[i].payload);
		}
	}
}

static void test_refusals_have_the_published_words(void)
{
	struct pv_ctrl_ask found;
	struct pv_err err;

	ask(PV_HTTP_GET, "/x", "", &found, &err);
	CHECK_TEXT(err.text, "unknown endpoint");
	ask(PV_HTTP_POST, "/groups", "", &found, &err);
	CHECK_TEXT(err.text, "Method not supported for this endpoint");
}

static void test_names_and_bodies_are_bounded(void)
{
	cleanup_free char *path = pv_fmt("/containers/%0*d", PV_REVISION_BYTES + 1, 0);
	cleanup_free char *message =
		pv_fmt("{\"op\":\"REBOOT_DEVICE\",\"payload\":\"%0*d\"}", PV_CTRL_PAYLOAD_BYTES, 0);
	cleanup_free char *long_body = pv_fmt("{\"action\":\"start\",\"x\":\"%01024d\"}", 0);
	struct pv_ctrl_ask found;
	struct pv_err err;

	CHECK(ask(PV_HTTP_PUT, path, "{\"action\":\"start\"}", &found, &err) == 400);
	CHECK(ask(PV_HTTP_POST, "/commands", message, &found, &err) == 0);
	CHECK(strlen(found.payload) == PV_CTRL_PAYLOAD_BYTES - 1);
	CHECK(ask(PV_HTTP_PUT, "/containers/web", long_body, &found, &err) == 413);
}

int main(void)
{
	test_each_request_asks_for_one_thing();
	test_refusals_have_the_published_words();
	test_names_and_bodies_are_bounded();
	return check_done();
}
