/* SPDX-License-Identifier: MIT */
/* Requests, PID 1's word and answers; nothing of the storage. */
#include <sys/mman.h>

#include "beneath.h"
#include "caller.h"
#include "tree.h"

static void test_reply_of_pid_1_is_the_answer(void)
{
	int fd = call("GET /containers HTTP/1.1\r\nHost: localhost\r\n\r\n");
	struct pv_ctrl_ask ask = take_ask();
	cleanup_free char *answer = NULL;

	CHECK(ask.op == PV_CTRL_CONTAINERS && ask.peer.is_root == (getuid() == 0));
	give(&ask, 200, "[{\"name\":\"web\"}]");
	answer = hear(fd);
	CHECK_TEXT(answer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n"
			   "Connection: close\r\n\r\n[{\"name\":\"web\"}]");
}

static void test_body_comes_after_it_was_invited(void)
{
	int fd = call("POST /signal HTTP/1.1\r\nContent-Length: 16\r\nExpect: 100-continue\r\n\r\n");
	cleanup_free char *answer = NULL;
	struct pv_ctrl_ask ask;
	char invitation[64] = "";

	CHECK(recv(fd, invitation, sizeof(invitation) - 1, 0) > 0);
	CHECK_TEXT(invitation, "HTTP/1.1 100 Continue\r\n\r\n");
	CHECK(send(fd, "{\"type\":", 8, 0) == 8 && send(fd, "\"ready\"}", 8, 0) == 8);
	ask = take_ask();
	CHECK(ask.op == PV_CTRL_READY);
	give(&ask, 200, "");
	answer = hear(fd);
	CHECK_HAS(answer, "HTTP/1.1 200 OK\r\n");
	CHECK_HAS(answer, "Content-Length: 0\r\n");
}

static void test_refusals(void)
{
	static const struct {
		const char *path, *sentence;
	} rows[] = {{"/groups", "Request not sent from a mgmt platform"},
		{"/steps/7", "Request not sent from mgmt platform"}};

	for (size_t i = 0; i < PV_COUNT(rows); i++) {
		cleanup_free char *request = pv_fmt("GET %s HTTP/1.0\n\n", rows[i].path), *answer = NULL;
		int fd = call(request);
		struct pv_ctrl_ask ask = take_ask();

		give(&ask, 403, "");
		answer = hear(fd);
		CHECK_HAS(answer, "HTTP/1.1 403 Forbidden\r\n");
		CHECK_HAS(answer, rows[i].sentence);
	}
}

static void test_later_is_said_when(void)
{
	int fd = call("POST /commands HTTP/1.1\r\nContent-Length: 22\r\n\r\n{\"op\":\"REBOOT_DEVICE\"}");
	struct pv_ctrl_ask ask = take_ask();
	cleanup_free char *answer = NULL;

	give(&ask, 503, "{\"Error\":\"busy\"}");
	answer = hear(fd);
	CHECK_HAS(answer, "\r\nRetry-After: 600\r\n");
}

static void test_what_the_server_knows_it_answers(void)
{
	int fd = call("GET /buildinfo HTTP/1.1\r\n\r\n");
	struct pv_ctrl_ask ask = take_ask();
	cleanup_free char *answer = NULL;

	CHECK(ask.op == PV_CTRL_MAY);
	give(&ask, 200, "");
	answer = hear(fd);
	CHECK_HAS(answer, "{\"pantavisor\":\"" PV_VERSION "\"}");
}

static const struct {
	const char *text, *status;
} bad[] = {
	{"GET /nothing HTTP/1.1\r\n\r\n", "400 Bad Request"},
	{"BREW /groups HTTP/1.1\r\n\r\n", "400 Bad Request"},
	{"\x16\x03\x01\x02\x03\n\n", "400 Bad Request"},
	{"GET /groups HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411 Length Required"},
	{"POST /signal HTTP/1.1\r\nContent-Length: 5000\r\n\r\n", "413 Content Too Large"},
	{"POST /signal HTTP/1.1\r\nContent-Length: 4\r\n\r\n{{{{", "400 Bad Request"},
	{"POST /signal HTTP/1.1\r\n\r\n{\"type\":\"ready\"}", "400 Bad Request"},
};

