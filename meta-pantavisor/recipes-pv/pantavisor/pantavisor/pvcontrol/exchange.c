/* SPDX-License-Identifier: MIT */
#include "exchange.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PIECE_BYTES 16384
#define LINE_BYTES 1024
#define OK 200

static int complain(const char *what, const char *which)
{
	fprintf(stderr, "pvcontrol: %s %s: %s\n", what, which, strerror(errno));
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

static bool put(int fd, const char *bytes, size_t length)
{
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

/* A server that refuses a body does not take it: its answer says why. */
static int put_file(int fd, int file)
{
	char bytes[PIECE_BYTES];
	ssize_t got;

	while ((got = read(file, bytes, sizeof(bytes))) > 0)
		if (!put(fd, bytes, (size_t)got))
			return 0;
	return got < 0 ? complain("cannot read", "the file") : 0;
}

static int send_request(int fd, const struct request *request)
{
	struct stat info;
	char head[LINE_BYTES];
	unsigned long long length = request->text ? strlen(request->text) : 0;
	int used;

	if (request->file >= 0) {
		if (fstat(request->file, &info) < 0)
			return complain("cannot read", "the file");
		length = (unsigned long long)info.st_size;
	}
	used = snprintf(head, sizeof(head),
		"%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %llu\r\nConnection: close\r\n\r\n",
		request->method, request->path, length);
	if (used >= (int)sizeof(head)) {
		errno = ENAMETOOLONG;
		return complain("cannot ask for", request->path);
	}
	if (put(fd, head, (size_t)used) && request->file >= 0)
		return put_file(fd, request->file);
	if (request->text)
		(void)put(fd, request->text, (size_t)length);
	return 0;
}

/* The status line and the fields; false where there is no whole head of an answer. */
static bool read_head(FILE *from, int *status, unsigned long long *length)
{
	char line[LINE_BYTES];
	bool has_length = false;

	if (!fgets(line, sizeof(line), from) || sscanf(line, "HTTP/1.%*1[01] %3d ", status) != 1)
		return false;
	while (fgets(line, sizeof(line), from)) {
		if (!strcmp(line, "\r\n") || !strcmp(line, "\n"))
			return has_length;
		if (!strncasecmp(line, "Content-Length:", strlen("Content-Length:"))) {
			*length = strtoull(line + strlen("Content-Length:"), NULL, 10);
			has_length = true;
		}
	}
	return false;
}

static int read_body(FILE *from, unsigned long long length, FILE *to)
{
	char bytes[PIECE_BYTES];

	while (length) {
		size_t got = fread(bytes, 1, length < sizeof(bytes) ? (size_t)length : sizeof(bytes), from);

		if (!got) {
			fprintf(stderr, "pvcontrol: the answer ends early\n");
			return -1;
		}
		if (fwrite(bytes, 1, got, to) != got)
			return complain("cannot write", "the answer");
		length -= got;
	}
	return fflush(to) == 0 ? 0 : complain("cannot write", "the answer");
}

static int read_answer(FILE *from, struct answer *answer, FILE *to)
{
	unsigned long long length;

	if (!read_head(from, &answer->status, &length)) {
		fprintf(stderr, "pvcontrol: there is no answer\n");
		return -1;
	}
	if (answer->status == OK)
		return read_body(from, length, to);
	answer->error[fread(answer->error, 1, sizeof(answer->error) - 1, from)] = '\0';
	return 0;
}

int exchange(const struct request *request, struct answer *answer, FILE *to)
{
	int fd = reach(request->socket), done = -1;
	FILE *from = fd < 0 ? NULL : fdopen(fd, "r");

	if (from && send_request(fd, request) == 0)
		done = read_answer(from, answer, to);
	if (from)
		fclose(from);
	return done;
}
