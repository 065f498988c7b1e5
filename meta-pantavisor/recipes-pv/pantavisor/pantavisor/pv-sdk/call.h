/* SPDX-License-Identifier: MIT */
/* One request of a laptop, and what the answers are made of. */
#ifndef PV_SDK_CALL_H
#define PV_SDK_CALL_H

#include <stdio.h>

#include "../pvcontrol/exchange.h"
#include "exchange.h"

#define DOOR "/cgi-bin/pvr"
#define BASE_BYTES 320

struct call {
	struct pv_exchange exchange;
	struct pv_http_request request;
	const char *name;      /* what is behind the path of a door */
	const char *socket;    /* the control socket */
	char base[BASE_BYTES]; /* the URL of the door, as the caller sees it */
};

/* Reads the head. False where there is none, or it is refused already: it is not a request, or a browser's.
 */
bool call_begin(struct call *call, int fd, const char *socket);
/* Answers by the table of what is behind the door. */
void call_answer(struct call *call);

/* The request at the control socket, with its body and ranges, and the answer as it comes. */
void relay(struct call *call, const char *path);
/* A stream that stands before the body of an answer, as it is. */
void relay_answer(struct call *call, FILE *from, const struct answer *answer);
/* As exchange_open(); the caller is refused where there is no answer. */
FILE *ask(struct call *call, const struct request *request, struct answer *answer);
/* The body, to be freed; NULL where that is answered already. */
char *take_text(struct call *call, size_t limit);

/* {"commit-msg":"...","rev":"locals/<name>","state":{...}}: put, noted and run. The state goes on as it is
 * spelled. Without a local name it gets one made of its text. */
void take_revision(struct call *call);

#endif
