/* SPDX-License-Identifier: MIT */
/* What clients send, recorded from them; and what none should. */
#include "http.h"
#include "http_answer.h"

#include "check.h"

#define ID "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static int parse(const char *text, struct pv_http_request *request, struct pv_err *err)
{
	struct pv_http_head head = {.used = 0};

	pv_http_take(&head, text, strlen(text));
	return pv_http_parse(&head, request, err);
}

static const struct {
	const char *text;
	enum pv_http_method method;
	const char *path;
	bool has_length;
	uint64_t length;
	bool expects;
} sent[] = {
	/* curl 7.88 */
	{"GET /containers HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n",
		PV_HTTP_GET, "/containers", false, 0, false},
	{"PUT /containers/web HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
	 "Content-Length: 17\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n",
		PV_HTTP_PUT, "/containers/web", true, 17, false},
	{"PUT /objects/" ID " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
	 "Content-Length: 3000000\r\nExpect: 100-continue\r\n\r\n",
		PV_HTTP_PUT, "/objects/" ID, true, 3000000, true},
	{"HEAD /objects/" ID
	 " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n",
		PV_HTTP_HEAD, "/objects/" ID, false, 0, false},
	/* Python's http.client */
	{"PUT /steps/locals/a HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\nContent-Length: "
	 "2\r\n\r\n",
		PV_HTTP_PUT, "/steps/locals/a", true, 2, false},
	/* Go's net/http, with a name that it escaped */
	{"PUT /steps/locals%2Fx HTTP/1.1\r\nHost: unix\r\nUser-Agent: Go-http-client/1.1\r\n"
	 "Content-Length: 2\r\nAccept-Encoding: gzip\r\n\r\n",
		PV_HTTP_PUT, "/steps/locals/x", true, 2, false},
	/* busybox wget */
	{"POST /signal HTTP/1.1\r\nHost: 127.0.0.1:12368\r\nUser-Agent: Wget\r\nConnection: close\r\n"
	 "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 16\r\n\r\n",
		PV_HTTP_POST, "/signal", true, 16, false},
	/* by hand, through nc */
	{"DELETE /device-meta/key HTTP/1.0\n\n", PV_HTTP_DELETE, "/device-meta/key", false, 0, false},
	{"\r\n\nGET / HTTP/1.1\nHost:\n\r\n", PV_HTTP_GET, "/", false, 0, false},
	/* as for a proxy; with a query; a method that is not ours */
	{"GET http://localhost/groups?x=/y HTTP/1.1\r\n\r\n", PV_HTTP_GET, "/groups", false, 0, false},
	{"GET HTTP://localhost HTTP/1.1\r\n\r\n", PV_HTTP_GET, "/", false, 0, false},
	{"PATCH /groups HTTP/1.1\r\n\r\n", PV_HTTP_OTHER, "/groups", false, 0, false},
	{"get /groups HTTP/1.1\r\n\r\n", PV_HTTP_OTHER, "/groups", false, 0, false},
	/* the same length twice is one; HTTP/1.0 knows no 100 */
	{"PUT /a HTTP/1.1\r\ncontent-LENGTH:\t3 \r\nContent-Length: 3\r\n\r\n", PV_HTTP_PUT, "/a", true, 3,
		false},
	{"PUT /a HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n", PV_HTTP_PUT, "/a", true, 3,
		false},
};

static void test_what_clients_send_is_read(void)
{
	for (size_t i = 0; i < PV_COUNT(sent); i++) {
		struct pv_http_request request;
		struct pv_err err;

		CHECK(parse(sent[i].text, &request, &err) == 0);
		CHECK(request.method == sent[i].method && request.has_length == sent[i].has_length &&
			request.length == sent[i].length && request.expects_continue == sent[i].expects);
		CHECK_TEXT(request.path, sent[i].path);
	}
}

#define G "GET / HTTP/1.1\r\n"

