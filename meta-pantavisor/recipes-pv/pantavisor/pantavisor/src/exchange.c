/* SPDX-License-Identifier: MIT */
#include "exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "alloc.h"
#include "http_answer.h"
#include "jsontext.h"
#include "text.h"

#define PIECE_BYTES (64 * 1024)
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
#define JSON "application/json"
#define TOO_SHORT "{\"Error\":\"there are not that many bytes\"}"
#define OK 200
#define PARTIAL 206
#define NOT_SATISFIABLE 416

void pv_exchange_begin(struct pv_exchange *x, int fd, const struct pv_http_request *request)
{
	const struct timeval idle = {.tv_sec = PV_EXCHANGE_IDLE_S};
	int flags = fcntl(fd, F_GETFL);

	*x = (struct pv_exchange){.fd = fd, .request = request, .left = request->length};
	fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle));
}

static bool put(const struct pv_exchange *x, const char *bytes, size_t length)
{
	while (length) {
		ssize_t sent = send(x->fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		bytes += sent;
		length -= (size_t)sent;
	}
	return true;
}

ssize_t pv_exchange_take(struct pv_exchange *x, void *bytes, size_t room)
{
	ssize_t got;

	if (!x->left)
		return 0;
	if (x->request->expects_continue && !x->was_invited && !put(x, CONTINUE, strlen(CONTINUE)))
		return -1;
	x->was_invited = true;
	do
		got = recv(x->fd, bytes, room < x->left ? room : (size_t)x->left, 0);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return -1;
	x->left -= (uint64_t)got;
	return got;
}

char *pv_exchange_take_text(struct pv_exchange *x)
{
	size_t length = (size_t)x->left, used = 0;
	cleanup_free char *text = pv_alloc(length + 1, 1);
	char *whole;

	while (used < length) {
		ssize_t got = pv_exchange_take(x, text + used, length - used);

		if (got <= 0)
			return NULL;
		used += (size_t)got;
	}
	whole = text;
	text = NULL;
	return whole;
}

void pv_exchange_answer(struct pv_exchange *x, int status, const char *type, const char *text,
	size_t length, const char *fields)
{
	char head[PV_HTTP_ANSWER_BYTES];
	size_t used = pv_http_answer(head, status, type, length, fields);

	if (put(x, head, used) && x->request->method != PV_HTTP_HEAD)
		(void)put(x, text, length);
}

void pv_exchange_json(struct pv_exchange *x, int status, const char *text)
{
	pv_exchange_answer(x, status, JSON, text, strlen(text), "");
}

void pv_exchange_refuse(struct pv_exchange *x, int status, const char *why)
{
	cleanup_free char *text = pv_jsontext_member("Error", why);

	pv_exchange_json(x, status, text);
}

void pv_exchange_file(struct pv_exchange *x, int status, int file, uint64_t length, const char *fields)
{
	char head[PV_HTTP_ANSWER_BYTES];
	size_t used = pv_http_answer(head, status, "application/octet-stream", length, fields);

	if (!put(x, head, used) || x->request->method == PV_HTTP_HEAD)
		return;
	while (length) {
		ssize_t sent =
			sendfile(x->fd, file, NULL, length < PIECE_BYTES ? (size_t)length : PIECE_BYTES);

		/* Less than was announced: the caller sees the early end. */
		if (sent <= 0)
			return;
		length -= (uint64_t)sent;
	}
}

void pv_exchange_piece(struct pv_exchange *x, int file, uint64_t size, const char *fields)
{
	cleanup_free char *more = NULL;
	uint64_t from = x->request->from, to = x->request->to;

	if (!x->request->has_range) {
		pv_exchange_file(x, OK, file, size, fields);
		return;
	}
	if (from >= size || lseek(file, (off_t)from, SEEK_SET) < 0) {
		more = pv_fmt("%sContent-Range: bytes */%llu\r\n", fields, (unsigned long long)size);
		pv_exchange_answer(x, NOT_SATISFIABLE, JSON, TOO_SHORT, strlen(TOO_SHORT), more);
		return;
	}
	if (to >= size)
		to = size - 1;
	more = pv_fmt("%sContent-Range: bytes %llu-%llu/%llu\r\n", fields, (unsigned long long)from,
		(unsigned long long)to, (unsigned long long)size);
	pv_exchange_file(x, PARTIAL, file, to - from + 1, more);
}

void pv_exchange_end(struct pv_exchange *x)
{
	char bytes[PIECE_BYTES];
	size_t drained = 0;
	ssize_t got;

	/* One that waits for its invitation sends nothing. */
	if (x->request->expects_continue && !x->was_invited)
		x->left = 0;
	shutdown(x->fd, SHUT_WR);
	while (x->left && drained < PV_EXCHANGE_DRAIN_BYTES) {
		got = recv(x->fd, bytes, sizeof(bytes), 0);
		if (got <= 0)
			return;
		drained += (size_t)got;
		x->left -= (uint64_t)got < x->left ? (uint64_t)got : x->left;
	}
}
