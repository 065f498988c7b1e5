/* SPDX-License-Identifier: MIT */
/* Objects and revisions through the control socket, on a storage. */
#include "beneath.h"
#include "caller.h"
#include "firmware.h"
#include "trail.h"
#include "tree.h"

#define ABSENT "0000000000000000000000000000000000000000000000000000000000000000"

static struct pv_service service;
static struct firmware next;

/* What a caller of the role mgmt is answered, while revision 0 runs. */
static const char *needed = "0";

static char *ask(const char *text)
{
	int fd = call(text);
	struct pv_ctrl_ask asked = take_ask();

	CHECK(asked.op == (strstr(text, "RUN_GC") || strstr(text, "/gc") ? PV_CTRL_COLLECT : PV_CTRL_MAY));
	give(&asked, 200, needed);
	return hear(fd);
}

static void check(const char *text, const char *status, const char *part)
{
	cleanup_free char *answer = ask(text);

	CHECK_HAS(answer, status);
	CHECK_HAS(answer, part);
}

static void check_put(
	const char *path, const char *fields, const char *body, const char *status, const char *part)
{
	cleanup_free char *text = pv_fmt(
		"PUT %s HTTP/1.1\r\n%sContent-Length: %zu\r\n\r\n%s", path, fields, strlen(body), body);

	check(text, status, part);
}

static void check_get(const char *path, const char *fields, const char *status, const char *part)
{
	cleanup_free char *text = pv_fmt("GET %s HTTP/1.1\r\n%s\r\n", path, fields);

	check(text, status, part);
}

static void test_object_comes_whole_and_goes_out_again(void)
{
	cleanup_free char *path = pv_fmt("/objects/%s", next.ids[0]);
	cleanup_free char *size = pv_fmt("\"size\":\"%zu\"", strlen(next.contents[0]));

	check_put(path, "", next.contents[0], "200 OK", "");
	check_get(path, "", "200 OK", next.contents[0]);
	/* Once more is as good, and so is one that asks first. */
	check_put(path, "", next.contents[0], "200 OK", "");
	check_put(path, "Expect: 100-continue\r\n", "", "200 OK", "");
	check_get("/objects", "", "200 OK", next.ids[0]);
	check_get("/objects", "", "200 OK", size);
	check_get(path, "Range: bytes=1-3\r\n", "206 Partial Content", "\r\nContent-Range: bytes 1-3/");
	check_get(path, "Range: bytes=999999-\r\n", "416 Range Not Satisfiable", "");
}

static void test_object_that_is_another_is_refused_and_leaves_nothing(void)
{
	cleanup_free char *path = pv_fmt("/objects/%s", next.ids[1]),
			  *part = pv_fmt("objects/.part-%s", next.ids[1]);
	cleanup_free char *object = pv_fmt("objects/%s", next.ids[1]);

	check_put(
		path, "", "something else", "422 Unprocessable", "{\"Error\":\"Object has bad checksum\"}");
	CHECK(!tree_has(part) && !tree_has(object));
	check_put("/objects/x", "", "y", "400 Bad Request", "not an object's id");
	check_get("/objects/x", "", "400 Bad Request", "no such object");
	check_get("/objects/" ABSENT, "", "400 Bad Request", "no such object");
	check_put("/objects/" ABSENT, "Content-Range: bytes 0-0/17592186044415\r\n", "x",
		"507 Insufficient", "{\"Error\":\"Not enough disk space available\"}");
	check("PUT /objects/" ABSENT " HTTP/1.1\r\n\r\n", "411 Length Required", "");
}

