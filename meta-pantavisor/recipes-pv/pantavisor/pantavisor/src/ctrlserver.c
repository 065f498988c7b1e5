/* SPDX-License-Identifier: MIT */
#include "ctrlserver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "connection.h"
#include "file.h"

#define ACCEPTED_AT_ONCE 16
#define REPLIES_AT_ONCE 16
/* Of a worker, after the standard descriptors. */
#define CALLER 3
#define STORAGE 4
#define LOCK 5
/* The answer to callers whose request is not read at all. */
#define TOO_MANY                                                                 \
	"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n" \
	"Content-Length: 34\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"      \
	"{\"Error\":\"too many connections\"}\r\n"

struct server {
	struct pv_loop loop;
	struct pv_source listener, wire;
	const struct pv_service *service;
	struct pv_connection **connections;
	size_t count;
	uint64_t last_id;
	bool is_over;
};

static void drop_connection(struct server *s, size_t i)
{
	pv_loop_remove(&s->loop, &s->connections[i]->source);
	pv_connection_close(s->connections[i]);
	s->connections[i] = s->connections[--s->count];
}

/* What PID 1 then names is all that is to be kept: nothing is made or verified meanwhile. */
static bool lock_trails(const struct server *s, struct pv_connection *c)
{
	if (c->ask.op != PV_CTRL_COLLECT || s->service->storage.root < 0)
		return true;
	c->lock = pv_trail_try_lock(s->service->storage.root);
	return c->lock >= 0;
}

static void send_ask(struct server *s, struct pv_connection *c)
{
	c->ask.id = ++s->last_id;
	if (!lock_trails(s, c) || send(s->wire.fd, &c->ask, sizeof(c->ask), MSG_NOSIGNAL | MSG_DONTWAIT) !=
					  (ssize_t)sizeof(c->ask))
		pv_connection_late(c, pv_now_ms());
}

/* The caller's descriptor, the storage's and its lock alone: others' connections must end when they are
 * closed. First to higher numbers, so that none is overwritten. */
static _Noreturn void work(const struct server *s, const struct pv_connection *c)
{
	struct pv_service service = *s->service;
	struct pv_deal deal = {.service = &service, .name = c->name, .running = c->running};
	int caller = fcntl(c->source.fd, F_DUPFD, LOCK + 1);
	int storage = fcntl(service.storage.root, F_DUPFD, LOCK + 1);
	int lock = fcntl(c->lock, F_DUPFD, LOCK + 1);
	sigset_t none;

	pv_close_range(CALLER, LOCK);
	dup2(caller, CALLER);
	service.storage.root = storage < 0 ? -1 : dup2(storage, STORAGE);
	deal.lock = lock < 0 ? -1 : dup2(lock, LOCK);
	pv_close_range(LOCK + 1, ~0U);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	pv_exchange_begin(&deal.exchange, CALLER, &c->request);
	pv_serve(&deal, pv_connection_handler(c));
	_exit(0);
}

static bool is_of(const struct pv_connection *c, const struct pv_peer *peer)
{
	return c->peer.kind == peer->kind && !strcmp(c->peer.container, peer->container);
}

static bool is_logs(const struct pv_connection *c)
{
	return pv_connection_handler(c) == PV_HANDLER_LOGS;
}

/* Any container may ask for its logs, and however many do: half of the places is kept for those that manage
 * the device. */
static bool has_place(bool for_logs, size_t others, size_t logs)
{
	if (for_logs)
		return logs < PV_CTRLSERVER_WORKERS / 2 && others + logs < PV_CTRLSERVER_WORKERS;
	return others < PV_CTRLSERVER_WORKERS / 2 || others + logs < PV_CTRLSERVER_WORKERS;
}

static bool may_work(const struct server *s, const struct pv_connection *c)
{
	size_t others = 0, logs = 0;
	bool has_one = false;

	for (size_t i = 0; i < s->count; i++) {
		if (s->connections[i]->phase != PV_PHASE_WORK)
			continue;
		others += !is_logs(s->connections[i]);
		logs += is_logs(s->connections[i]);
		has_one |= is_of(s->connections[i], &c->peer);
	}
	return !has_one || has_place(is_logs(c), others, logs);
}

static void start_work(struct server *s, struct pv_connection *c)
{
	pid_t pid = may_work(s, c) ? fork() : -1;

	if (!pid)
		work(s, c);
	if (pid < 0) {
		pv_connection_late(c, pv_now_ms());
		return;
	}
	pv_loop_remove(&s->loop, &c->source);
	pv_connection_hand_over(c, pid, pv_now_ms());
}

