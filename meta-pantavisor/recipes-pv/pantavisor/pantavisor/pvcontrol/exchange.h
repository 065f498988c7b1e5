/* SPDX-License-Identifier: MIT */
/* One request to the control socket, and its answer. */
#ifndef PVCONTROL_EXCHANGE_H
#define PVCONTROL_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define EXCHANGE_ERROR_BYTES 512
#define EXCHANGE_FIELD_BYTES 80

struct request {
	const char *socket;
	const char *method, *path;
	const char *fields;	   /* further lines of the head, or NULL */
	const char *text;	   /* the body, unless there is a file */
	int file;		   /* -1: none */
	unsigned long long length; /* of the file's bytes that are the body */
};

struct answer {
	int status;
	unsigned long long length;
	char offset[EXCHANGE_FIELD_BYTES]; /* Upload-Offset */
	char range[EXCHANGE_FIELD_BYTES];  /* Content-Range */
	char retry[EXCHANGE_FIELD_BYTES];  /* Retry-After */
	char error[EXCHANGE_ERROR_BYTES];  /* the body of a refusal, as far as it fits */
};

/* Connects, and sends the head and a text, not a file; the descriptor, or negative with a sentence on
 * stderr. */
int exchange_begin(const struct request *request);
/* False where the other end takes no more. */
bool exchange_put(int fd, const void *bytes, size_t length);
/* The descriptor is the stream's from now on, and closed with it. NULL as exchange_open(). */
FILE *exchange_hear(int fd, struct answer *answer);
/* Sends it; the stream stands before the body of the answer, and is to be closed. NULL, and a sentence on
 * stderr, where there is no whole head of an answer. */
FILE *exchange_open(const struct request *request, struct answer *answer);
int exchange_body(FILE *from, unsigned long long length, FILE *to);
/* The body of an answer 200 goes to `to`. Negative, and a sentence on stderr, where there is no whole
 * answer.
 */
int exchange(const struct request *request, struct answer *answer, FILE *to);

#endif
