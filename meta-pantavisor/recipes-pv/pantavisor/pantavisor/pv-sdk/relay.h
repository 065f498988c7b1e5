/* SPDX-License-Identifier: MIT */
/* From the laptop to the control socket, and back. */
#ifndef PV_SDK_RELAY_H
#define PV_SDK_RELAY_H

#include "call.h"

/* The request at the control socket, with its body and ranges, and the answer as it comes. */
void relay(struct call *call, const char *path);
/* A stream that stands before the body of an answer, as it is. */
void relay_answer(struct call *call, FILE *from, const struct answer *answer);
/* As exchange_open(); the caller is refused where there is no answer. */
FILE *ask(struct call *call, const struct request *request, struct answer *answer);
/* The body, to be freed; NULL where that is answered already. */
char *take_text(struct call *call, size_t limit);

#endif