/* None of it comes to PID 1: the next ask is that of the next test. */
static void test_nonsense_is_answered_without_pid_1(void)
{
	for (size_t i = 0; i < PV_COUNT(bad); i++) {
		cleanup_free char *answer = hear(call(bad[i].text));

		CHECK_HAS(answer, bad[i].status);
		CHECK_HAS(answer, "{\"Error\":\"");
	}
}

static void test_endless_head_is_refused(void)
{
	static char text[3 * PV_HTTP_HEAD_BYTES];
	cleanup_free char *answer = NULL;

	memset(text, 'a', sizeof(text) - 1);
	answer = hear(call(text));
	CHECK_HAS(answer, "431 Request Header Fields Too Large");
}

static void test_caller_that_goes_leaves_nothing(void)
{
	int fd = call("GET /containers HTTP/1.1\r\n\r\n");
	struct pv_ctrl_ask ask = take_ask();

	close(fd);
	give(&ask, 200, "[]");
	/* A reply that comes again, or to none, is passed over. */
	give(&ask, 200, "[]");
	ask.id += 1000;
	give(&ask, 200, "[]");
	close(call("GET /cont"));
	close(call(""));
	test_reply_of_pid_1_is_the_answer();
}

static void send_with_descriptor(int fd, const char *text)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	struct iovec piece = {.iov_base = pv_dup(text, strlen(text)), .iov_len = strlen(text)};
	struct msghdr message = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	CHECK(sendmsg(fd, &message, 0) == (ssize_t)piece.iov_len);
	free(piece.iov_base);
}

static void test_descriptors_that_come_along_are_dropped(void)
{
	int fd = call("GET /gr");
	cleanup_free char *answer = NULL;
	struct pv_ctrl_ask ask;

	send_with_descriptor(fd, "oups HTTP/1.1\r\n");
	send_with_descriptor(fd, "\r\n");
	ask = take_ask();
	CHECK(ask.op == PV_CTRL_GROUPS);
	give(&ask, 200, "[]");
	answer = hear(fd);
	CHECK_HAS(answer, "\r\n\r\n[]");
}

static void test_connections_of_one_are_bounded(void)
{
	int fds[PV_CTRLSERVER_EACH];
	cleanup_free char *answer = NULL;

	for (int i = 0; i < PV_CTRLSERVER_EACH; i++)
		fds[i] = call("GET /");
	answer = hear(call(""));
	CHECK_HAS(answer, "HTTP/1.1 503 Service Unavailable\r\n");
	CHECK_HAS(answer, "\r\n\r\n{\"Error\":\"too many connections\"}");
	for (int i = 0; i < PV_CTRLSERVER_EACH; i++)
		close(fds[i]);
}

/* The containers that call, one after another, as the server is made to see them. */
static struct pv_peer *next_peer;

void pv_peer_identify(int connection, struct pv_peer *peer)
{
	(void)connection;
	*peer = *next_peer;
}

static int call_from(const char *container, const char *text)
{
	struct pv_ctrl_ask ask;
	int fd;

	snprintf(next_peer->container, sizeof(next_peer->container), "%s", container);
	next_peer->kind = *container ? PV_PEER_CONTAINER : PV_PEER_HOST;
	fd = call(text);
	ask = take_ask();
	CHECK_TEXT(ask.peer.container, container);
	give(&ask, 200, "0");
	return fd;
}

/* A state that never comes: for each of them a process waits. */
static const char slow[] =
	"PUT /steps/locals/x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";

