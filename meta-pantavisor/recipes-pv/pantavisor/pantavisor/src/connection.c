/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "http_answer.h"
#include "jsontext.h"
#include "text.h"

#define PIECE_BYTES (16 * 1024)
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
#define JSON "application/json"
#define OK 200
#define FORBIDDEN 403
#define TIMEOUT 408
#define BUSY 503

struct pv_connection *pv_connection_open(int descriptor, const struct pv_peer *peer, int64_t now)
{
	struct pv_connection *c = pv_alloc(1, sizeof(*c));

	c->source = (struct pv_source){.fd = descriptor, .events = POLLIN, .data = c};
	c->peer = *peer;
	c->lock = -1;
	c->deadline = now + PV_CONNECTION_REQUEST_MS;
	return c;
}

static void unlock(struct pv_connection *c)
{
	pv_cleanup_close(&c->lock);
	c->lock = -1;
}

void pv_connection_close(struct pv_connection *c)
{
	unlock(c);
	pv_cleanup_close(&c->source.fd);
	free(c->body);
	free(c->out);
	free(c);
}

static enum pv_turn enter(struct pv_connection *c, enum pv_phase phase, int64_t deadline)
{
	static const short events[] = {
		[PV_PHASE_HEAD] = POLLIN,
		[PV_PHASE_BODY] = POLLIN,
		[PV_PHASE_ASKED] = 0,
		[PV_PHASE_WORK] = 0,
		[PV_PHASE_ANSWER] = POLLOUT,
		[PV_PHASE_DRAIN] = POLLIN,
		[PV_PHASE_OVER] = 0,
	};

	/* A process that collects has it, or nothing is collected. */
	if (phase != PV_PHASE_ASKED)
		unlock(c);
	c->phase = phase;
	c->deadline = deadline;
	c->source.events = events[phase];
	return PV_TURN_NOTHING;
}

static enum pv_turn answer(
	struct pv_connection *c, int status, const char *text, const char *fields, int64_t now)
{
	char head[PV_HTTP_ANSWER_BYTES];
	size_t length = strlen(text), used = pv_http_answer(head, status, JSON, length, fields);

	if (c->request.method == PV_HTTP_HEAD || !pv_http_has_body(status))
		length = 0;
	c->out_length = used + length;
	c->out = pv_alloc(c->out_length, 1);
	memcpy(c->out, head, used);
	memcpy(c->out + used, text, length);
	return enter(c, PV_PHASE_ANSWER, now + PV_CONNECTION_ANSWER_MS);
}

static enum pv_turn refuse(struct pv_connection *c, int status, const char *why, int64_t now)
{
	cleanup_free char *text = pv_jsontext_member("Error", why);

	return answer(c, status, text, "", now);
}

/* What is to be done by a process of its own is not read here. */
static bool is_work(const struct pv_connection *c)
{
	return c->route->handler != PV_HANDLER_PASS_ON;
}

static enum pv_turn ask(struct pv_connection *c, int64_t now)
{
	c->ask = (struct pv_ctrl_ask){.peer = c->peer};
	c->refusal =
		pv_route_ask(c->route, c->name, c->body ? c->body : "", c->body_used, &c->ask, &c->why);
	/* Who may give no command learns that alone. */
	if (c->refusal && c->ask.op != PV_CTRL_MAY)
		return refuse(c, c->refusal, c->why.text, now);
	enter(c, PV_PHASE_ASKED, now + PV_CONNECTION_REPLY_MS);
	return PV_TURN_ASK;
}

static bool send_continue(struct pv_connection *c)
{
	return !c->request.expects_continue ||
	       send(c->source.fd, CONTINUE, strlen(CONTINUE), MSG_NOSIGNAL) == (ssize_t)strlen(CONTINUE);
}

static enum pv_turn begin(struct pv_connection *c, int64_t now)
{
	struct pv_err err;
	int status = pv_http_parse(&c->head, &c->request, &err);

	if (!status)
		status = pv_route_find(&c->request, &c->route, c->name, &err);
	if (status)
		return refuse(c, status, err.text, now);
	if (is_work(c) || !c->request.length)
		return ask(c, now);
	c->body = pv_alloc(c->request.length + 1, 1);
	return enter(c, send_continue(c) ? PV_PHASE_BODY : PV_PHASE_OVER, c->deadline);
}

/* 0 where there is nothing now, and over where there will be nothing. */
static size_t take(struct pv_connection *c, char *bytes, size_t room, int64_t now)
{
	ssize_t got = recv(c->source.fd, bytes, room, MSG_DONTWAIT);

	if (got > 0)
		return (size_t)got;
	if (got == 0 || (errno != EAGAIN && errno != EINTR))
		enter(c, PV_PHASE_OVER, now);
	return 0;
}

/* The head is looked at before it is taken, so that of a body nothing is read with it. Its bytes are there,
 * but descriptors that a caller sends along make them come in pieces. */