static void check_head(const char *id, const char *status, size_t offset)
{
	cleanup_free char *text = pv_fmt("HEAD /objects/%s HTTP/1.1\r\n\r\n", id);
	cleanup_free char *field = pv_fmt("\r\nUpload-Offset: %zu\r\n", offset), *answer = ask(text);

	CHECK_HAS(answer, status);
	CHECK_HAS(answer, field);
	/* And no body. */
	CHECK_TEXT(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
}

static char *piece(const char *content, size_t first, size_t last, char **range)
{
	*range = pv_fmt("Content-Range: bytes %zu-%zu/%zu\r\n", first, last, strlen(content));
	return pv_dup(content + first, last - first + 1);
}

static void test_object_comes_in_pieces(void)
{
	const char *content = next.contents[1];
	cleanup_free char *path = pv_fmt("/objects/%s", next.ids[1]);
	size_t end = strlen(content) - 1;
	static const size_t firsts[] = {0, 10, 5};

	check_head(next.ids[1], "404 Not Found", 0);
	for (size_t i = 0; i < PV_COUNT(firsts); i++) {
		cleanup_free char *range = NULL, *bytes = piece(content, firsts[i], 9 + i * 10, &range);

		check_put(path, range, bytes, "200 OK", "\r\nUpload-Offset: ");
	}
	check_head(next.ids[1], "404 Not Found", 30);
	{
		cleanup_free char *range = NULL, *bytes = piece(content, 31, end, &range);

		/* There is a gap: the answer gives the place to go on from. */
		check_put(path, range, bytes, "409 Conflict", "\r\nUpload-Offset: 30\r\n");
	}
	{
		cleanup_free char *range = NULL, *bytes = piece(content, 30, end, &range);

		check_put(path, range, bytes, "200 OK", "");
	}
	check_head(next.ids[1], "200 OK", strlen(content));
}

/* What came of a connection that broke counts, also where the next one begins anew. */
static void test_connection_that_breaks_leaves_the_part(void)
{
	cleanup_free char *path = pv_fmt("/objects/%s", next.ids[2]),
			  *part = pv_fmt("objects/.part-%s", next.ids[2]);
	cleanup_free char *text = pv_fmt("PUT %s HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%.100s", path,
		strlen(next.contents[2]), next.contents[2]);
	int fd = call(text);
	struct pv_ctrl_ask asked = take_ask();

	give(&asked, 200, "0");
	shutdown(fd, SHUT_WR);
	free(hear(fd));
	CHECK(tree_has(part));
	check_head(next.ids[2], "404 Not Found", 100);
	check_put(path, "", next.contents[2], "200 OK", "");
	CHECK(!tree_has(part));
}

static void test_step_is_judged_and_stays(void)
{
	check_put("/steps/locals/x", "", next.text, "422 Unprocessable", "is missing");
	/* Those that no test before sent. */
	for (int i = 3; i < FIRMWARE_OBJECTS; i++) {
		cleanup_free char *path = pv_fmt("/objects/%s", next.ids[i]);

		check_put(path, "", next.contents[i], "200 OK", "");
	}
	check_put("/steps/locals/x", "", "{\"#spec\":", "422 Unprocessable",
		"{\"Error\":\"State JSON has bad format: ");
	check_put("/steps/7", "", next.text, "400 Bad Request", "locals/<name>");
	check_put("/steps/current", "", next.text, "400 Bad Request", "locals/<name>");
	check_put("/steps/locals/a/b", "", next.text, "400 Bad Request", "locals/<name>");
	CHECK(!tree_has("trails/locals/x"));
	check_put("/steps/locals/x", "", next.text, "200 OK", "");
	check_get("/steps/locals/x", "", "200 OK", next.text);
	check_get("/steps/locals%2Fx", "", "200 OK", next.text);
	check_get("/steps/locals/x/progress", "", "200 OK", "\"status\":\"NEW\"");
	check_put("/steps/locals/x/commitmsg", "", "a \"new\" one", "200 OK", "");
	check_get("/steps/locals/x/commitmsg", "", "200 OK", "a \"new\" one");
	check_get("/steps", "", "200 OK", "{\"name\":\"locals/x\",\"date\":\"2");
	check_get(
		"/steps", "", "200 OK", "\"commitmsg\":\"a \\\"new\\\" one\",\"progress\":{\"progress\":0");
}

static void test_steps_that_are_not_there(void)
{
	cleanup_free char *message = pv_fmt("%0*d", 257, 0);

	check_get("/steps/locals/y", "", "404 Not Found", "there is no such step");
	check_get("/steps/locals/y/progress", "", "404 Not Found", "there is no such step");
	check_get("/steps/../x", "", "404 Not Found", "there is no such step");
	check_get("/steps/locals/..", "", "404 Not Found", "there is no such step");
	check_put("/steps/locals/y/commitmsg", "", "m", "404 Not Found", "");
	check_put("/steps/locals/x/commitmsg", "", message, "413 Content Too Large", "");
	/* Revision 0 runs, and this storage has none. */
	check_get("/steps/current", "", "404 Not Found", "");
}

static void test_revision_may_be_called_progress(void)
{
	check_put("/steps/locals/progress", "", next.text, "200 OK", "");
	check_get("/steps/locals/progress", "", "200 OK", next.text);
	check_get("/steps/locals/progress/progress", "", "200 OK", "\"status\":\"NEW\"");
}

/* A caller may take its time with a message, and a revision that went meanwhile does not come again. */
static void test_message_of_a_step_that_goes(void)
{
	static const char head[] = "PUT /steps/locals/x/commitmsg HTTP/1.1\r\nExpect: 100-continue\r\n"
				   "Content-Length: 1\r\n\r\n";
	char invitation[sizeof("HTTP/1.1 100 Continue\r\n\r\n") - 1];
	int fd = call(head);
	struct pv_ctrl_ask asked = take_ask();
	cleanup_free char *answer = NULL;

	give(&asked, 200, "0");
	CHECK(recv(fd, invitation, sizeof(invitation), MSG_WAITALL) == (ssize_t)sizeof(invitation));
	check("POST /storage/gc HTTP/1.1\r\n\r\n", "200 OK", "");
	CHECK(!tree_has("trails/locals/x"));
	CHECK(send(fd, "m", 1, MSG_NOSIGNAL) == 1);
	answer = hear(fd);
	CHECK_HAS(answer, "500 Internal Server Error");
	CHECK(!tree_has("trails/locals/x"));
}

/* What it may remove is known from its holding the trails on, to its answer. */
static void test_collection_has_the_trails_before_pid_1_is_asked(void)
{
	static const char request[] = "POST /storage/gc HTTP/1.1\r\n\r\n";
	struct pv_err err;
	int lock = pv_trail_lock(service.storage.root, &err), fd;
	cleanup_free char *busy = NULL, *refused = NULL;
	struct pv_ctrl_ask asked;

	busy = hear(call(request));
	CHECK_HAS(busy, "503 Service Unavailable");
	close(lock);
	fd = call(request);
	asked = take_ask();
	CHECK(asked.op == PV_CTRL_COLLECT && pv_trail_try_lock(service.storage.root) < 0);
	give(&asked, 503, "{\"Error\":\"a revision is being tried\"}");
	refused = hear(fd);
	CHECK_HAS(refused, "a revision is being tried");
	lock = pv_trail_try_lock(service.storage.root);
	CHECK(lock >= 0);
	close(lock);
	/* A caller that leaves takes it along. */
	fd = call(request);
	asked = take_ask();
	close(fd);
	lock = pv_trail_lock(service.storage.root, &err);
	CHECK(lock >= 0);
	close(lock);
	give(&asked, 200, "0");
}

static void test_storage_and_its_collection(void)
{
	struct pv_err err;

	check_get("/storage", "", "200 OK", "{\"total\":");
	/* Without a boot environment nothing is known, and nothing removed. */
	check("POST /storage/gc HTTP/1.1\r\n\r\n", "500 Internal Server Error", "nothing is removed");
	tree_file("boot/grubenv", "# GRUB Environment Block\npv_rev=0\n");
	test_message_of_a_step_that_goes();
	test_collection_has_the_trails_before_pid_1_is_asked();
	check("POST /storage/gc HTTP/1.1\r\n\r\n", "200 OK", "{\"reclaimed\":");
	CHECK(!tree_has("trails/locals/x") && !tree_has("trails/locals/progress"));
	CHECK(firmware_send(service.storage, &next, &err) == 0 &&
		firmware_install(service.storage, &next, "locals/y", &err) == 0);
	needed = "0\nlocals/y";
	check("POST /storage/gc HTTP/1.1\r\n\r\n", "200 OK", "{\"reclaimed\":0}");
	CHECK(tree_has("trails/locals/y"));
	needed = "0";
	check("POST /storage/gc HTTP/1.1\r\n\r\n", "200 OK", "");
	CHECK(!tree_has("trails/locals/y"));
	check("POST /commands HTTP/1.1\r\nContent-Length: 15\r\n\r\n{\"op\":\"RUN_GC\"}", "200 OK", "");
}

int main(void)
{
	struct pv_err err;

	tree_begin();
	CHECK(firmware_make(&next, 1, &err) == 0);
	service.storage = (struct pv_storage){pv_beneath_root(tree_root, &err), firmware_door()};
	service.loader = PV_BOOTENV_GRUB;
	service.verify = firmware_options(service.storage.root, "");
	caller_begin(&service);
	test_object_comes_whole_and_goes_out_again();
	test_object_that_is_another_is_refused_and_leaves_nothing();
	test_object_comes_in_pieces();
	test_connection_that_breaks_leaves_the_part();
	test_step_is_judged_and_stays();
	test_steps_that_are_not_there();
	test_revision_may_be_called_progress();
	test_storage_and_its_collection();
	caller_end();
	firmware_free(&next);
	close(service.storage.root);
	tree_end();
	return check_done();
}
