/* SPDX-License-Identifier: MIT */
/* One request to the control socket, and its answer. */
#ifndef PVCONTROL_EXCHANGE_H
#define PVCONTROL_EXCHANGE_H

#include <stddef.h>
#include <stdio.h>

#define EXCHANGE_ERROR_BYTES 512

struct request {
	const char *socket;
	const char *method, *path;
	const char *text; /* the body, unless there is a file */
	int file;	  /* -1: none; a regular file */
};

struct answer {
	int status;
	char error[EXCHANGE_ERROR_BYTES]; /* the body of a refusal, as far as it fits */
};

/* The body of an answer 200 goes to `to`. Negative, and a sentence on stderr, where there is no whole
 * answer.
 */
int exchange(const struct request *request, struct answer *answer, FILE *to);

#endif
