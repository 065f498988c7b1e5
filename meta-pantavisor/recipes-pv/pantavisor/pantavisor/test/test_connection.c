/* SPDX-License-Identifier: MIT */
/* The phases of a connection and their times, by a clock of the test's own. */
#include "connection.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "text.h"

static struct pv_connection *open_pair(int *caller, const char *text)
{
	int ends[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	CHECK(send(ends[0], text, strlen(text), 0) == (ssize_t)strlen(text));
	*caller = ends[0];
	return pv_connection_open(ends[1], &(struct pv_peer){.kind = PV_PEER_HOST}, 1000);
}

static void test_caller_that_dawdles_is_let_go(void)
{
	static const struct {
		const char *text;
		enum pv_phase phase;
	} rows[] = {{"GET /groups HT", PV_PHASE_HEAD},
		{"POST /signal HTTP/1.1\r\nContent-Length: 9\r\n\r\n{", PV_PHASE_BODY}};

	for (size_t i = 0; i < PV_COUNT(rows); i++) {
		char answer[512] = "";
		int caller;
		struct pv_connection *c = open_pair(&caller, rows[i].text);

		/* A byte now and then does not prolong it. */
		CHECK(pv_connection_turn(c, 1000) == PV_TURN_NOTHING &&
			pv_connection_turn(c, 9000) == PV_TURN_NOTHING);
		CHECK(c->phase == rows[i].phase && c->deadline == 1000 + PV_CONNECTION_REQUEST_MS);
		pv_connection_late(c, c->deadline);
		CHECK(c->phase == PV_PHASE_ANSWER);
		pv_connection_turn(c, 11000);
		CHECK(c->phase == PV_PHASE_DRAIN && c->deadline == 11000 + PV_CONNECTION_DRAIN_MS);
		CHECK(recv(caller, answer, sizeof(answer) - 1, 0) > 0);
		CHECK_HAS(answer, "408 Request Timeout");
		pv_connection_late(c, c->deadline);
		CHECK(c->phase == PV_PHASE_OVER);
		pv_connection_close(c);
		close(caller);
	}
}

static void test_pid_1_that_does_not_answer_is_busy(void)
{
	int caller;
	struct pv_connection *c = open_pair(&caller, "GET /groups HTTP/1.1\r\n\r\n");

	CHECK(pv_connection_turn(c, 1000) == PV_TURN_ASK && c->phase == PV_PHASE_ASKED);
	pv_connection_late(c, c->deadline);
	CHECK(c->phase == PV_PHASE_ANSWER && strstr(c->out, " 503 "));
	CHECK_HAS(c->out, "Retry-After: 1\r\n");
	/* One that does not read its answer is let go, too. */
	pv_connection_late(c, c->deadline);
	CHECK(c->phase == PV_PHASE_OVER);
	pv_connection_close(c);
	close(caller);
}

/* It may hang in the kernel. A deadline that is over would keep its server turning meanwhile. */
static void test_process_that_does_not_end_is_killed_again_later(void)
{
	int caller;
	struct pv_connection *c = open_pair(&caller, "GET /storage HTTP/1.1\r\n\r\n");
	pid_t worker = fork();

	if (!worker)
		for (;;)
			pause();
	pv_connection_hand_over(c, worker, 1000);
	CHECK(c->phase == PV_PHASE_WORK && c->deadline == 1000 + PV_CONNECTION_WORK_MS);
	pv_connection_late(c, c->deadline);
	CHECK(waitpid(worker, NULL, 0) == worker);
	CHECK(c->phase == PV_PHASE_WORK && c->deadline > 1000 + PV_CONNECTION_WORK_MS);
	pv_connection_close(c);
	close(caller);
}

/* After PID 1 replied to a command. */
static struct pv_connection *command(const char *body, const struct pv_ctrl_reply *reply, int *caller)
{
	cleanup_free char *text =
		pv_fmt("POST /commands HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
	struct pv_connection *c = open_pair(caller, text);

	CHECK(pv_connection_turn(c, 1000) == PV_TURN_NOTHING);
	CHECK(pv_connection_turn(c, 1000) == PV_TURN_ASK && c->ask.op == PV_CTRL_MAY);
	CHECK(pv_connection_reply(c, reply, 1000) == PV_TURN_NOTHING && c->phase == PV_PHASE_ANSWER);
	return c;
}

static void test_who_may_command_nothing_learns_nothing_of_commands(void)
{
	static const char *const bodies[] = {
		"{\"op\":\"UNCLAIM\"}", "{\"op\":\"GO_REMOTE\"}", "{\"op\":\"NONE\"}", "{}", "{{{"};
	static const char *const answers[] = {
		"204 No Content", "409 Conflict", "400 Bad Request", "400 Bad Request", "400 Bad Request"};
	static struct pv_ctrl_reply yes = {.status = 200, .length = 1, .body = "0"}, no = {.status = 403};

	for (size_t i = 0; i < PV_COUNT(bodies); i++) {
		int caller;
		struct pv_connection *c = command(bodies[i], &no, &caller);

		CHECK_HAS(c->out, " 403 Forbidden");
		pv_connection_close(c);
		close(caller);
		c = command(bodies[i], &yes, &caller);
		CHECK_HAS(c->out, answers[i]);
		pv_connection_close(c);
		close(caller);
	}
}

/* RFC 9110, 8.6 and 15.3.5: neither a length nor content. */
static void test_answer_204_has_no_content(void)
{
	static const char wanted[] = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
	static struct pv_ctrl_reply yes = {.status = 200};
	int caller;
	struct pv_connection *c = command("{\"op\":\"UNCLAIM\"}", &yes, &caller);

	CHECK(c->out_length == strlen(wanted) && !memcmp(c->out, wanted, strlen(wanted)));
	pv_connection_close(c);
	close(caller);
}

int main(void)
{
	test_caller_that_dawdles_is_let_go();
	test_who_may_command_nothing_learns_nothing_of_commands();
	test_answer_204_has_no_content();
	test_pid_1_that_does_not_answer_is_busy();
	test_process_that_does_not_end_is_killed_again_later();
	return check_done();
}
