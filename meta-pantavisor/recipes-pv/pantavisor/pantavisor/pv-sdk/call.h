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

#endif