static void test_slow_callers_of_some_keep_no_others_out(void)
{
	static const char *const names[] = {"a", "b", "c"};
	int fds[PV_CTRLSERVER_WORKERS];
	cleanup_free char *answer = NULL, *refused = NULL, *ready = NULL, *own = NULL;
	char invitation[sizeof("HTTP/1.1 100 Continue\r\n\r\n") - 1];

	for (size_t i = 0; i < PV_CTRLSERVER_WORKERS; i++) {
		fds[i] = call_from(names[i % PV_COUNT(names)], slow);
		CHECK(recv(fds[i], invitation, sizeof(invitation), MSG_WAITALL) == sizeof(invitation));
	}
	refused = hear(call_from("a", "GET /storage HTTP/1.1\r\n\r\n"));
	CHECK_HAS(refused, "503 Service Unavailable");
	/* What takes no process, and a caller that has none. */
	ready = hear(
		call_from("a", "POST /signal HTTP/1.1\r\nContent-Length: 16\r\n\r\n{\"type\":\"ready\"}"));
	CHECK_HAS(ready, "200 OK");
	answer = hear(call_from("d", "GET /storage HTTP/1.1\r\n\r\n"));
	CHECK_HAS(answer, "200 OK");
	own = hear(call_from("", "GET /storage HTTP/1.1\r\n\r\n"));
	CHECK_HAS(own, "200 OK");
	for (int i = 0; i < PV_CTRLSERVER_WORKERS; i++)
		close(fds[i]);
}

/* Logs that are not read: the rest of the places stays for those that manage the device. */
static void test_slow_readers_of_logs_leave_places(void)
{
	static const char *const names[] = {"a", "b", "c"};
	static char large[4 * 1024 * 1024];
	int fds[PV_CTRLSERVER_WORKERS / 2];
	cleanup_free char *refused = NULL, *answer = NULL;

	memset(large, 'x', sizeof(large) - 1);
	tree_file("logs/0/console.log", large);
	for (size_t i = 0; i < PV_COUNT(fds); i++)
		fds[i] = call_from(names[i % PV_COUNT(names)], "GET /logs HTTP/1.1\r\n\r\n");
	refused = hear(call_from("a", "GET /logs HTTP/1.1\r\n\r\n"));
	CHECK_HAS(refused, "503 Service Unavailable");
	answer = hear(call_from("a", "GET /storage HTTP/1.1\r\n\r\n"));
	CHECK_HAS(answer, "200 OK");
	for (size_t i = 0; i < PV_COUNT(fds); i++)
		close(fds[i]);
}

/* Each container may have one, and they may be many: those that manage the device have their half. */
static void test_logs_of_many_containers_leave_places(void)
{
	int fds[PV_CTRLSERVER_WORKERS + 2];
	cleanup_free char *answer = NULL;
	char invitation[sizeof("HTTP/1.1 100 Continue\r\n\r\n") - 1];

	for (size_t i = 0; i < PV_COUNT(fds) - 1; i++)
		fds[i] = call_from((char[]){(char)('a' + i), '\0'}, "GET /logs HTTP/1.1\r\n\r\n");
	fds[PV_COUNT(fds) - 1] = call_from("manager", slow);
	CHECK(recv(fds[PV_COUNT(fds) - 1], invitation, sizeof(invitation), MSG_WAITALL) ==
		sizeof(invitation));
	answer = hear(call_from("manager", "GET /storage HTTP/1.1\r\n\r\n"));
	CHECK_HAS(answer, "200 OK");
	for (size_t i = 0; i < PV_COUNT(fds); i++)
		close(fds[i]);
}

int main(void)
{
	struct pv_err err;
	struct pv_service service = {0};

	next_peer =
		mmap(NULL, sizeof(*next_peer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(next_peer != MAP_FAILED);
	*next_peer = (struct pv_peer){.kind = PV_PEER_HOST, .is_root = getuid() == 0};
	tree_begin();
	service.storage = pv_storage_at(pv_beneath_root(tree_root, &err));
	caller_begin(&service);
	test_reply_of_pid_1_is_the_answer();
	test_body_comes_after_it_was_invited();
	test_refusals();
	test_later_is_said_when();
	test_what_the_server_knows_it_answers();
	test_nonsense_is_answered_without_pid_1();
	test_endless_head_is_refused();
	test_caller_that_goes_leaves_nothing();
	test_descriptors_that_come_along_are_dropped();
	test_connections_of_one_are_bounded();
	test_slow_callers_of_some_keep_no_others_out();
	test_slow_readers_of_logs_leave_places();
	test_logs_of_many_containers_leave_places();
	caller_end();
	close(service.storage.root);
	tree_end();
	return check_done();
}