static void turn_connection(struct pv_source *source, short events)
{
	struct pv_connection *c = source->data;

	(void)events;
	if (pv_connection_turn(c, pv_now_ms()) == PV_TURN_ASK)
		send_ask(c->owner, c);
}

/* The newest comes in the place of one that has its answer. */
static bool has_room(struct server *s, const struct pv_peer *peer)
{
	size_t same = 0, answered = s->count;

	for (size_t i = 0; i < s->count; i++) {
		if (!is_of(s->connections[i], peer))
			continue;
		same++;
		if (s->connections[i]->phase >= PV_PHASE_DRAIN)
			answered = i;
	}
	if (same < PV_CTRLSERVER_EACH)
		return true;
	if (answered == s->count)
		return false;
	drop_connection(s, answered);
	return true;
}

static void add(struct server *s, int descriptor)
{
	struct pv_connection *c;
	struct pv_peer peer;

	pv_peer_identify(descriptor, &peer);
	if (!has_room(s, &peer)) {
		(void)!send(descriptor, TOO_MANY, strlen(TOO_MANY), MSG_NOSIGNAL | MSG_DONTWAIT);
		close(descriptor);
		return;
	}
	c = pv_connection_open(descriptor, &peer, pv_now_ms());
	c->owner = s;
	c->source.handle = turn_connection;
	s->connections = pv_resize(s->connections, s->count + 1, sizeof(struct pv_connection *));
	s->connections[s->count++] = c;
	pv_loop_add(&s->loop, &c->source);
}

static void accept_some(struct pv_source *source, short events)
{
	struct server *s = source->data;

	(void)events;
	for (int i = 0; i < ACCEPTED_AT_ONCE; i++) {
		int descriptor = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (descriptor < 0)
			return;
		add(s, descriptor);
	}
}

static void take_reply(struct server *s, const struct pv_ctrl_reply *reply)
{
	for (size_t i = 0; i < s->count; i++) {
		struct pv_connection *c = s->connections[i];

		if (c->ask.id == reply->id && c->phase == PV_PHASE_ASKED &&
			pv_connection_reply(c, reply, pv_now_ms()) == PV_TURN_WORK)
			start_work(s, c);
	}
}

static void take_replies(struct pv_source *source, short events)
{
	static struct pv_ctrl_reply reply;
	struct server *s = source->data;

	(void)events;
	for (int i = 0; i < REPLIES_AT_ONCE; i++) {
		ssize_t got = recv(source->fd, &reply, sizeof(reply), MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		/* PID 1 ended this wire: there is another server. */
		s->is_over = got <= 0;
		if (s->is_over)
			return;
		if ((size_t)got == offsetof(struct pv_ctrl_reply, body) + reply.length)
			take_reply(s, &reply);
	}
}

static void reap_workers(struct server *s)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < s->count; i++)
			if (s->connections[i]->phase == PV_PHASE_WORK && s->connections[i]->worker == pid)
				s->connections[i]->phase = PV_PHASE_OVER;
}

/* When something is late next. */
static int64_t look_at_deadlines(struct server *s)
{
	int64_t now = pv_now_ms(), next = PV_LOOP_FOREVER;

	for (size_t i = 0; i < s->count;) {
		struct pv_connection *c = s->connections[i];

		if (c->phase != PV_PHASE_OVER && now >= c->deadline)
			pv_connection_late(c, now);
		if (c->phase == PV_PHASE_OVER) {
			drop_connection(s, i);
			continue;
		}
		next = pv_earlier_of(next, c->deadline);
		i++;
	}
	return next;
}

static void add_source(
	struct server *s, struct pv_source *source, int fd, void (*handle)(struct pv_source *, short))
{
	*source = (struct pv_source){.fd = fd, .events = POLLIN, .handle = handle, .data = s};
	pv_loop_add(&s->loop, source);
}

_Noreturn void pv_ctrlserver_run(int listener, int wire, const struct pv_service *service)
{
	static const int asks[] = {SIGTERM};
	static struct server s;

	s.service = service;
	pv_loop_init(&s.loop, asks, PV_COUNT(asks));
	add_source(&s, &s.listener, listener, accept_some);
	add_source(&s, &s.wire, wire, take_replies);
	while (!s.is_over) {
		reap_workers(&s);
		s.is_over |= pv_loop_wait(&s.loop, look_at_deadlines(&s)) == SIGTERM;
	}
	_exit(0);
}