static enum pv_turn read_head(struct pv_connection *c, int64_t now)
{
	char bytes[PIECE_BYTES];
	ssize_t seen = recv(c->source.fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_PEEK);
	size_t left = seen > 0 ? pv_http_take(&c->head, bytes, (size_t)seen) : sizeof(bytes), got;

	do {
		got = take(c, bytes, left, now);
		left -= got;
	} while (got && left);
	if (seen <= 0 || c->phase != PV_PHASE_HEAD)
		return PV_TURN_NOTHING;
	return c->head.is_whole || c->head.used == PV_HTTP_HEAD_BYTES ? begin(c, now) : PV_TURN_NOTHING;
}

static enum pv_turn read_body(struct pv_connection *c, int64_t now)
{
	c->body_used += take(c, c->body + c->body_used, c->request.length - c->body_used, now);
	return c->phase == PV_PHASE_BODY && c->body_used == c->request.length ? ask(c, now)
									      : PV_TURN_NOTHING;
}

static enum pv_turn write_answer(struct pv_connection *c, int64_t now)
{
	ssize_t put = send(c->source.fd, c->out + c->out_done, c->out_length - c->out_done,
		MSG_NOSIGNAL | MSG_DONTWAIT);

	if (put < 0 && errno != EAGAIN && errno != EINTR)
		return enter(c, PV_PHASE_OVER, now);
	if (put < 0)
		return PV_TURN_NOTHING;
	c->out_done += (size_t)put;
	c->deadline = now + PV_CONNECTION_ANSWER_MS;
	if (c->out_done < c->out_length)
		return PV_TURN_NOTHING;
	shutdown(c->source.fd, SHUT_WR);
	return enter(c, PV_PHASE_DRAIN, now + PV_CONNECTION_DRAIN_MS);
}

static enum pv_turn drain(struct pv_connection *c, int64_t now)
{
	char bytes[PIECE_BYTES];

	(void)take(c, bytes, sizeof(bytes), now);
	return PV_TURN_NOTHING;
}

enum pv_turn pv_connection_turn(struct pv_connection *c, int64_t now)
{
	switch (c->phase) {
	case PV_PHASE_HEAD:
		return read_head(c, now);
	case PV_PHASE_BODY:
		return read_body(c, now);
	case PV_PHASE_ANSWER:
		return write_answer(c, now);
	case PV_PHASE_DRAIN:
		return drain(c, now);
	case PV_PHASE_ASKED:
	case PV_PHASE_WORK:
	case PV_PHASE_OVER:
	default:
		/* poll() reports a caller that is gone, whatever it was asked for. */
		return enter(c, PV_PHASE_OVER, now);
	}
}

enum pv_handler pv_connection_handler(const struct pv_connection *c)
{
	return c->ask.op == PV_CTRL_COLLECT ? PV_HANDLER_COLLECT : c->route->handler;
}

enum pv_turn pv_connection_reply(struct pv_connection *c, const struct pv_ctrl_reply *reply, int64_t now)
{
	cleanup_free char *text = pv_dup(reply->body, reply->length), *fields = NULL;

	if (reply->status == FORBIDDEN && !reply->length)
		return refuse(c, FORBIDDEN, pv_route_forbidden(c->route), now);
	if (reply->status == OK && c->refusal)
		return refuse(c, c->refusal, c->why.text, now);
	if (reply->status == OK && pv_connection_handler(c) != PV_HANDLER_PASS_ON) {
		snprintf(c->running, sizeof(c->running), "%s", text);
		return PV_TURN_WORK;
	}
	if (reply->retry_s)
		fields = pv_fmt("Retry-After: %d\r\n", reply->retry_s);
	return answer(c, reply->status, text, fields ? fields : "", now);
}

void pv_connection_hand_over(struct pv_connection *c, pid_t worker, int64_t now)
{
	close(c->source.fd);
	c->source.fd = -1;
	c->worker = worker;
	enter(c, PV_PHASE_WORK, now + PV_CONNECTION_WORK_MS);
}

/* One that hangs in the kernel does not end at once. */
static void end_worker(struct pv_connection *c, int64_t now)
{
	kill(c->worker, SIGKILL);
	c->deadline = now + PV_CONNECTION_KILL_MS;
}

void pv_connection_late(struct pv_connection *c, int64_t now)
{
	if (c->phase == PV_PHASE_HEAD || c->phase == PV_PHASE_BODY)
		refuse(c, TIMEOUT, "the request did not come in time", now);
	else if (c->phase == PV_PHASE_ASKED)
		answer(c, BUSY, "{\"Error\":\"the device is busy\"}", "Retry-After: 1\r\n", now);
	else if (c->phase == PV_PHASE_WORK)
		end_worker(c, now);
	else
		enter(c, PV_PHASE_OVER, now);
}
