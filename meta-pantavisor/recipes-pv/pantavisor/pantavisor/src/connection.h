/* SPDX-License-Identifier: MIT */
/*
 * One connection of the control socket, from accept() to close(): a request, PID 1's decision, an answer.
 * It never waits: each phase has a time, and what is kept of it is bounded. It runs in the process that
 * serves the socket, never in PID 1.
 */
#ifndef PV_CONNECTION_H
#define PV_CONNECTION_H

#include "loop.h"
#include "route.h"
#include "trail.h"

/* From accept() to the end of a request, but for large bodies: a caller that dawdles is let go. */
#define PV_CONNECTION_REQUEST_MS 10000
/* PID 1 answers at once, or it is busy. */
#define PV_CONNECTION_REPLY_MS 10000
/* Without a byte that moves. */
#define PV_CONNECTION_ANSWER_MS 30000
/* After the answer: what the caller still sends is taken off the line, so that it reads the answer. */
#define PV_CONNECTION_DRAIN_MS 2000
/* A process that does the rest. */
#define PV_CONNECTION_WORK_MS (60 * 60 * 1000)
/* From one attempt to end it to the next. */
#define PV_CONNECTION_KILL_MS 10000

enum pv_phase {
	PV_PHASE_HEAD,
	PV_PHASE_BODY,
	PV_PHASE_ASKED,
	PV_PHASE_WORK,
	PV_PHASE_ANSWER,
	PV_PHASE_DRAIN,
	PV_PHASE_OVER,
};

/* What follows a turn. */
enum pv_turn { PV_TURN_NOTHING, PV_TURN_ASK, PV_TURN_WORK };

struct pv_connection {
	struct pv_source source;
	void *owner; /* the handler's */
	struct pv_peer peer;
	enum pv_phase phase;
	int64_t deadline;
	struct pv_http_head head;
	struct pv_http_request request;
	const struct pv_route *route;
	char name[PV_HTTP_PATH_BYTES]; /* what follows the route's path */
	char *body;
	size_t body_used;
	struct pv_ctrl_ask ask;
	int refusal; /* of a command, for those who may give one; 0: none */
	struct pv_err why;
	/* The revision, as PID 1 named it; for a collection also the others that PID 1 needs, one a line.
	 */
	char running[PV_TRAIL_REVISIONS * (PV_REVISION_BYTES + 1)];
	int lock;     /* of the trails, while PID 1 is asked for a collection; else negative */
	pid_t worker; /* in the phase of work */
	char *out;
	size_t out_length, out_done;
};

/* `descriptor` is the connection's from now on; it does not block. */
struct pv_connection *pv_connection_open(int descriptor, const struct pv_peer *peer, int64_t now);
void pv_connection_close(struct pv_connection *connection);
/* Reads and writes as far as it goes, and no further than a piece. `ask` may be for PID 1 then. */
enum pv_turn pv_connection_turn(struct pv_connection *connection, int64_t now);
/* PID 1's word on the ask; there may be work to be done then, by a process of its own. */
enum pv_turn pv_connection_reply(
	struct pv_connection *connection, const struct pv_ctrl_reply *reply, int64_t now);
enum pv_handler pv_connection_handler(const struct pv_connection *connection);
/* That process has the descriptor; here it is closed. */
void pv_connection_hand_over(struct pv_connection *connection, pid_t worker, int64_t now);
/* PID 1 could not be asked, or did not answer; or the caller is late. */
void pv_connection_late(struct pv_connection *connection, int64_t now);

#endif
