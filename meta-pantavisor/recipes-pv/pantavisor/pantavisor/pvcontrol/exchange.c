/* SPDX-License-Identifier: MIT */
#include "exchange.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PIECE_BYTES 16384
#define LINE_BYTES 1024
#define OK 200
#define NO_CONTENT 204
#define PARTIAL 206

static int complain(const char *what, const char *which)
{
	fprintf(stderr, "%s: %s %s: %s\n", program_invocation_short_name, what, which, strerror(errno));
	return -1;
}

static int reach(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return complain("cannot reach", path);
	}
	strcpy(address.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		complain("cannot reach", path);
		fprintf(stderr,
			"hint: run it in a container of a pantavisor device, or name the socket with -s\n");
		return -1;
	}
	return fd;
}

bool exchange_put(int fd, const void *data, size_t length)
{
	const char *bytes = data;

	while (length) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return false;
		bytes += sent;
		length -= (size_t)sent;
	}
	return true;
}

/* A server that refuses a body does not take it: its answer has the reason. */
static int put_file(int fd, int file, unsigned long long length)
{
	char bytes[PIECE_BYTES];
	ssize_t got = 1;

	while (length) {
		got = read(file, bytes, length < sizeof(bytes) ? (size_t)length : sizeof(bytes));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || !exchange_put(fd, bytes, (size_t)got))
			break;
		length -= (unsigned long long)got;
	}
	/* What ends early is not a body: the server waits for the rest until this end is closed. */
	if (!got)
		errno = ENODATA;
	return got <= 0 ? complain("cannot read", "the body") : 0;
}

int exchange_begin(const struct request *request)
{
	char head[LINE_BYTES];
	size_t text = request->text ? strlen(request->text) : 0;
	int fd = reach(request->socket), used;

	if (fd < 0)
		return -1;
	used = snprintf(head, sizeof(head),
		"%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %llu\r\n%sConnection: close\r\n\r\n",
		request->method, request->path, request->text ? text : request->length,
		request->fields ? request->fields : "");
	if (used >= (int)sizeof(head)) {
		close(fd);
		errno = ENAMETOOLONG;
		return complain("cannot ask for", request->path);
	}
	if (exchange_put(fd, head, (size_t)used) && text)
		(void)exchange_put(fd, request->text, text);
	return fd;
}

/* Only what is printed goes on to others. */
static void keep_field(const char *line, const char *name, char to[EXCHANGE_FIELD_BYTES])
{
	size_t used = 0;

	if (strncasecmp(line, name, strlen(name)) != 0 || line[strlen(name)] != ':')
		return;
	line += strlen(name) + 1;
	for (line += strspn(line, " "); *line >= ' ' && *line < 0x7f && used + 1 < EXCHANGE_FIELD_BYTES;
		line++)
		to[used++] = *line;
	to[used] = '\0';
}

/* The status line and the fields; false where there is no whole head of an answer. */
static bool read_head(FILE *from, struct answer *answer)
{
	char line[LINE_BYTES];
	bool has_length;

	*answer = (struct answer){0};
	if (!fgets(line, sizeof(line), from) || sscanf(line, "HTTP/1.%*1[01] %3d ", &answer->status) != 1)
		return false;
	has_length = answer->status == NO_CONTENT;
	while (fgets(line, sizeof(line), from)) {
		if (!strcmp(line, "\r\n") || !strcmp(line, "\n"))
			return has_length;
		if (!strncasecmp(line, "Content-Length:", strlen("Content-Length:"))) {
			answer->length = strtoull(line + strlen("Content-Length:"), NULL, 10);
			has_length = true;
		}
		keep_field(line, "Upload-Offset", answer->offset);
		keep_field(line, "Content-Range", answer->range);
		keep_field(line, "Retry-After", answer->retry);
	}
	return false;
}

int exchange_body(FILE *from, unsigned long long length, FILE *to)
{
	char bytes[PIECE_BYTES];

	while (length) {
		size_t got = fread(bytes, 1, length < sizeof(bytes) ? (size_t)length : sizeof(bytes), from);

		if (!got) {
			fprintf(stderr, "%s: the answer ends early\n", program_invocation_short_name);
			return -1;
		}
		if (fwrite(bytes, 1, got, to) != got)
			return complain("cannot write", "the answer");
		length -= got;
	}
	return fflush(to) == 0 ? 0 : complain("cannot write", "the answer");
}

FILE *exchange_hear(int fd, struct answer *answer)
{
	FILE *from = fdopen(fd, "r");

	if (!from) {
		close(fd);
		return NULL;
	}
	if (read_head(from, answer))
		return from;
	fprintf(stderr, "%s: the device did not answer\n", program_invocation_short_name);
	fclose(from);
	return NULL;
}

FILE *exchange_open(const struct request *request, struct answer *answer)
{
	int fd = exchange_begin(request);

	if (fd >= 0 && request->file >= 0 && put_file(fd, request->file, request->length) < 0) {
		close(fd);
		fd = -1;
	}
	return fd < 0 ? NULL : exchange_hear(fd, answer);
}

int exchange(const struct request *request, struct answer *answer, FILE *to)
{
	FILE *from = exchange_open(request, answer);
	int done = 0;

	if (!from)
		return -1;
	if (answer->status == OK || answer->status == PARTIAL)
		done = exchange_body(from, answer->length, to);
	else
		answer->error[fread(answer->error, 1, sizeof(answer->error) - 1, from)] = '\0';
	fclose(from);
	return done;
}
