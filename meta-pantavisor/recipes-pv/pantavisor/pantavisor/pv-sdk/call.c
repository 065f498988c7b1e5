/* SPDX-License-Identifier: MIT */
#include "call.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "alloc.h"
#include "text.h"

#define HOST_BYTES 255
#define HOST_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]"

static void read_head(int fd, struct pv_http_head *head)
{
	char bytes[4096];
	ssize_t seen;

	/* Peeked at first, so that nothing of a body is consumed. */
	while (!head->is_whole && head->used < PV_HTTP_HEAD_BYTES &&
		(seen = recv(fd, bytes, sizeof(bytes), MSG_PEEK)) > 0) {
		size_t taken = pv_http_take(head, bytes, (size_t)seen);

		if (recv(fd, bytes, taken, MSG_WAITALL) != (ssize_t)taken)
			return;
	}
}

/* The value of the next field of that name after `*at`, to be freed; NULL without one. */
static char *next_field(const struct pv_http_head *head, const char *name, const char **at)
{
	const char *end = head->bytes + head->used;
	size_t length = strlen(name);

	while ((*at = memchr(*at, '\n', (size_t)(end - *at))) && ++*at < end) {
		const char *value = *at + length + 1;

		if ((size_t)(end - *at) <= length || strncasecmp(*at, name, length) || (*at)[length] != ':')
			continue;
		while (*value == ' ' || *value == '\t')
			value++;
		return pv_dup(value, strcspn(value, " \t\r\n"));
	}
	return NULL;
}

static bool has_field(const struct pv_http_head *head, const char *name)
{
	const char *at = head->bytes;
	cleanup_free char *value = next_field(head, name, &at);

	return value != NULL;
}

/* It goes into URLs that we name, so it is nothing but a host and a port. */
static bool take_host(struct call *call, const struct pv_http_head *head)
{
	const char *at = head->bytes;
	cleanup_free char *host = next_field(head, "Host", &at);
	cleanup_free char *second = host ? next_field(head, "Host", &at) : NULL;

	if (!host || second || !*host || strlen(host) > HOST_BYTES ||
		strspn(host, HOST_CHARS) != strlen(host))
		return false;
	snprintf(call->base, sizeof(call->base), "http://%s" DOOR, host);
	return true;
}

/* Any web page can have a browser send requests to devices near it, and read the answers if its own name
 * is made to lead to the device. Browsers mark requests by these fields; one to the page's own server, by
 * plain HTTP, has only the last of them. */
static bool is_browser(const struct pv_http_head *head)
{
	return has_field(head, "Origin") || has_field(head, "Sec-Fetch-Site") ||
	       has_field(head, "Accept-Language");
}

bool call_begin(struct call *call, int fd, const char *socket)
{
	struct pv_http_head head = {.used = 0};
	struct pv_err err;
	int status;

	*call = (struct call){.socket = socket};
	pv_exchange_begin(&call->exchange, fd, &call->request);
	read_head(fd, &head);
	if (!head.used)
		return false;
	status = pv_http_parse(&head, &call->request, &err);
	call->exchange.left = status ? 0 : call->request.length;
	if (!status && is_browser(&head)) {
		pv_err_set(&err, "this is not for browsers");
		status = 403;
	} else if (!status && !take_host(call, &head)) {
		pv_err_set(&err, "the request does not name one host");
		status = 400;
	}
	if (status)
		pv_exchange_refuse(&call->exchange, status, err.text);
	return !status;
}