static const struct {
	const char *text;
	int status;
} hostile[] = {
	{"GET /\r\n\r\n", 400},
	{"GET  / HTTP/1.1\r\n\r\n", 400},
	{"GET / HTTP/1.1 \r\n\r\n", 505},
	{"GET / HTTP/2.0\r\n\r\n", 505},
	{"GET / HTTP/1.10\r\n\r\n", 505},
	{"GET / http/1.1\r\n\r\n", 400},
	{"G T / HTTP/1.1\r\n\r\n", 400},
	{"G\xc3\xa4T / HTTP/1.1\r\n\r\n", 400},
	{" / HTTP/1.1\r\n\r\n", 400},
	{"GET groups HTTP/1.1\r\n\r\n", 400},
	{"GET * HTTP/1.1\r\n\r\n", 400},
	{"GET /a%00b HTTP/1.1\r\n\r\n", 400},
	{"GET /a%0d%0ab HTTP/1.1\r\n\r\n", 400},
	{"GET /a%2 HTTP/1.1\r\n\r\n", 400},
	{"GET /a% HTTP/1.1\r\n\r\n", 400},
	{"GET /a%zz HTTP/1.1\r\n\r\n", 400},
	{"GET /\xc3\xa4 HTTP/1.1\r\n\r\n", 400},
	{"GET /a\tb HTTP/1.1\r\n\r\n", 400},
	{"GET /a\rb HTTP/1.1\r\n\r\n", 400},
	{"\x16\x03\x01\x02 / HTTP/1.1\r\n\r\n", 400},
	/* header fields */
	{G "Host localhost\r\n\r\n", 400},
	{G "Host : localhost\r\n\r\n", 400},
	{G ": localhost\r\n\r\n", 400},
	{G "A: b\r\n c\r\n\r\n", 400},
	{G " A: b\r\n\r\n", 400},
	{G "A: b\rc\r\n\r\n", 400},
	{G "A: b\x01\r\n\r\n", 400},
	/* lengths, of which others may read another */
	{G "Content-Length: \r\n\r\n", 400},
	{G "Content-Length: +3\r\n\r\n", 400},
	{G "Content-Length: -1\r\n\r\n", 400},
	{G "Content-Length: 0x3\r\n\r\n", 400},
	{G "Content-Length: 3, 3\r\n\r\n", 400},
	{G "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", 400},
	{G "Content-Length: 17592186044416\r\n\r\n", 413},
	{G "Content-Length: 99999999999999999999999999999999\r\n\r\n", 413},
	{G "Content-Length: 18446744073709551617\r\n\r\n", 413},
	{G "Transfer-Encoding: chunked\r\n\r\n", 411},
	{G "Transfer-Encoding: gzip, chunked\r\n\r\n", 411},
	{G "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400},
	{G "Content-Length: 3\r\nTransfer-Encoding: \r\n\r\n", 400},
	{G "Expect: 200-ok\r\n\r\n", 417},
	/* ranges */
	{G "Content-Length: 5\r\nContent-Range: bytes 5-9/*\r\n\r\n", 400},
	{G "Content-Length: 5\r\nContent-Range: bytes */10\r\n\r\n", 400},
	{G "Content-Length: 5\r\nContent-Range: lines 5-9/10\r\n\r\n", 400},
	{G "Content-Length: 5\r\nContent-Range: bytes 5-9/10 \x7f\r\n\r\n", 400},
	{G "Content-Length: 5\r\nContent-Range: bytes 9-5/10\r\n\r\n", 400},
	{G "Content-Length: 6\r\nContent-Range: bytes 5-10/10\r\n\r\n", 400},
	{G "Content-Length: 4\r\nContent-Range: bytes 5-9/10\r\n\r\n", 400},
	{G "Content-Range: bytes 5-9/10\r\n\r\n", 400},
	{G "Content-Length: 5\r\nContent-Range: bytes 5-9/10\r\nContent-Range: bytes 5-9/10\r\n\r\n", 400},
	{G "Content-Length: 5\r\nContent-Range: bytes 5-9/17592186044416\r\n\r\n", 400},
};

static void test_what_others_may_read_otherwise_is_refused(void)
{
	for (size_t i = 0; i < PV_COUNT(hostile); i++) {
		struct pv_http_request request;
		struct pv_err err = {.text = ""};
		int status = parse(hostile[i].text, &request, &err);

		if (status != hostile[i].status)
			fprintf(stderr, "%d for: %s\n", status, hostile[i].text);
		CHECK(status == hostile[i].status && *err.text);
	}
}

static void test_nul_is_no_end(void)
{
	static const char text[] = "GET / HTTP/1.1\r\nA: b\0c\r\nContent-Length: 3\r\n\r\n";
	struct pv_http_head head = {.used = 0};
	struct pv_http_request request;
	struct pv_err err;

	pv_http_take(&head, text, sizeof(text) - 1);
	CHECK(head.is_whole && pv_http_parse(&head, &request, &err) == 400);
}

static void test_ranges(void)
{
	struct pv_http_request r;
	struct pv_err err;

	CHECK(parse(G "Content-Length: 5\r\nContent-Range: bytes 5-9/10\r\n\r\n", &r, &err) == 0);
	CHECK(r.has_content_range && r.first == 5 && r.last == 9 && r.total == 10);
	CHECK(parse(G "Range: bytes=7-\r\n\r\n", &r, &err) == 0);
	CHECK(r.has_range && r.from == 7 && r.to == PV_HTTP_BODY_BYTES);
	CHECK(parse(G "Range: bytes=7-8\r\n\r\n", &r, &err) == 0 && r.has_range && r.to == 8);
	/* What is not a range of ours is answered with the whole. */
	CHECK(parse(G "Range: bytes=-7\r\n\r\n", &r, &err) == 0 && !r.has_range);
	CHECK(parse(G "Range: bytes=8-7\r\n\r\n", &r, &err) == 0 && !r.has_range);
	CHECK(parse(G "Range: bytes=1-2,4-5\r\n\r\n", &r, &err) == 0 && !r.has_range);
}

/* One byte at a time, and with the body in the same piece. */
static void test_head_comes_in_pieces(void)
{
	static const char text[] = "PUT /a HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody";
	struct pv_http_head head = {.used = 0};
	struct pv_http_request request;
	struct pv_err err;
	size_t taken = 0;

	while (!head.is_whole)
		taken += pv_http_take(&head, text + taken, 1);
	CHECK_TEXT(text + taken, "body");
	CHECK(pv_http_take(&head, "x", 1) == 0);
	CHECK(pv_http_parse(&head, &request, &err) == 0 && request.length == 4);
	head = (struct pv_http_head){.used = 0};
	CHECK(pv_http_take(&head, text, sizeof(text) - 1) == sizeof(text) - 1 - strlen("body"));
}

static void test_head_has_limits(void)
{
	static char text[2 * PV_HTTP_HEAD_BYTES];
	struct pv_http_head head = {.used = 0};
	struct pv_http_request request;
	struct pv_err err;

	memset(text, 'a', sizeof(text));
	CHECK(pv_http_take(&head, text, sizeof(text)) == PV_HTTP_HEAD_BYTES && !head.is_whole);
	CHECK(pv_http_parse(&head, &request, &err) == 431);
	snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\n\r\n", PV_HTTP_PATH_BYTES - 2, 0);
	CHECK(parse(text, &request, &err) == 0 && strlen(request.path) == PV_HTTP_PATH_BYTES - 1);
	snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\n\r\n", PV_HTTP_PATH_BYTES - 1, 0);
	CHECK(parse(text, &request, &err) == 414);
	strcpy(text, G);
	for (int i = 0; i < PV_HTTP_FIELDS; i++)
		strcat(text, "A: b\r\n");
	strcat(text, "\r\n");
	CHECK(parse(text, &request, &err) == 0);
	strcpy(text + strlen(text) - 2, "A: b\r\n\r\n");
	CHECK(parse(text, &request, &err) == 431);
}

static void test_answer(void)
{
	char head[PV_HTTP_ANSWER_BYTES];
	size_t length = pv_http_answer(head, 503, "application/json", 2, "Retry-After: 600\r\n");

	CHECK(length == strlen(head));
	CHECK_TEXT(head, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
			 "Content-Length: 2\r\nRetry-After: 600\r\nConnection: close\r\n\r\n");
	CHECK_TEXT(pv_http_reason(299), "Unknown");
}

int main(void)
{
	test_what_clients_send_is_read();
	test_what_others_may_read_otherwise_is_refused();
	test_nul_is_no_end();
	test_ranges();
	test_head_comes_in_pieces();
	test_head_has_limits();
	test_answer();
	return check_done();
}
